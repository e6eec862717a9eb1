using System.Buffers;
using System.Text;
using Posthorn.Mime.Encodings;
using Posthorn.Mime.Headers;

namespace Posthorn.Delivery.Dsn;

/// <summary>A notice as it is sent.</summary>
/// <param name="EightBit">True when a part of it is 8bit (RFC 6152), so that it cannot go over a 7-bit way as it is.</param>
readonly record struct ComposedNotice(ReadOnlyMemory<byte> Octets, bool EightBit);

/// <summary>
/// Writes delivery status notifications (RFC 3464 in the frame of RFC 6522): plain words, the fields for programs, and what
/// is given back. The first two parts are ASCII or encoded, but for a reverse-path that is not (RFC 6533).
/// </summary>
sealed class NoticeComposer(string hostname)
{
    /// <summary>The whole notice.</summary>
    internal ComposedNotice Compose(Notice notice)
    {
        notice = notice with { Recipients = [.. notice.Recipients.OrderBy(static r => r.Fate.Order)] };
        var returned = new ReturnedPart(notice.Returned);
        var into = new ArrayBufferWriter<byte>(4096);
        // No line of the first two parts can begin so; for the third it is made longer until it does not occur.
        var boundary = "=_" + notice.Id;
        while (returned.Contains(boundary)) boundary += "_";
        var summary = HeaderSummary.Read(returned.Header.Span);
        Header(into, notice, boundary, summary, returned.EightBit);
        Words(into, notice, boundary, summary, returned.IsWhole);
        Fields(into, notice, boundary);
        NoticeText.Write(into, $"\r\n--{boundary}\r\n");
        returned.Write(into);
        NoticeText.Write(into, $"\r\n--{boundary}--\r\n");
        return new(into.WrittenMemory, returned.EightBit);
    }

    void Header(ArrayBufferWriter<byte> into, Notice notice, string boundary, HeaderSummary about, bool eightBit)
    {
        NoticeText.Write(into, $"Date: {NoticeText.Date(notice.Now)}\r\n");
        // RFC 3464 §2: From is someone who can help; replies reach the postmaster.
        NoticeText.Write(into, $"From: Postmaster <MAILER-DAEMON@{hostname}>\r\n");
        NoticeText.Field(into, "To", $"<{notice.To}>");
        NoticeText.Field(into, "Subject", notice.Double ? "A message without a sender could not be delivered" : notice.Recipients[0].Fate.Subject);
        NoticeText.Field(into, "Message-ID", $"<{notice.Id}@{hostname}>");
        // RFC 5322 §3.6.4: so that mail programs show it with the message.
        if (IsReference(about.MessageId)) NoticeText.Write(into, $"In-Reply-To: {about.MessageId}\r\nReferences: {about.MessageId}\r\n");
        // RFC 3834 §5
        NoticeText.Write(into, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
        if (eightBit) NoticeText.Write(into, "Content-Transfer-Encoding: 8bit\r\n"); // RFC 2045 §6.4: a part of it is
        NoticeText.Write(into, $"Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"{boundary}\"\r\n\r\n");
    }

    /// <summary>True for a msg-id (RFC 5322 §3.6.4) that fits on a line with its field's name.</summary>
    static bool IsReference(string? id)
    {
        if (id is not { Length: > 2 and <= 900 } || id[0] != '<' || id[^1] != '>') return false;
        foreach (var c in id.AsSpan(1, id.Length - 2))
            if (c is <= ' ' or > '~' or '<' or '>') return false;
        return true;
    }

    /// <summary>The first part, for people (RFC 6522 §3).</summary>
    void Words(ArrayBufferWriter<byte> into, Notice notice, string boundary, HeaderSummary about, bool whole)
    {
        var words = new PlainWords();
        words.Paragraph($"This is the mail server {hostname}.");
        var subject = about.Subject is { Length: > 0 } s && Ascii.IsValid(s) && !s.Contains("=?", StringComparison.Ordinal) ? $" with the subject \"{NoticeText.Shortened(s, 120)}\"" : "";
        if (notice.Double)
            words.Paragraph($"A message without a sender{subject} came here on {PlainWords.Date(notice.Arrived)}. It could not be delivered, and there is nobody else to tell. Most likely it was a notice about another message.");
        else words.Paragraph($"This is about your message{subject} which came here on {PlainWords.Date(notice.Arrived)}.");
        foreach (var group in notice.Recipients.GroupBy(static r => r.Fate))
        {
            var fate = group.Key;
            words.Paragraph(fate.Before);
            words.Addresses(group.Select(static r => r.Recipient.ToString()));
            if (fate.Why is not null) words.Paragraph(fate.Why);
            if (fate.Said is not null) words.Quote(NoticeText.Shortened(fate.Said, 1000));
            if (fate.Then is not null) words.Paragraph(fate.Then);
        }
        words.Paragraph($"The number of the message here is {notice.MessageId}; the postmaster can find out more with it. {(whole ? "The message" : "The header of the message")} is attached.");
        var text = Encoding.UTF8.GetBytes(words.ToString());
        if (Ascii.IsValid(text) && IsShort(text))
        {
            NoticeText.Write(into, $"--{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n");
            into.Write(text);
            return;
        }
        NoticeText.Write(into, $"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
        QuotedPrintable.Encode(text, into);
    }

    static bool IsShort(ReadOnlySpan<byte> text)
    {
        foreach (var line in text.Split("\r\n"u8))
            if (line.End.Value - line.Start.Value > 998) return false;
        return true;
    }

    /// <summary>The second part, for programs (RFC 3464 §2).</summary>
    void Fields(ArrayBufferWriter<byte> into, Notice notice, string boundary)
    {
        NoticeText.Write(into, $"\r\n--{boundary}\r\nContent-Type: message/delivery-status\r\n\r\n");
        if (notice.EnvelopeId is not null) NoticeText.Field(into, "Original-Envelope-Id", notice.EnvelopeId);
        NoticeText.Field(into, "Reporting-MTA", "dns; " + hostname);
        NoticeText.Field(into, "Arrival-Date", NoticeText.Date(notice.Arrived));
        foreach (var r in notice.Recipients)
        {
            var fate = r.Fate;
            NoticeText.Write(into, "\r\n");
            if (r.Original is not null && TypedAddress.OfOriginal(r.Original) is { } original) NoticeText.Field(into, "Original-Recipient", original);
            NoticeText.Field(into, "Final-Recipient", TypedAddress.Of(r.Recipient));
            NoticeText.Field(into, "Action", fate.Action);
            NoticeText.Field(into, "Status", fate.Status);
            if (fate.RemoteMta is not null) NoticeText.AsciiField(into, "Remote-MTA", fate.RemoteMta);
            if (fate.Diagnostic is not null) NoticeText.AsciiField(into, "Diagnostic-Code", fate.Diagnostic);
            if (fate.LastAttempt is { } last) NoticeText.Field(into, "Last-Attempt-Date", NoticeText.Date(last));
            NoticeText.Field(into, "Final-Log-ID", notice.MessageId);
            if (fate.RetryUntil is { } until) NoticeText.Field(into, "Will-Retry-Until", NoticeText.Date(until));
            if (fate.Reason is not null) NoticeText.AsciiField(into, "X-Posthorn-Reason", fate.Reason);
        }
    }
}
