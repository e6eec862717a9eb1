namespace Posthorn.Pop3.Commands;

/// <summary>DELE (RFC 1939 §5): marks a message; only QUIT removes it.</summary>
sealed class DeleCommand : Pop3Command
{
    internal override string Verb => "DELE";

    internal override When When => When.Transaction | When.NeedsArgument;

    internal override ValueTask RunAsync(Pop3Session session, ReadOnlyMemory<byte> argument, CancellationToken ct)
    {
        var index = session.Message(argument.Span);
        if (index < 0) return default;
        session.Maildrop!.Delete(index);
        session.Write("+OK message deleted\r\n"u8);
        return default;
    }
}
