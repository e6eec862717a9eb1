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
        if (session.Find(wanted.Mailbox) is not { } target) return Reply.No("TRYCREATE", "there is no such mailbox");
        var uids = Picker.Pick(selected, wanted.Messages, arguments.ByUid).Uids(selected.Shown);
        if (uids.Count == 0) return Reply.Ok($"{verb} completed");
        // RFC 2180 §4.4: by number all must be there; a UID that is gone is passed over.
        if (!arguments.ByUid && uids.Exists(uid => selected.View.Current.IndexOf(uid) < 0)) return Reply.No("EXPUNGEISSUED", "some of the messages are gone");
        var done = await session.Store.WriteAsync(unit => Transfer(unit, selected, target, uids), CancellationToken.None).ConfigureAwait(false);
        if (done is null) return Reply.No("TRYCREATE", "there is no such mailbox");
        if (done.Count == 0) return Reply.Ok($"{verb} completed");
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

    /// <summary>Null when the mailbox went meanwhile.</summary>
    IReadOnlyList<Transferred>? Transfer(WriteUnit unit, SelectedMailbox selected, Mailbox target, List<uint> uids) =>
        unit.Mailboxes.Get(selected.AccountId, target.Id) is null || unit.Mailboxes.Get(selected.AccountId, selected.MailboxId) is null ? null
        : move ? unit.Mailboxes.Move(selected.AccountId, selected.MailboxId, target.Id, uids, "imap")
        : unit.Mailboxes.Copy(selected.AccountId, selected.MailboxId, target.Id, uids);
}
