using Posthorn.Imap.Access;
using Posthorn.Imap.Extensions.Acl;
using Posthorn.Imap.Session;
using Posthorn.Storage;
using Posthorn.Storage.Sharing;

namespace Posthorn.Imap.Administration;

/// <summary>Rights that somebody has to a mailbox.</summary>
/// <param name="Who">An address, or "anyone".</param>
/// <param name="Letters">RFC 4314 §2.1, without those of RFC 2086.</param>
/// <param name="Words">The same in words.</param>
public sealed record GrantedRights(string Who, string Letters, IReadOnlyList<string> Words);

/// <summary>
/// Who may do what with a mailbox of somebody, as an administrator sees and sets it, by the rules of SETACL. Each is called inside
/// a unit of the store; a refusal is the reason in words, and then nothing was changed.
/// </summary>
public static class MailboxSharing
{
    /// <summary>The words for all rights, in the order of their letters.</summary>
    public static IReadOnlyList<string> Words => [.. Each.Select(Word)];

    static IEnumerable<Rights> Each => Enumerable.Range(0, 11).Select(static i => (Rights)(1 << i));

    /// <summary>The owner first, then everybody else who has rights; null when there is no such mailbox.</summary>
    public static IReadOnlyList<GrantedRights>? List(ReadUnit unit, long accountId, string name)
    {
        if (unit.Mailboxes.Find(accountId, MailboxAdmin.Normal(name)) is not { } mailbox) return null;
        var all = new List<GrantedRights> { Granted(unit.Rights.Address(accountId) ?? "", Rights.All) };
        foreach (var (grantee, letters) in unit.Rights.List(mailbox.Id))
            if (Identifier.Name(unit, grantee) is { } who && RightsText.TryRead(letters, out var rights)) all.Add(Granted(who, rights));
        return all;
    }

    /// <summary>Gives rights in place of those before, or, with + or - in front, besides them or out of them; null when it was done.</summary>
    /// <param name="who">An address, a name in the owner's domain, or "anyone".</param>
    /// <param name="rights">Letters, or words with commas between them; "all" is all of them, and a word is never taken for letters.</param>
    public static string? Set(WriteUnit unit, long accountId, string name, string who, string rights)
    {
        var how = rights is ['+' or '-', ..] ? rights[0] : '=';
        return TryRead(rights.AsSpan(how == '=' ? 0 : 1), out var wanted)
            ? Change(unit, accountId, name, who, before => how switch { '+' => before | wanted, '-' => before & ~wanted, _ => wanted })
            : $"\"{rights}\" is neither letters of rights nor words: {string.Join(", ", Words)}, all";
    }

    /// <summary>Takes all rights of somebody; null when it was done.</summary>
    public static string? Delete(WriteUnit unit, long accountId, string name, string who) => Change(unit, accountId, name, who, static _ => Rights.None);

    static string? Change(WriteUnit unit, long accountId, string name, string who, Func<Rights, Rights> change)
    {
        name = MailboxAdmin.Normal(name);
        if (unit.Mailboxes.Find(accountId, name) is not { } mailbox) return $"there is no mailbox {name}";
        if (Identifier.Account(unit, accountId, who) is not { } grantee) return $"there is no account {who}";
        if (grantee == accountId) return "the owner keeps all rights";
        var all = unit.Rights.List(mailbox.Id);
        var before = RightsText.TryRead(all.FirstOrDefault(r => r.Grantee == grantee).Rights, out var there) ? there : Rights.None;
        if (all.Count >= SetAclCommand.Most && before == Rights.None) return "too many have rights already";
        unit.Rights.Set(mailbox.Id, grantee, RightsText.Stored(change(before)));
        return null;
    }

    static bool TryRead(ReadOnlySpan<char> text, out Rights rights)
    {
        rights = Rights.None;
        if (text.Equals("all", StringComparison.OrdinalIgnoreCase))
        {
            rights = Rights.All;
            return true;
        }
        foreach (var range in text.Split(','))
        {
            var word = text[range].Trim().ToString();
            if (Each.FirstOrDefault(r => Word(r).Equals(word, StringComparison.OrdinalIgnoreCase)) is not (var right and not Rights.None))
                return RightsText.TryRead(text, out rights);
            rights |= right;
        }
        return true;
    }

    static GrantedRights Granted(string who, Rights rights) => new(who, RightsText.Stored(rights), [.. Each.Where(r => (rights & r) != 0).Select(Word)]);

    static string Word(Rights right) => right switch
    {
        Rights.Lookup => "lookup",
        Rights.Read => "read",
        Rights.Seen => "seen",
        Rights.Write => "write",
        Rights.Insert => "insert",
        Rights.Post => "post",
        Rights.Create => "create",
        Rights.Delete => "delete",
        Rights.Mark => "mark",
        Rights.Expunge => "expunge",
        _ => "administer",
    };
}
