using Posthorn.Imap.Access;
using Posthorn.Imap.Extensions.MessageLimit;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Commands;

/// <summary>COPY (RFC 9051 §6.4.7) and MOVE (§6.4.8, RFC 6851), with and without UID; all messages or none.</summary>
sealed class CopyCommand(string verb, bool move) : ImapCommand
{
    internal override string Verb => verb;

    internal override When When => When.Selected | When.TakesUid | When.TakesMessages;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var selected = session.Selected!;
        var wanted = Read(session, arguments);
        if (move && selected.ReadOnly) return Reply.No("READ-ONLY", "the mailbox is open for reading only");
        // RFC 6851 §5: MOVE deletes and expunges too.
        const Rights Removing = Rights.Mark | Rights.Expunge;
        if (move && (selected.Rights & Removing) != Removing) return Reply.No("NOPERM", "you may not remove messages here");
        var found = session.Find(wanted.Mailbox, Rights.Insert, "TRYCREATE");
        if (found.Mailbox is not { } target) return found.Refusal;
        var picked = Picker.Pick(selected, wanted.Messages, arguments.ByUid);
        var uids = (move ? MessageLimits.Cut(session, selected.Shown, picked) : picked).Uids(selected.Shown);
        if (uids.Count == 0) return Reply.Ok($"{verb} completed");
        if (!move && MessageLimits.RefusesCopy(session, uids) is { } refusal) return refusal;
        // RFC 2180 §4.4: by number all must be there; a UID that is gone is passed over.
        if (!arguments.ByUid && uids.Exists(uid => selected.View.Current.IndexOf(uid) < 0)) return Reply.No("EXPUNGEISSUED", "some of the messages are gone");
        IReadOnlyList<Transferred>? done;
        try
        {
            done = await session.WriteAsync(unit => Transfer(unit, selected, target, found.Rights, uids)).ConfigureAwait(false);
        }
        catch (OverQuotaException) { return Reply.No("OVERQUOTA", "the mailbox is full"); }
        if (done is null) return Reply.No("TRYCREATE", "there is no such mailbox");
        if (done.Count == 0) return Reply.Ok($"{verb} completed");
        selected.NoteOwn(target.Id, done.Select(static d => d.To.Uid));
        var code = $"COPYUID {target.UidValidity} {SequenceSet.Of([.. done.Select(static d => d.From)])} {SequenceSet.Of([.. done.Select(static d => d.To.Uid)])}";
        if (!move) return Reply.Ok(code, "COPY completed");
        // RFC 6851 §4.3: before the client hears that they are gone.
        session.Untagged("OK"u8, code, "moved");
        selected.Tell(mayExpunge: true);
        return Reply.Ok(session.CondStore ? $"HIGHESTMODSEQ {selected.Shown.HighestModSeq}" : null, "MOVE completed");
    }

    static CopyArguments Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        return CopyArguments.Read(ref reader);
    }

    /// <summary>Null when a mailbox went meanwhile.</summary>
    IReadOnlyList<Transferred>? Transfer(WriteUnit unit, SelectedMailbox selected, Mailbox target, Rights rights, List<uint> uids)
    {
        if (unit.Mailboxes.Get(target.AccountId, target.Id) is null || unit.Mailboxes.Get(selected.AccountId, selected.MailboxId) is null) return null;
        var before = unit.Directory.Account(target.AccountId);
        var done = target.AccountId != selected.AccountId || rights != Rights.All ? SharedCopy.Run(unit, selected, target, rights, uids, move)
            : move ? unit.Mailboxes.Move(selected.AccountId, selected.MailboxId, target.Id, uids, "imap")
            : unit.Mailboxes.Copy(selected.AccountId, selected.MailboxId, target.Id, uids);
        // A copy of one's own costs nothing unless a message had to be made of it: only what makes the account larger can be too much.
        if (before is { HasQuota: true } && unit.Directory.Account(target.AccountId) is { } after && after.Messages > before.Messages && !after.HasRoom(0, 0))
            throw new OverQuotaException();
        return done;
    }
}

/// <summary>A copy would not fit: the unit that made it is undone.</summary>
sealed class OverQuotaException : Exception;
