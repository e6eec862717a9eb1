using Posthorn.Imap.Access;
using Posthorn.Imap.Extensions.UrlAuth;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Imap.Views;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Commands;

/// <summary>SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3), with CONDSTORE and QRESYNC (RFC 7162 §3.1.8, §3.2.5).</summary>
sealed class SelectCommand(string verb, bool readOnly) : ImapCommand
{
    internal override string Verb => verb;

    internal override When When => When.LoggedIn;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var wanted = Read(session, arguments);
        if (wanted.Resync is not null && !session.QResync) return Reply.Bad("ENABLE QRESYNC first");
        // RFC 9586 §3.6
        if (session.UidOnly && wanted.Resync?.MatchNumbers is not null) return new Reply(ReplyKind.Bad, "UIDREQUIRED", "message numbers are not allowed");
        if (session.Selected is not null)
        {
            session.Deselect();
            // RFC 7162 §3.2.11: what follows is about the other mailbox.
            session.Untagged("OK"u8, "CLOSED", "the former mailbox is closed");
        }
        var found = session.Find(wanted.Mailbox, Rights.Read);
        if (found.Mailbox is not { } mailbox) return found.Refusal;
        if (wanted.CondStore) session.Enable(Enabled.CondStore);
        var view = session.Server.Views.Take(mailbox.AccountId, mailbox.Id);
        var selected = new SelectedMailbox(session, view, mailbox.Name, mailbox.UidValidity, readOnly, found.Rights);
        session.Select(selected);
        Describe(session, selected, mailbox, wanted.Mailbox);
        if (wanted.Resync is { } known && known.UidValidity == mailbox.UidValidity) await ResyncAsync(session, selected, known).ConfigureAwait(false);
        return Reply.Ok(selected.ReadOnly ? "READ-ONLY" : "READ-WRITE", $"{verb} completed");
    }

    static SelectArguments Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        return SelectArguments.Read(ref reader);
    }

    static void Describe(ImapSession session, SelectedMailbox selected, Mailbox mailbox, string asked)
    {
        var output = session.Out;
        var shown = selected.Shown;
        output.Raw("* "u8);
        output.Number(shown.Count);
        output.Raw(" EXISTS\r\n"u8);
        if (!session.Rev2)
        {
            output.Raw("* "u8);
            output.Number(selected.Recent);
            output.Raw(" RECENT\r\n"u8);
            if (!session.UidOnly && FirstUnseen(shown) is > 0 and var unseen) session.Untagged("OK"u8, $"UNSEEN {unseen}", "the first message that is not seen");
        }
        session.Untagged("OK"u8, $"UIDVALIDITY {selected.UidValidity}", "UIDs are valid");
        session.Untagged("OK"u8, $"UIDNEXT {shown.UidNext}", "the next UID");
        selected.WriteFlagLists();
        session.Untagged("OK"u8, $"HIGHESTMODSEQ {shown.HighestModSeq}", "the highest change number");
        session.Untagged("OK"u8, $"MAILBOXID ({MailboxName.ObjectId(mailbox.Id)})", "the mailbox's id");
        UrlMechanisms.Tell(session);
        if (session.Rev2) ListLine.Write(session, mailbox.Name, asked); // RFC 9051 §6.3.2
    }

    static int FirstUnseen(Snapshot shown)
    {
        var number = 0;
        foreach (var chunk in shown.Chunks)
            foreach (ref readonly var row in chunk.AsSpan())
            {
                number++;
                if ((row.Flags & MessageFlags.Seen) == 0) return number;
            }
        return 0;
    }

    /// <summary>
    /// What has gone and changed since the client was last here (RFC 7162 §3.2.5.1).
    /// </summary>
    static async ValueTask ResyncAsync(ImapSession session, SelectedMailbox selected, QuickResync known)
    {
        var output = session.Out;
        var gone = session.Store.Read(unit => unit.Mailboxes.VanishedSince(selected.AccountId, selected.MailboxId, known.ModSeq));
        var wanted = known.KnownUids?.Resolve(uint.MaxValue);
        var agreed = Agreed(selected.Shown, known);
        // What went since the mailbox was counted is told later, as of any other.
        uint[] told = [.. gone.Where(uid => uid > agreed && selected.Shown.IndexOf(uid) < 0 && (wanted is null || SequenceSet.Contains(wanted, uid))).Distinct()];
        if (told.Length > 0)
        {
            output.Raw("* VANISHED (EARLIER) "u8);
            output.Set(SequenceSet.Of(told));
            output.EndLine();
        }
        for (var i = 0; i < selected.Shown.Count; i++)
        {
            if (selected.Shown[i].ModSeq <= known.ModSeq || wanted is not null && !SequenceSet.Contains(wanted, selected.Shown[i].Uid)) continue;
            selected.TellFlags(i, withUid: true);
            if (session.Connection.ShouldFlush) await session.Connection.FlushAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The highest UID of those that the client knows the right message number of: what went below it, it knows (RFC 7162 §3.2.5.2).</summary>
    static uint Agreed(Snapshot shown, QuickResync known)
    {
        if (known.MatchNumbers is null || known.MatchUids is null) return 0;
        uint agreed = 0;
        foreach (var (number, uid) in Ascending(known.MatchNumbers).TakeWhile(n => n <= shown.Count).Zip(Ascending(known.MatchUids)))
            if (shown[(int)number - 1].Uid == uid) agreed = uid;
        return agreed;
    }

    /// <summary>The numbers of a set as far as they ascend, which they have to.</summary>
    static IEnumerable<uint> Ascending(SequenceSet set)
    {
        ulong next = 1;
        foreach (var (first, last) in set.Ranges)
        {
            if (first < next) yield break;
            for (next = first; next <= last; next++) yield return (uint)next;
        }
    }
}
