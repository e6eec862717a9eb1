namespace Posthorn.Pop3.Commands;

/// <summary>UTF8 (RFC 6856 §2.1): from here on messages with UTF-8 in their header may be sent as they are.</summary>
sealed class Utf8Command : Pop3Command
{
    internal override string Verb => "UTF8";

    internal override When When => When.Authorization;

    internal override ValueTask RunAsync(Pop3Session session, ReadOnlyMemory<byte> argument, CancellationToken ct)
    {
        session.Utf8 = true;
        session.Write("+OK UTF-8 mode\r\n"u8);
        return default;
    }
}
