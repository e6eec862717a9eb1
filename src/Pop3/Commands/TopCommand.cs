using Posthorn.Storage;

namespace Posthorn.Pop3.Commands;

/// <summary>TOP (RFC 1939 §7): the header and the first n lines of the body.</summary>
sealed class TopCommand : Pop3Command
{
    internal override string Verb => "TOP";

    internal override When When => When.Transaction | When.NeedsArgument;

    internal override async ValueTask RunAsync(Pop3Session session, ReadOnlyMemory<byte> argument, CancellationToken ct)
    {
        var space = argument.Span.IndexOf((byte)' ');
        if (space < 0 || !Pop3Grammar.TryNumber(argument.Span[(space + 1)..], out var lines))
        {
            session.Err("TOP takes a message number and a number of lines");
            return;
        }
        var index = session.Message(argument.Span[..space]);
        if (index < 0) return;
        if (session.Rows!.Row(index) is not { } row)
        {
            session.Err("this message has been removed by another program");
            return;
        }
        try
        {
            await MessageSender.TopAsync(session, row, lines).ConfigureAwait(false);
        }
        catch (StoreDamageException e) when (!session.InAnswer)
        {
            Pop3Log.Damaged(session.Server.Log, row.MessageId, session.Maildrop!.AccountId, e.Message);
            session.Err("[SYS/PERM] message damaged");
        }
    }
}
