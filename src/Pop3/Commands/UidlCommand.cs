using Posthorn.Wire.Connections;

namespace Posthorn.Pop3.Commands;

/// <summary>
/// UIDL (RFC 1939 §7): the unique-id is UIDVALIDITY "." UID, which never comes again for another message and stays the
/// same for this one over all sessions.
/// </summary>
sealed class UidlCommand : Pop3Command
{
    internal override string Verb => "UIDL";

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
        session.Write("+OK\r\n"u8);
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
        maildrop.UidValidity.TryFormat(span[length..], out var digits);
        length += digits;
        span[length++] = (byte)'.';
        maildrop[index].Uid.TryFormat(span[length..], out digits);
        length += digits;
        "\r\n"u8.CopyTo(span[length..]);
        connection.Advance(length + 2);
    }
}
