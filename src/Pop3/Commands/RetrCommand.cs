using Posthorn.Storage;

namespace Posthorn.Pop3.Commands;

/// <summary>RETR (RFC 1939 §5): the whole message.</summary>
sealed class RetrCommand : Pop3Command
{
    internal override string Verb => "RETR";

    internal override When When => When.Transaction | When.NeedsArgument;

    internal override async ValueTask RunAsync(Pop3Session session, ReadOnlyMemory<byte> argument, CancellationToken ct)
    {
        var index = session.Message(argument.Span);
        if (index < 0) return;
        if (session.Rows!.Row(index) is not { } row)
        {
            session.Err("this message has been removed by another program");
            return;
        }
        try
        {
            await MessageSender.RetrieveAsync(session, row).ConfigureAwait(false);
            session.Retrieved++;
        }
        catch (StoreDamageException e) when (!session.InAnswer)
        {
            Pop3Log.Damaged(session.Server.Log, row.MessageId, session.Maildrop!.AccountId, e.Message);
            session.Err("[SYS/PERM] message damaged");
        }
    }
}
