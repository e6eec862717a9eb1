using Posthorn.Imap.Access;
using Posthorn.Imap.Extensions.Acl;
using Posthorn.Imap.Extensions.Metadata;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Commands;

/// <summary>LIST (RFC 9051 §6.3.9, RFC 5258, with RFC 5819 and RFC 6154) and LSUB (RFC 3501 §6.3.9).</summary>
sealed class ListCommand(string verb, bool subscribed) : ImapCommand
{
    internal override string Verb => verb;

    internal override When When => When.LoggedIn;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var wanted = Read(session, arguments);
        if (!subscribed && !wanted.Extended && wanted.Patterns[0].Length == 0)
        {
            // RFC 9051 §6.3.9: an empty pattern asks for the delimiter and the root of the reference.
            session.Out.Raw("* LIST (\\Noselect) \"/\" \"\"\r\n"u8);
            return Reply.Ok("LIST completed");
        }
        var tree = session.Store.Read(unit => MailboxTree.Read(unit, session.Who!.AccountId));
        ListPattern[] patterns = [.. wanted.Patterns.Select(p => new ListPattern(MailboxName.Normal(wanted.Reference + p), MailboxName.Delimiter))];
        var hidden = !subscribed && (wanted.Select & ListSelect.RecursiveMatch) == 0 ? null : Hidden(tree, wanted.Select, patterns);
        foreach (var entry in tree.Matching(name => Array.Exists(patterns, p => p.Matches(name))))
        {
            if (subscribed) Lsub(session, entry, hidden!.GetValueOrDefault(entry.Name));
            else List(session, entry, wanted, hidden);
            if (session.Connection.ShouldFlush) await session.Connection.FlushAsync().ConfigureAwait(false);
        }
        return Reply.Ok($"{verb} completed");
    }

    ListArguments Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        return subscribed ? ListArguments.ReadLsub(ref reader) : ListArguments.Read(ref reader);
    }

    /// <summary>What was asked for of each mailbox (RFC 5819, RFC 8440, RFC 9590).</summary>
    static void Add(ImapSession session, TreeEntry entry, Mailbox mailbox, ListArguments wanted)
    {
        if (wanted.Status != StatusItems.None && (entry.Rights & Rights.Read) != 0) StatusWriter.Write(session, mailbox, wanted.Status);
        if ((wanted.Return & ListReturn.MyRights) != 0) AclAnswer.MyRights(session, mailbox.Name, entry.Rights);
        if (wanted.Metadata.Count > 0 && MetadataAccess.May(entry.Rights)) MetadataAnswer.Write(session, mailbox, wanted.Metadata);
    }

    static void Lsub(ImapSession session, TreeEntry entry, bool hides)
    {
        // RFC 3501 §6.3.9: a name that is not subscribed itself is shown where the pattern stops above one that is.
        if (!entry.Subscribed && !hides) return;
        var output = session.Out;
        output.Raw(entry.Subscribed && entry.Mailbox is not null ? "* LSUB () \"/\" "u8 : "* LSUB (\\Noselect) \"/\" "u8);
        output.Mailbox(entry.Name);
        output.EndLine();
    }

    /// <summary>True for a name that fits the options which select.</summary>
    static bool IsSelected(TreeEntry entry, ListSelect select)
    {
        if ((select & ListSelect.Subscribed) != 0 && !entry.Subscribed || (select & ListSelect.SpecialUse) != 0 && MailboxName.Use(entry.Role) is null) return false;
        // A name that nobody has and nobody subscribed to is there for what is below it.
        return entry.Mailbox is not null || (select & ListSelect.Subscribed) != 0 || entry.HasChildren;
    }

    /// <summary>The names above one that is selected (true when one of those is not told itself, since no pattern fits it).</summary>
    static Dictionary<string, bool> Hidden(MailboxTree tree, ListSelect select, ListPattern[] patterns)
    {
        var above = new Dictionary<string, bool>(StringComparer.Ordinal);
        foreach (var entry in tree.Entries)
        {
            if (!IsSelected(entry, select)) continue;
            var hidden = !Array.Exists(patterns, p => p.Matches(entry.Name));
            foreach (var name in MailboxName.Above(entry.Name)) above[name] = hidden || above.GetValueOrDefault(name);
        }
        return above;
    }

    /// <param name="hidden">Null without RECURSIVEMATCH.</param>
    static void List(ImapSession session, TreeEntry entry, ListArguments wanted, Dictionary<string, bool>? hidden)
    {
        var bySubscription = (wanted.Select & ListSelect.Subscribed) != 0;
        var chosen = IsSelected(entry, wanted.Select);
        var below = hidden?.ContainsKey(entry.Name) == true;
        // RFC 9051 §6.3.9.6: a name that is not selected is told only for what the client does not hear of otherwise.
        if (!chosen && hidden?.GetValueOrDefault(entry.Name) != true) return;
        var output = session.Out;
        output.Raw("* LIST ("u8);
        var any = false;
        if (entry.Mailbox is null) Attribute(wanted.Extended || session.Rev2 ? "\\NonExistent"u8 : "\\Noselect"u8);
        if (entry.Subscribed && (bySubscription || (wanted.Return & ListReturn.Subscribed) != 0)) Attribute("\\Subscribed"u8);
        Attribute(entry.HasChildren ? "\\HasChildren"u8 : "\\HasNoChildren"u8);
        if (MailboxName.Use(entry.Role) is { } use) Attribute(System.Text.Encoding.ASCII.GetBytes(use));
        output.Raw(") \"/\" "u8);
        output.Mailbox(entry.Name);
        // RFC 5258 §4: which of the wanted things are below.
        if (below && bySubscription) output.Raw(" (\"CHILDINFO\" (\"SUBSCRIBED\"))"u8);
        output.EndLine();
        if (chosen && entry.Mailbox is { } mailbox) Add(session, entry, mailbox, wanted);

        void Attribute(ReadOnlySpan<byte> name)
        {
            if (any) output.SP();
            any = true;
            output.Raw(name);
        }
    }
}
