using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Session;

/// <summary>Mailbox names as the store has them: Unicode, levels parted by "/", INBOX in upper case.</summary>
static class MailboxName
{
    internal const char Delimiter = '/';

    internal const string Inbox = "INBOX";

    /// <summary>Octets of a whole name in UTF-8, and levels: past them none can be made.</summary>
    const int MostOctets = 1000, MostLevels = 50;

    /// <summary>INBOX in any case is one name, also where it is the first level of others (RFC 9051 §5.1).</summary>
    internal static string Normal(string name) =>
        name.StartsWith(Inbox, StringComparison.OrdinalIgnoreCase) && (name.Length == Inbox.Length || name[Inbox.Length] == Delimiter) ? Inbox + name[Inbox.Length..] : name;

    /// <summary>True for a name that a mailbox may be given: no empty level, no control character, nothing that only looks like nothing.</summary>
    internal static bool IsGood(string name)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(name) > MostOctets || name.AsSpan().Count(Delimiter) >= MostLevels) return false;
        foreach (var level in name.AsSpan().Split(Delimiter))
            if (name.AsSpan()[level].IsWhiteSpace()) return false;
        foreach (var c in name)
            // RFC 9051 §5.1: no controls, and neither of the separators that Unicode has for lines.
            if (char.IsControl(c) || c is '\u2028' or '\u2029' or '\uFFFD' or '%' or '*') return false;
        return true;
    }

    /// <summary>The names above a name, outermost first.</summary>
    internal static IEnumerable<string> Above(string name)
    {
        for (var at = name.IndexOf(Delimiter); at >= 0; at = name.IndexOf(Delimiter, at + 1)) yield return name[..at];
    }

    /// <summary>The attribute of a special use (RFC 6154 §2), or null.</summary>
    internal static string? Use(MailboxRole role) => role switch
    {
        MailboxRole.Drafts => "\\Drafts",
        MailboxRole.Sent => "\\Sent",
        MailboxRole.Junk => "\\Junk",
        MailboxRole.Trash => "\\Trash",
        MailboxRole.Archive => "\\Archive",
        _ => null,
    };

    /// <summary>MAILBOXID (RFC 8474 §4).</summary>
    internal static string ObjectId(long mailboxId) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"F{mailboxId}");
}
