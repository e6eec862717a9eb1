namespace Posthorn.Pop3.Commands;

/// <summary>RSET (RFC 1939 §5): takes all deletion marks back.</summary>
sealed class RsetCommand : Pop3Command
{
    internal override string Verb => "RSET";

    internal override When When => When.Transaction;

    internal override ValueTask RunAsync(Pop3Session session, ReadOnlyMemory<byte> argument, CancellationToken ct)
    {
        session.Maildrop!.Reset();
        session.Ok($"maildrop has {session.Maildrop.Count} messages ({session.Maildrop.Octets} octets)");
        return default;
    }
}
