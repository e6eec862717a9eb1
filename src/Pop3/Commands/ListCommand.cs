using Posthorn.Wire.Connections;

namespace Posthorn.Pop3.Commands;

/// <summary>LIST (RFC 1939 §5): scan listings, number and octets.</summary>
sealed class ListCommand : Pop3Command
{
    internal override string Verb => "LIST";

    internal override When When => When.Transaction | When.MayHaveArgument;

    internal override async ValueTask RunAsync(Pop3Session session, ReadOnlyMemory<byte> argument, CancellationToken ct)
    {
        var maildrop = session.Maildrop!;
        if (!argument.IsEmpty)
        {
            var index = session.Message(argument.Span);
            if (index < 0) return;
            session.Write("+OK "u8);
            WriteListing(session.Connection, maildrop, index);
            return;
        }
        session.Ok($"{maildrop.Count} messages ({maildrop.Octets} octets)");
        session.InAnswer = true;
        for (var i = 0; i < maildrop.Length; i++)
        {
            if (maildrop.IsDeleted(i)) continue;
            WriteListing(session.Connection, maildrop, i);
            if (session.Connection.ShouldFlush) await session.Connection.FlushAsync().ConfigureAwait(false);
        }
        session.Write(".\r\n"u8);
    }

    static void WriteListing(Connection connection, Maildrop maildrop, int index)
    {
        var span = connection.GetSpan(40);
        (index + 1).TryFormat(span, out var length);
        span[length++] = (byte)' ';
        maildrop[index].Size.TryFormat(span[length..], out var digits);
        length += digits;
        "\r\n"u8.CopyTo(span[length..]);
        connection.Advance(length + 2);
    }
}
