using System.Buffers;
using System.Text;
using Posthorn.Delivery.Inbound;

namespace Posthorn.Delivery.Dsn;

/// <summary>Writes the lines of a notice.</summary>
static class NoticeText
{
    internal static void Write(ArrayBufferWriter<byte> into, string text) => Encoding.UTF8.GetBytes(text, into);

    /// <summary>One field on one line; no value brings a control character into it, wherever it is from.</summary>
    internal static void Field(ArrayBufferWriter<byte> into, string name, string value) => Write(into, $"{name}: {Clean(value)}\r\n");

    /// <summary>
    /// A field that must be ASCII and that may be as long as somebody else's words: what is not ASCII becomes "?", and
    /// what no line has room for (RFC 5322 §2.1.1) is cut.
    /// </summary>
    internal static void AsciiField(ArrayBufferWriter<byte> into, string name, string value)
    {
        const int most = 900;
        value = Shortened(value, most);
        Field(into, name, string.Create(value.Length, value, static (to, from) =>
        {
            for (var i = 0; i < to.Length; i++) to[i] = char.IsAscii(from[i]) ? from[i] : '?';
        }));
    }

    internal static string Shortened(string text, int most) => text.Length <= most ? text : text[..(most - 4)] + " ...";

    internal static string Clean(string value) => string.Create(value.Length, value, static (to, from) =>
    {
        for (var i = 0; i < to.Length; i++) to[i] = char.IsControl(from[i]) || from[i] is '\u2028' or '\u2029' ? '?' : from[i];
    });

    /// <summary>A date as RFC 5322 §3.3 has it.</summary>
    internal static string Date(DateTimeOffset at)
    {
        var w = new OctetWriter(stackalloc byte[40]);
        w.AddDate(at);
        return Encoding.ASCII.GetString(w.Written);
    }
}
