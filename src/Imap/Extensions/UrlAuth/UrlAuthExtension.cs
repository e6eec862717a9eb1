using System.Security.Cryptography;
using Posthorn.Imap.Access;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Storage;

namespace Posthorn.Imap.Extensions.UrlAuth;

/// <summary>URLAUTH (RFC 4467): URLs that let others read one message, with parts of parts (URL-PARTIAL, RFC 5550).</summary>
sealed class UrlAuthExtension : ImapExtension
{
    internal override IReadOnlyList<ImapCommand> Commands { get; } = [new GenUrlAuthCommand(), new ResetKeyCommand(), new UrlFetchCommand()];

    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is not null) words.AddRange(["URLAUTH", "URL-PARTIAL"]);
    }
}

/// <summary>What URLs can be signed with (RFC 4467 §8).</summary>
static class UrlMechanisms
{
    internal const string Code = "URLMECH " + SignedUrl.Mechanism;

    /// <summary>Says it to a client that has selected a mailbox, or whose key of the selected mailbox is another one now.</summary>
    internal static void Tell(ImapSession session)
    {
        if (!Capabilities.IsOff(session, "URLAUTH")) session.Untagged("OK"u8, Code, "URLs can be signed");
    }

    /// <summary>The account of a user as a URL names him.</summary>
    internal static long? Account(ReadUnit unit, ImapSession session, string user) =>
        unit.Rights.Account(!user.Contains('@', StringComparison.Ordinal) && session.Server.Options.DefaultDomain is { } domain ? $"{user}@{domain}" : user);
}

/// <summary>GENURLAUTH (RFC 4467 §7): signs URLs of one's own.</summary>
sealed class GenUrlAuthCommand : ImapCommand
{
    const int KeyLength = 32;

    internal override string Verb => "GENURLAUTH";

    internal override When When => When.LoggedIn;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var rumps = Read(session, arguments);
        var who = session.Who!.AccountId;
        var signed = await session.WriteAsync(unit =>
        {
            var urls = new List<string>();
            foreach (var rump in rumps)
            {
                if (!SignedUrl.TryParse(rump, out var url) || url.Token is not null || UrlMechanisms.Account(unit, session, url.Owner) != who
                    || !url.Host.Equals(session.Server.Options.Hostname, StringComparison.OrdinalIgnoreCase)
                    || MailboxAccess.Find(unit, who, url.Message.Mailbox!, Rights.Read).Mailbox is not { } mailbox) return null;
                if (unit.UrlKeys.Find(mailbox.Id, who) is not { } key) unit.UrlKeys.Set(mailbox.Id, who, key = RandomNumberGenerator.GetBytes(KeyLength));
                urls.Add($"{rump}:internal:{SignedUrl.Sign(rump, key)}");
            }
            return urls;
        }).ConfigureAwait(false);
        if (signed is null) return Reply.Bad("not the URL of a message of yours here");
        session.Out.Raw("* GENURLAUTH"u8);
        foreach (var url in signed)
        {
            session.Out.SP();
            session.Out.String(url);
        }
        session.Out.EndLine();
        return Reply.Ok("GENURLAUTH completed");
    }

    static List<string> Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        var rumps = new List<string>();
        while (reader.TryTake((byte)' '))
        {
            rumps.Add(reader.AStringText());
            reader.SP();
            if (!reader.TryWord("INTERNAL"u8)) throw reader.Bad("a mechanism that is not offered");
        }
        reader.End();
        return rumps.Count > 0 ? rumps : throw reader.Bad("a URL expected");
    }
}

/// <summary>RESETKEY (RFC 4467 §7): URLs that were signed before are good no more.</summary>
sealed class ResetKeyCommand : ImapCommand
{
    internal override string Verb => "RESETKEY";

    internal override When When => When.LoggedIn;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var name = Read(session, arguments);
        var who = session.Who!.AccountId;
        var reset = 0L;
        var reply = await session.WriteAsync(unit =>
        {
            if (name is null)
            {
                unit.UrlKeys.Remove(null, who);
                return Reply.Ok("RESETKEY completed");
            }
            var found = MailboxAccess.Find(unit, who, name, Rights.Read);
            if (found.Mailbox is not { } mailbox) return found.Refusal;
            unit.UrlKeys.Remove(mailbox.Id, who);
            reset = mailbox.Id;
            return Reply.Ok(UrlMechanisms.Code, "RESETKEY completed");
        }).ConfigureAwait(false);
        if (reset > 0) session.Server.Views.Find(reset)?.ResetKey(who);
        // The tagged response says it already.
        if (session.Selected is { } selected && selected.MailboxId == reset) selected.KnowKeyResets();
        return reply;
    }

    /// <summary>Null for all mailboxes.</summary>
    static string? Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        if (!reader.TryTake((byte)' '))
        {
            reader.End();
            return null;
        }
        var name = reader.Mailbox();
        while (reader.TryTake((byte)' '))
            if (!reader.TryWord("INTERNAL"u8)) throw reader.Bad("a mechanism that is not offered");
        reader.End();
        return name;
    }
}

/// <summary>URLFETCH (RFC 4467 §7). A URL that is not good, or not for this user, is NIL.</summary>
sealed class UrlFetchCommand : ImapCommand
{
    const int Piece = 32 << 10;

    internal override string Verb => "URLFETCH";

    internal override When When => When.LoggedIn;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var urls = Read(session, arguments);
        session.Out.Raw("* URLFETCH"u8);
        foreach (var url in urls)
        {
            session.Out.SP();
            session.Out.String(url);
            session.Out.SP();
            await OneAsync(session, url).ConfigureAwait(false);
        }
        session.Out.EndLine();
        return Reply.Ok("URLFETCH completed");
    }

    static List<string> Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        var urls = new List<string>();
        while (reader.TryTake((byte)' ')) urls.Add(reader.AStringText());
        reader.End();
        return urls.Count > 0 ? urls : throw reader.Bad("a URL expected");
    }

    static async ValueTask OneAsync(ImapSession session, string url)
    {
        using var source = Open(session, url, out var parsed);
        if (source is null || !IsReadable(session, source) || !parsed!.Message.TryRead(source, out var octets))
        {
            session.Out.Nil();
            return;
        }
        session.Out.LiteralMark(octets.Length);
        session.InLiteral = true;
        for (var at = 0L; at < octets.Length;)
        {
            var n = (int)Math.Min(Piece, octets.Length - at);
            var room = session.Connection.GetSpan(n)[..n];
            octets.Read(at, room);
            room.Replace((byte)0, (byte)'?'); // RFC 9051 §4.3: no NUL in a literal
            session.Connection.Advance(n);
            at += n;
            if (session.Connection.ShouldFlush) await session.Connection.FlushAsync().ConfigureAwait(false);
        }
        session.InLiteral = false;
    }

    static bool IsReadable(ImapSession session, MessageSource source)
    {
        try
        {
            source.Check();
            return true;
        }
        catch (StoreDamageException e)
        {
            ImapLog.Damaged(session.Server.Log, source.MessageId, session.Who!.AccountId, e.Message);
            return false;
        }
    }

    static MessageSource? Open(ImapSession session, string url, out SignedUrl? parsed)
    {
        parsed = SignedUrl.TryParse(url, out var read) ? read : null;
        if (read?.Token is null || read.Expires <= session.Server.Time.GetUtcNow()) return null;
        var owner = session.Store.Read(unit => UrlMechanisms.Account(unit, session, read.Owner) is { } account && May(unit, session, read)
            && MailboxAccess.Find(unit, account, read.Message.Mailbox!, Rights.Read).Mailbox is { } mailbox
            && unit.UrlKeys.Find(mailbox.Id, account) is { } key && read.IsSignedBy(key) ? account : (long?)null);
        return owner is { } who ? read.Message.Open(session, who) : null;
    }

    /// <summary>RFC 4467 §3. On whose behalf a submission server asks is for that server to check.</summary>
    static bool May(ReadUnit unit, ImapSession session, SignedUrl url) => url.Access switch
    {
        UrlAccess.Anonymous or UrlAccess.AuthUser => true,
        UrlAccess.User => UrlMechanisms.Account(unit, session, url.Name) == session.Who!.AccountId,
        _ => session.Server.Options.SubmissionAccounts.Contains(session.Who!.Address, StringComparer.OrdinalIgnoreCase),
    };
}
