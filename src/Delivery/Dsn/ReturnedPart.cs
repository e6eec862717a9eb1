using System.Buffers;
using System.Text;
using Posthorn.Mime.Encodings;
using Posthorn.Mime.Headers;

namespace Posthorn.Delivery.Dsn;

/// <summary>
/// The third part of a notice (RFC 6522 §4; RFC 6533 §4.3 for what is in UTF-8): the message, or its header. What cannot go
/// as it is anywhere (too long a line, a NUL, a lone CR) is never given back whole.
/// </summary>
sealed class ReturnedPart
{
    /// <summary>More of a header than this is not given back.</summary>
    internal const int MostHeader = 64 << 10;

    /// <summary>A larger message is given back as its header only, octets.</summary>
    internal const int MostWhole = 1 << 20;

    /// <summary>RFC 5322 §2.1.1.</summary>
    const int LongestLine = 998;

    readonly ReadOnlyMemory<byte> _octets;
    readonly string _type;
    readonly string? _encoding;

    internal ReturnedPart(ReturnedMessage message)
    {
        var whole = message.Whole && message.Message.Length <= MostWhole && IsSafe(message.Message.Span);
        var text = new ArrayBufferWriter<byte>(message.Trace.Length + (whole ? message.Message.Length : 4096));
        text.Write(message.Trace.Span);
        text.Write(Head(message.Message.Span, MostHeader - message.Trace.Length));
        Header = text.WrittenMemory;
        var (ascii, utf8) = (Ascii.IsValid(Header.Span), System.Text.Unicode.Utf8.IsValid(Header.Span));
        var global = !ascii && utf8 && message.SmtpUtf8;
        if (whole)
        {
            var header = text.WrittenCount;
            text.Write(message.Message.Span[(header - message.Trace.Length)..]);
            _type = global ? "message/global" : "message/rfc822";
            // RFC 2046 §5.2.1: this type is never encoded. RFC 6532 §3.7: the other may be, and the way back may be 7-bit.
            _encoding = global ? "quoted-printable" : Ascii.IsValid(text.WrittenSpan) ? null : "8bit";
        }
        else
        {
            _type = ascii ? "text/rfc822-headers" : global ? "message/global-headers" : $"text/rfc822-headers; charset={(utf8 ? "utf-8" : "unknown-8bit")}";
            // RFC 6533 §4.5: the way back may be a 7-bit one.
            _encoding = ascii && IsSafe(Header.Span) ? null : "quoted-printable";
        }
        (_octets, IsWhole) = (text.WrittenMemory, whole);
    }

    /// <summary>The header alone, as far as it is given back.</summary>
    internal ReadOnlyMemory<byte> Header { get; }

    internal bool IsWhole { get; }

    /// <summary>True when the notice has octets that a 7-bit way cannot take.</summary>
    internal bool EightBit => _encoding == "8bit";

    internal bool Contains(string text) => _octets.Span.IndexOf(Encoding.ASCII.GetBytes(text)) >= 0;

    internal void Write(ArrayBufferWriter<byte> into)
    {
        NoticeText.Write(into, $"Content-Type: {_type}\r\n");
        if (_encoding is not null) NoticeText.Write(into, $"Content-Transfer-Encoding: {_encoding}\r\n");
        NoticeText.Write(into, "\r\n");
        if (_encoding == "quoted-printable") QuotedPrintable.Encode(_octets.Span, into);
        else into.Write(_octets.Span);
    }

    /// <summary>The fields of the header that fit into so many octets.</summary>
    static ReadOnlySpan<byte> Head(ReadOnlySpan<byte> message, int most)
    {
        var length = 0;
        // A line without a name is no field: what follows is text that somebody sent without a header.
        while (HeaderField.Next(message[length..], out var field, out var name) && name.Length > 0 && length + field <= most) length += field;
        return message[..length];
    }

    /// <summary>True when the lines can go anywhere as they are: CRLF ended and not too long.</summary>
    static bool IsSafe(ReadOnlySpan<byte> octets)
    {
        while (octets.Length > 0)
        {
            var end = octets.IndexOfAny((byte)'\r', (byte)'\n', (byte)0);
            if (end is < 0 or > LongestLine || !octets[end..].StartsWith("\r\n"u8)) return false;
            octets = octets[(end + 2)..];
        }
        return true;
    }
}
