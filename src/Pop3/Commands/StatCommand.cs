namespace Posthorn.Pop3.Commands;

/// <summary>STAT (RFC 1939 §5): count and octets of what is not marked as deleted; the form of this line is fixed.</summary>
sealed class StatCommand : Pop3Command
{
    internal override string Verb => "STAT";

    internal override When When => When.Transaction;

    internal override ValueTask RunAsync(Pop3Session session, ReadOnlyMemory<byte> argument, CancellationToken ct)
    {
        session.Ok($"{session.Maildrop!.Count} {session.Maildrop.Octets}");
        return default;
    }
}
