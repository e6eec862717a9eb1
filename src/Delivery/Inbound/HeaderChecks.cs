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
    internal static HeaderSummary Read(BlobWriter blob)
    {
        var summary = HeaderSummary.Read(blob.Head.Span);
        if (summary.Ended || summary.OverLimit || blob.Length <= blob.Head.Length) return summary;
        var most = (int)Math.Min(blob.Length, HeaderSummary.MaxHeader + 1);
        var buffer = ArrayPool<byte>.Shared.Rent(most);
        try
        {
            using var stream = blob.OpenRead();
            var n = stream.ReadAtLeast(buffer.AsSpan(0, most), most, throwOnEndOfStream: false);
            return HeaderSummary.Read(buffer.AsSpan(0, n));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
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
