namespace Posthorn.Pop3.Commands;

/// <summary>NOOP (RFC 1939 §5).</summary>
sealed class NoopCommand : Pop3Command
{
    internal override string Verb => "NOOP";

    internal override When When => When.Transaction;

    internal override ValueTask RunAsync(Pop3Session session, ReadOnlyMemory<byte> argument, CancellationToken ct)
    {
        session.Write("+OK\r\n"u8);
        return default;
    }
}
