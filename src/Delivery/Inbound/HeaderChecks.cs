using System.Buffers;
using Posthorn.Accounts;
using Posthorn.Mime.Headers;
using Posthorn.Smtp.Server;
using Posthorn.Storage;
using Posthorn.Wire.Addresses;
using Posthorn.Wire.Sasl;

namespace Posthorn.Delivery.Inbound;

/// <summary>What the header decides at the end of the data.</summary>
static class HeaderChecks
{
    /// <summary>Received fields at which a message is taken for looping (RFC 5321 §6.3 asks for a large number).</summary>
    internal const int MaxHops = 50;

    /// <summary>Reads the header; a large one from the blob's file.</summary>
    /// <param name="blob">The message.</param>
    /// <param name="binary">
    /// True for BINARYMIME, whose octets no reader of lines has checked. RFC 3030 §3 frees the body of line ends, not the
    /// header: where one program sees a field in it and another does not, each believes another sender.
    /// </param>
    /// <param name="broken">True when the header of such a message holds a bare CR, a bare LF or a NUL.</param>
    internal static HeaderSummary Read(BlobWriter blob, bool binary, out bool broken)
    {
        var summary = HeaderSummary.Read(blob.Head.Span);
        broken = binary && IsBroken(blob.Head.Span, summary);
        if (summary.Ended || summary.OverLimit || blob.Length <= blob.Head.Length) return summary;
        var most = (int)Math.Min(blob.Length, HeaderSummary.MaxHeader + 1);
        var buffer = ArrayPool<byte>.Shared.Rent(most);
        try
        {
            using var stream = blob.OpenRead();
            var n = stream.ReadAtLeast(buffer.AsSpan(0, most), most, throwOnEndOfStream: false);
            summary = HeaderSummary.Read(buffer.AsSpan(0, n));
            broken = binary && IsBroken(buffer.AsSpan(0, n), summary);
            return summary;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    static bool IsBroken(ReadOnlySpan<byte> message, HeaderSummary summary)
    {
        var header = message[..summary.Length];
        if (!summary.Ended && header.EndsWith("\r"u8)) header = header[..^1]; // its LF may be behind what was read
        for (var at = 0; header[at..].IndexOfAny((byte)'\r', (byte)'\n', (byte)0) is >= 0 and var next; at += 2)
        {
            at += next;
            if (header[at] != '\r' || at + 1 == header.Length || header[at + 1] != '\n') return true;
        }
        return false;
    }

    /// <summary>Null to go on, or the refusal.</summary>
    internal static SmtpReply? Check(HeaderSummary header, Principal? login, AccountDirectory accounts)
    {
        if (header.OverLimit) return Replies.HeaderTooBig;
        if (header.Received >= MaxHops) return Replies.Loop;
        return login is null ? null : Identity(header, login.AccountId, accounts);
    }

    /// <summary>Every mailbox of From and Sender belongs to the login (CVE-2024-7208, CVE-2024-7209).</summary>
    static SmtpReply? Identity(HeaderSummary header, long account, AccountDirectory accounts)
    {
        if (header.FromFields != 1 || header.From is not { Count: > 0 } from) return Replies.BadFrom;
        for (var i = 0; i < from.Count; i++)
            if (!Belongs(from[i])) return Replies.NotYourFrom;
        if (header.SenderFields > 0 && (header.Sender is null || !Belongs(header.Sender))) return Replies.NotYourFrom;
        return null;

        bool Belongs(string addrSpec) => EmailAddress.TryParse(addrSpec) is { } address && accounts.MaySendAs(account, address);
    }
}
