using Posthorn.Imap.Access;
using Posthorn.Imap.Extensions.MessageLimit;
using Posthorn.Imap.Session;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Commands;

/// <summary>CLOSE (RFC 9051 §6.4.1), which expunges, and UNSELECT (§6.4.2, RFC 3691), which does not.</summary>
sealed class CloseCommand(string verb, bool expunge) : ImapCommand
{
    internal override string Verb => verb;

    internal override When When => When.Selected;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        arguments.None(session);
        var selected = session.Selected!;
        if (expunge && !selected.ReadOnly && (selected.Rights & Rights.Expunge) != 0) await ExpungeCommand.RunAsync(session, selected, null).ConfigureAwait(false);
        session.Deselect();
        // RFC 7162 §3.2.8: no HIGHESTMODSEQ, since the client has not heard of what went.
        return Reply.Ok($"{verb} completed");
    }
}

/// <summary>EXPUNGE (RFC 9051 §6.4.3) and UID EXPUNGE (§6.4.9, RFC 4315 §2.1).</summary>
sealed class ExpungeCommand(bool byUid) : ImapCommand
{
    internal override string Verb => "EXPUNGE";

    internal override When When => When.Selected | (byUid ? When.NeedsUid : 0);

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var uids = Read(session, arguments);
        var selected = session.Selected!;
        if (selected.ReadOnly) return Reply.No("READ-ONLY", "the mailbox is open for reading only");
        if ((selected.Rights & Rights.Expunge) == 0) return Reply.No("NOPERM", "you may not expunge here");
        await RunAsync(session, selected, uids is null ? null : Picker.Pick(selected, uids, byUid: true)).ConfigureAwait(false);
        selected.Tell(mayExpunge: true);
        return Reply.Ok(session.CondStore ? $"HIGHESTMODSEQ {selected.Shown.HighestModSeq}" : null, "EXPUNGE completed");
    }

    Grammar.SequenceSet? Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        if (!byUid)
        {
            reader.End();
            return null;
        }
        reader.SP();
        var set = reader.SequenceSet();
        reader.End();
        return set;
    }

    /// <summary>Removes the messages that are marked as deleted now; the client is told by who calls.</summary>
    /// <param name="among">Those of UID EXPUNGE; null for all, of which there may be any number (RFC 9738 §3.1).</param>
    internal static async ValueTask RunAsync(ImapSession session, SelectedMailbox selected, Picked? among)
    {
        var uids = new List<uint>();
        foreach (var chunk in selected.View.Current.Chunks)
            foreach (ref readonly var row in chunk.AsSpan())
                if ((row.Flags & MessageFlags.Deleted) != 0 && (among is not { } set || set.Contains(selected.Shown, row.Uid))) uids.Add(row.Uid);
        if (among is not null) MessageLimits.Cut(session, uids);
        if (uids.Count == 0) return;
        await session.WriteAsync(unit => unit.Mailboxes.Expunge(selected.AccountId, selected.MailboxId, uids, "imap")).ConfigureAwait(false);
    }
}
