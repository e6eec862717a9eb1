using System.Buffers;
using System.Globalization;
using System.Text;
using Posthorn.Delivery.Inbound;
using Posthorn.Mime.Encodings;
using Posthorn.Mime.Headers;

namespace Posthorn.Delivery.Dsn;

/// <summary>
/// Writes delivery status notifications (RFC 3464 in the frame of RFC 6522): plain words, the fields for programs, and the
/// header that is given back. All of it is ASCII, but for a reverse-path that is not (RFC 6533).
/// </summary>
sealed class NoticeComposer(string hostname)
{
    /// <summary>More of a header than this is not given back.</summary>
    internal const int MostReturned = 64 << 10;

    /// <summary>RFC 5322 §2.1.1.</summary>
    const int LongestLine = 998;

    /// <summary>The whole message.</summary>
    internal ReadOnlyMemory<byte> Compose(Notice notice)
    {
        var into = new ArrayBufferWriter<byte>(4096);
        // No line of the first two parts can begin so; the third is encoded where it holds it.
        var boundary = "=_" + notice.Id;
        Header(into, notice, boundary);
        Words(into, notice, boundary);
        Fields(into, notice, boundary);
        Returned(into, notice.Returned, boundary);
        Text(into, $"\r\n--{boundary}--\r\n");
        return into.WrittenMemory;
    }

    void Header(ArrayBufferWriter<byte> into, Notice notice, string boundary)
    {
        Text(into, $"Date: {Date(notice.Now)}\r\n");
        // RFC 3464 §2: From is someone who can help; replies reach the postmaster.
        Text(into, $"From: Postmaster <MAILER-DAEMON@{hostname}>\r\n");
        Field(into, "To", $"<{notice.To}>");
        Field(into, "Subject", notice.Recipients[0].Fate.Subject);
        Field(into, "Message-ID", $"<{notice.Id}@{hostname}>");
        // RFC 3834 §5
        Text(into, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
        Text(into, $"Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"{boundary}\"\r\n\r\n");
    }

    /// <summary>The first part, for people (RFC 6522 §3).</summary>
    void Words(ArrayBufferWriter<byte> into, Notice notice, string boundary)
    {
        var b = new StringBuilder();
        b.Append(CultureInfo.InvariantCulture, $"This is the mail server {hostname}.\r\n\r\n");
        b.Append(CultureInfo.InvariantCulture, $"You asked to be told what becomes of your message, which came here on\r\n{Date(notice.Arrived)}.\r\n");
        foreach (var group in notice.Recipients.GroupBy(r => r.Fate))
        {
            b.Append("\r\n");
            foreach (var line in group.Key.Words) b.Append(line).Append("\r\n");
            b.Append("\r\n");
            foreach (var r in group) b.Append("  <").Append(Clean(r.Recipient.ToString())).Append(">\r\n");
        }
        b.Append(CultureInfo.InvariantCulture, $"\r\nIts number here is {notice.MessageId}. The header of your message is attached.\r\n");
        var text = Encoding.UTF8.GetBytes(b.ToString());
        if (Ascii.IsValid(text))
        {
            Text(into, $"--{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n");
            into.Write(text);
            return;
        }
        Text(into, $"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
        QuotedPrintable.Encode(text, into);
    }

    /// <summary>The second part, for programs (RFC 3464 §2).</summary>
    void Fields(ArrayBufferWriter<byte> into, Notice notice, string boundary)
    {
        Text(into, $"\r\n--{boundary}\r\nContent-Type: message/delivery-status\r\n\r\n");
        if (notice.EnvelopeId is not null) Field(into, "Original-Envelope-Id", notice.EnvelopeId);
        Field(into, "Reporting-MTA", "dns; " + hostname);
        Field(into, "Arrival-Date", Date(notice.Arrived));
        foreach (var r in notice.Recipients)
        {
            Text(into, "\r\n");
            if (r.Original is not null && TypedAddress.OfOriginal(r.Original) is { } original) Field(into, "Original-Recipient", original);
            Field(into, "Final-Recipient", TypedAddress.Of(r.Recipient));
            Field(into, "Action", r.Fate.Action);
            Field(into, "Status", r.Fate.Status);
            Field(into, "Final-Log-ID", notice.MessageId);
        }
    }

    /// <summary>The third part: the header (RFC 6522 §4; RFC 6533 §4.3 for one in UTF-8).</summary>
    static void Returned(ArrayBufferWriter<byte> into, ReturnedHeader header, string boundary)
    {
        var text = new ArrayBufferWriter<byte>(header.Trace.Length + 4096);
        text.Write(header.Trace.Span);
        text.Write(Head(header.Message.Span, MostReturned - header.Trace.Length));
        var octets = text.WrittenSpan;
        var (ascii, utf8) = (Ascii.IsValid(octets), System.Text.Unicode.Utf8.IsValid(octets));
        Text(into, $"\r\n--{boundary}\r\nContent-Type: ");
        if (ascii) Text(into, "text/rfc822-headers\r\n");
        else if (header.SmtpUtf8 && utf8) Text(into, "message/global-headers\r\n");
        else Text(into, $"text/rfc822-headers; charset={(utf8 ? "utf-8" : "unknown-8bit")}\r\n");
        // RFC 6533 §4.5: the way back may be a 7-bit one.
        if (ascii && IsSafe(octets, Encoding.ASCII.GetBytes(boundary)))
        {
            Text(into, "\r\n");
            into.Write(octets);
            return;
        }
        Text(into, "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
        QuotedPrintable.Encode(octets, into);
    }

    /// <summary>The fields of the header that fit into so many octets.</summary>
    static ReadOnlySpan<byte> Head(ReadOnlySpan<byte> message, int most)
    {
        var length = 0;
        // A line without a name is no field: what follows is text that somebody sent without a header.
        while (HeaderField.Next(message[length..], out var field, out var name) && name.Length > 0 && length + field <= most) length += field;
        return message[..length];
    }

    /// <summary>True when the lines can go anywhere as they are: CRLF ended, not too long, without the boundary.</summary>
    static bool IsSafe(ReadOnlySpan<byte> octets, ReadOnlySpan<byte> boundary)
    {
        if (octets.IndexOf(boundary) >= 0) return false;
        while (octets.Length > 0)
        {
            var end = octets.IndexOfAny((byte)'\r', (byte)'\n', (byte)0);
            if (end is < 0 or > LongestLine || !octets[end..].StartsWith("\r\n"u8)) return false;
            octets = octets[(end + 2)..];
        }
        return true;
    }

    /// <summary>One field on one line; no value brings a control character into it, wherever it is from.</summary>
    static void Field(ArrayBufferWriter<byte> into, string name, string value) => Text(into, $"{name}: {Clean(value)}\r\n");

    static string Clean(string value) => string.Create(value.Length, value, static (to, from) =>
    {
        for (var i = 0; i < to.Length; i++) to[i] = char.IsControl(from[i]) ? '?' : from[i];
    });

    static void Text(ArrayBufferWriter<byte> into, string text) => Encoding.UTF8.GetBytes(text, into);

    static string Date(DateTimeOffset at)
    {
        var w = new OctetWriter(stackalloc byte[40]);
        w.AddDate(at);
        return Encoding.ASCII.GetString(w.Written);
    }
}
