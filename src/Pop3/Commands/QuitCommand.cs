using Posthorn.Storage;

namespace Posthorn.Pop3.Commands;

/// <summary>QUIT (RFC 1939 §4, §6): after login the UPDATE state, where the marked messages go, durably, before the +OK.</summary>
sealed class QuitCommand : Pop3Command
{
    internal override string Verb => "QUIT";

    internal override When When => When.Authorization | When.Transaction;

    internal override async ValueTask RunAsync(Pop3Session session, ReadOnlyMemory<byte> argument, CancellationToken ct)
    {
        if (session.Maildrop is not { Deleted: > 0 } maildrop)
        {
            session.End("quit", "+OK bye\r\n"u8);
            return;
        }
        var uids = maildrop.DeletedUids();
        try
        {
            // Not cancelled by a drain: once begun, the client learns what became of it.
            session.Removed = await session.Server.Store.WriteAsync(
                unit => unit.Mailboxes.Expunge(maildrop.AccountId, maildrop.MailboxId, uids, "pop3"), CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // RFC 1939 §6: the lock goes either way, and the answer says that nothing was removed.
            Pop3Log.Fault(session.Server.Log, e, Verb, maildrop.AccountId, session.Connection.Remote);
            session.End(e is StoreException ? "store refused the deletions" : "fault", "-ERR [SYS/TEMP] deleted messages not removed\r\n"u8);
            return;
        }
        session.End("quit", "+OK deleted messages removed, bye\r\n"u8);
    }
}
