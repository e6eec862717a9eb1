using Posthorn.Imap.Access;
using Posthorn.Imap.Extensions.Filters;
using Posthorn.Imap.Extensions.Notify;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Posthorn.Storage.Sharing;

namespace Posthorn.Imap.Extensions.Metadata;

/// <summary>METADATA (RFC 5464): annotations of mailboxes and of the server; LIST-METADATA (RFC 9590).</summary>
sealed class MetadataExtension : ImapExtension
{
    internal override IReadOnlyList<ImapCommand> Commands { get; } = [new GetMetadataCommand(), new SetMetadataCommand()];

    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is not null) words.AddRange(["METADATA", "LIST-METADATA"]);
    }
}

/// <summary>Who may see and set annotations.</summary>
static class MetadataAccess
{
    /// <summary>RFC 5464 §3.3.</summary>
    internal static bool May(Rights rights) =>
        (rights & Rights.Lookup) != 0 && (rights & (Rights.Read | Rights.Seen | Rights.Write | Rights.Insert | Rights.Post)) != 0;

    /// <summary>The mailbox whose annotations are meant, the server for an empty name; null with the answer when there is none.</summary>
    internal static long? Place(ReadUnit unit, long who, string name, out Reply refusal)
    {
        refusal = Reply.None;
        if (name.Length == 0) return AnnotationTable.Server;
        var found = MailboxAccess.Find(unit, who, name, Rights.Lookup);
        refusal = found.Mailbox is not null && !May(found.Rights) ? Reply.No("NOPERM", "you may not do that with this mailbox") : found.Refusal;
        return found.Mailbox is { } mailbox && May(found.Rights) ? mailbox.Id : null;
    }

    /// <summary>A mailbox name, or the empty string.</summary>
    internal static string Name(ref ImapReader r) => r.TryPrefix("\"\""u8) ? "" : r.Mailbox();
}

/// <summary>SETMETADATA (RFC 5464 §4.3): all entries or none.</summary>
sealed class SetMetadataCommand : ImapCommand
{
    /// <summary>Octets of a value, and entries of one mailbox and scope: at least 1,024 and 10 (RFC 5464 §4.1).</summary>
    const int Longest = 16 << 10, Most = 100;

    internal override string Verb => "SETMETADATA";

    internal override When When => When.LoggedIn;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var (name, entries) = Read(session, arguments);
        if (entries.Exists(static e => e.Value?.Length > Longest)) return Reply.No($"METADATA MAXSIZE {Longest}", "a value is too long");
        if (name.Length == 0 && entries.Exists(static e => !e.Name.Private)) return Reply.No("NOPERM", "shared annotations of the server are the administrator's");
        // RFC 5466 §3.2
        if (name.Length == 0 && entries.Exists(static e => e.Value is not null && e.Name.Name.StartsWith(FiltersExtension.Values, StringComparison.Ordinal) && !FiltersExtension.IsGood(e.Value)))
            return Reply.No(null, "a filter is a search");
        var who = session.Who!.AccountId;
        var mailboxId = 0L;
        Mailbox? lost = null;
        var reply = await session.Store.WriteAsync(unit =>
        {
            if (MetadataAccess.Place(unit, who, name, out var refusal) is not { } mailbox) return refusal;
            mailboxId = mailbox;
            foreach (var scope in entries.GroupBy(static e => e.Name.Private))
            {
                var account = scope.Key ? who : AnnotationTable.Shared;
                var there = unit.Annotations.List(mailbox, account).Select(static a => a.Name).ToHashSet();
                foreach (var (entry, value) in scope)
                    if (value is null) there.Remove(entry.Name);
                    else there.Add(entry.Name);
                if (there.Count > Most) return Reply.No("METADATA TOOMANY", "there are too many annotations already");
            }
            foreach (var (entry, value) in entries.Where(static e => SpecialUse.Is(e.Name)))
                if (mailbox != AnnotationTable.Server && SpecialUse.Set(unit, who, mailbox, value, out lost) is { } no) return no;
            foreach (var (entry, value) in entries.Where(e => name.Length == 0 || !SpecialUse.Is(e.Name)))
            {
                var account = entry.Private ? who : AnnotationTable.Shared;
                if (value is null) unit.Annotations.Remove(mailbox, account, entry.Name);
                else unit.Annotations.Set(mailbox, account, entry.Name, value);
            }
            return Reply.Ok("SETMETADATA completed");
        }, CancellationToken.None).ConfigureAwait(false);
        // RFC 6154 §5.4
        if (reply.Kind == ReplyKind.Ok && lost is not null) MetadataAnswer.Write(session, lost.Name, [(new EntryName(true, SpecialUse.Name), null)]);
        if (reply.Kind == ReplyKind.Ok)
            foreach (var scope in entries.GroupBy(static e => e.Name.Private))
                session.Server.Feed.Publish(new FeedItem(mailboxId, scope.Key ? who : 0, [.. scope.Select(static e => e.Name.Text)]));
        return reply;
    }

    static (string Name, List<(EntryName Name, byte[]? Value)> Entries) Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        var name = MetadataAccess.Name(ref reader);
        reader.SP();
        reader.Open();
        var entries = new List<(EntryName, byte[]?)>();
        do
        {
            var entry = EntryName.Read(ref reader);
            reader.SP();
            entries.Add((entry, reader.TryNString8(out var value) ? value.ToArray() : null));
        }
        while (reader.TryTake((byte)' '));
        reader.Close();
        reader.End();
        return (name, entries);
    }
}

/// <summary>GETMETADATA (RFC 5464 §4.2).</summary>
sealed class GetMetadataCommand : ImapCommand
{
    sealed record Wanted(string Name, List<EntryName> Entries, int Depth, long MaxSize);

    internal override string Verb => "GETMETADATA";

    internal override When When => When.LoggedIn;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var wanted = Read(session, arguments);
        var who = session.Who!.AccountId;
        var refusal = Reply.None;
        var found = session.Store.Read(unit => MetadataAccess.Place(unit, who, wanted.Name, out refusal) is { } mailbox
            ? MetadataAnswer.Find(unit, session, mailbox, wanted.Entries, wanted.Depth) : null);
        if (found is null) return new(refusal);
        var longest = found.Select(static f => (long)(f.Value?.Length ?? 0)).DefaultIfEmpty().Max();
        MetadataAnswer.Write(session, wanted.Name, [.. found.Where(f => (f.Value?.Length ?? 0) <= wanted.MaxSize)]);
        return new(Reply.Ok(longest > wanted.MaxSize ? $"METADATA LONGENTRIES {longest}" : null, "GETMETADATA completed"));
    }

    static Wanted Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        var (depth, max) = (0, long.MaxValue);
        reader.SP();
        // Before the mailbox by the grammar (RFC 5464 §5), behind it by the examples (§4.2.1).
        if (reader.TryOpen())
        {
            Options(ref reader, ref depth, ref max);
            reader.SP();
        }
        var name = MetadataAccess.Name(ref reader);
        reader.SP();
        if (reader.Peek == '(' && IsOptions(reader.Rest))
        {
            reader.Open();
            Options(ref reader, ref depth, ref max);
            reader.SP();
        }
        var entries = new List<EntryName>();
        if (reader.TryOpen())
        {
            do entries.Add(EntryName.Read(ref reader, scope: true));
            while (reader.TryTake((byte)' '));
            reader.Close();
        }
        else
            do entries.Add(EntryName.Read(ref reader, scope: true));
            while (reader.TryTake((byte)' '));
        reader.End();
        return new Wanted(name, entries, depth, max);
    }

    static bool IsOptions(ReadOnlySpan<byte> rest) => rest.Length > 1 && rest[1] is not ((byte)'/' or (byte)'"' or (byte)'{');

    static void Options(ref ImapReader r, ref int depth, ref long max)
    {
        do
        {
            if (r.TryWord("MAXSIZE"u8))
            {
                r.SP();
                max = r.Number64();
            }
            else if (r.TryWord("DEPTH"u8))
            {
                r.SP();
                depth = r.TryWord("0"u8) ? 0 : r.TryWord("1"u8) ? 1 : r.TryWord("INFINITY"u8) ? int.MaxValue : throw r.Bad("0, 1 or infinity expected");
            }
            else throw r.Bad("MAXSIZE or DEPTH expected");
        }
        while (r.TryTake((byte)' '));
        r.Close();
    }
}

/// <summary>The METADATA response (RFC 5464 §4.4.1).</summary>
static class MetadataAnswer
{
    /// <summary>RFC 9590 §2: the entries of a mailbox that LIST shows, those without a value too.</summary>
    internal static void Write(ImapSession session, Mailbox mailbox, IReadOnlyList<string> names)
    {
        var entries = new List<EntryName>();
        foreach (var name in names)
            if (EntryName.TryParse(name, scope: false, out var entry)) entries.Add(entry);
        Write(session, mailbox.Name, session.Store.Read(unit => Find(unit, session, mailbox.Id, entries, 0)));
    }

    /// <summary>The entries with their values; null for one that has none.</summary>
    internal static List<(EntryName Name, byte[]? Value)> Find(ReadUnit unit, ImapSession session, long mailbox, IReadOnlyList<EntryName> entries, int depth)
    {
        var found = new List<(EntryName, byte[]?)>();
        var scopes = new Dictionary<bool, IReadOnlyList<Annotation>>();
        foreach (var entry in entries.Distinct())
        {
            if (!scopes.TryGetValue(entry.Private, out var all))
                scopes.Add(entry.Private, all = All(unit, session, mailbox, entry.Private));
            var exact = all.FirstOrDefault(a => a.Name == entry.Name);
            if (exact is not null || depth == 0 && entry.Name.Length > 0) found.Add((entry, exact?.Value));
            if (depth == 0) continue;
            foreach (var below in all)
                if (below.Name.StartsWith(entry.Name + "/", StringComparison.Ordinal) && below.Name.AsSpan(entry.Name.Length + 1).Count('/') < depth)
                    found.Add((entry with { Name = below.Name }, below.Value));
        }
        return found;
    }

    static IReadOnlyList<Annotation> All(ReadUnit unit, ImapSession session, long mailbox, bool isPrivate)
    {
        var all = unit.Annotations.List(mailbox, isPrivate ? session.Who!.AccountId : AnnotationTable.Shared);
        if (isPrivate && SpecialUse.Of(unit, session.Who!.AccountId, mailbox) is { } use) return [.. all, use];
        // RFC 5464 §6.2.1: where the administrator is.
        return mailbox == AnnotationTable.Server && !isPrivate
            ? [.. all, new Annotation("/admin", System.Text.Encoding.ASCII.GetBytes($"mailto:postmaster@{session.Server.Options.Hostname}"))]
            : all;
    }

    internal static void Write(ImapSession session, string mailbox, IReadOnlyList<(EntryName Name, byte[]? Value)> found)
    {
        if (found.Count == 0) return;
        var output = session.Out;
        output.Raw("* METADATA "u8);
        output.Mailbox(mailbox);
        for (var i = 0; i < found.Count; i++)
        {
            output.Raw(i == 0 ? " ("u8 : " "u8);
            Name(output, found[i].Name.Text);
            output.SP();
            if (found[i].Value is not { } value) output.Nil();
            else if (value.AsSpan().IndexOf((byte)0) < 0) output.String(value);
            else
            {
                output.LiteralMark(value.Length, binary: true);
                output.Raw(value);
            }
        }
        output.Raw(")\r\n"u8);
    }

    /// <summary>RFC 5464 §4.4.2: what has changed, without its values.</summary>
    internal static void Names(ImapSession session, string mailbox, IReadOnlyList<string> names)
    {
        session.Out.Raw("* METADATA "u8);
        session.Out.Mailbox(mailbox);
        foreach (var name in names)
        {
            session.Out.SP();
            Name(session.Out, name);
        }
        session.Out.EndLine();
    }

    /// <summary>An entry's name as an atom where it is one.</summary>
    static void Name(ResponseWriter output, string name)
    {
        if (name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_' or '$')) output.Raw(System.Text.Encoding.ASCII.GetBytes(name));
        else output.String(name);
    }
}
