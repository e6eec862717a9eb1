using System.Text;
using Posthorn.Wire.Connections;

namespace Posthorn.Wire.Lines;

/// <summary>
/// The only way text from elsewhere gets into a command or a reply: a CR, LF or NUL in it is an error and not a second
/// line (CVE-2026-30227, CVE-2026-32178).
/// </summary>
public static class SmtpLine
{
    /// <summary>Appends <paramref name="text"/>, checked, without a line end.</summary>
    /// <exception cref="ArgumentException">The text holds CR, LF or NUL; nothing was written.</exception>
    public static void Write(Connection connection, ReadOnlySpan<byte> text)
    {
        if (text.IndexOfAny((byte)'\r', (byte)'\n', (byte)0) >= 0) throw Refused();
        connection.Write(text);
    }

    /// <summary>Appends <paramref name="text"/> in UTF-8, checked, without a line end.</summary>
    /// <param name="connection">Where to.</param>
    /// <param name="text">What; anything but CR, LF and NUL.</param>
    /// <param name="utf8">False where the peer takes only US-ASCII (RFC 6531 §3.7): other characters become "?".</param>
    /// <exception cref="ArgumentException">The text holds CR, LF or NUL; nothing was written.</exception>
    public static void Write(Connection connection, ReadOnlySpan<char> text, bool utf8)
    {
        if (text.IndexOfAny('\r', '\n', '\0') >= 0) throw Refused();
        var encoding = utf8 ? Encoding.UTF8 : Encoding.ASCII;
        var room = connection.GetSpan(encoding.GetMaxByteCount(text.Length));
        connection.Advance(encoding.GetBytes(text, room));
    }

    static ArgumentException Refused() => new("a line of SMTP cannot hold CR, LF or NUL");
}
