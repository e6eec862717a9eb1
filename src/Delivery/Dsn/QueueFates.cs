using System.Globalization;
using Posthorn.Delivery.Outbound;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Dsn;

/// <summary>What became of a queued recipient, in words and fields.</summary>
static class QueueFates
{
    const string NotYet = "Your message is late", Never = "Your message could not be delivered";

    /// <param name="shown">The recipient as its sender wrote it.</param>
    /// <param name="arrived">When the message came in.</param>
    /// <param name="now">When the attempt that is told of has ended.</param>
    /// <param name="open">True to tell where the address leads, when it leads elsewhere: to the postmaster, not to a sender.</param>
    internal static Fate Of(in ToldRecipient told, EmailAddress shown, DateTimeOffset arrived, DateTimeOffset now, bool open)
    {
        var result = told.Result;
        // Where somebody has his mail sent on to is his secret (RFC 3464 §4.2); the peer's words may name it.
        var behind = !result.Recipient.Address.Equals(shown.ToString(), StringComparison.OrdinalIgnoreCase);
        var said = behind && !open ? result.Reply.Replace(result.Recipient.Address, shown.ToString(), StringComparison.OrdinalIgnoreCase) : result.Reply;
        var fate = told.Reason switch
        {
            NoticeReason.Delivered => Delivered(result),
            NoticeReason.Delayed => Delayed(told, shown, said),
            _ => Failed(told, shown, said, behind, now - arrived),
        };
        return told.Reason == NoticeReason.Delivered ? fate : fate with
        {
            RemoteMta = IsUnreached(result) ? null : RemoteMta(result.Relay),
            Diagnostic = result.FromPeer ? "smtp; " + said : null,
            Reason = result.FromPeer || said.Length == 0 ? null : said,
            LastAttempt = now,
        };
    }

    /// <summary>
    /// RFC 3461 §5.2.2: handed to a server that does not know the wish, or (§5.2.3) to what delivers on this machine. Fates
    /// of one kind are equal, so that their recipients stand together.
    /// </summary>
    static Fate Delivered(RecipientResult result) => HostOf(result.Relay) is not { } host
        ? new Fate("delivered", "2.1.5", "Your message was delivered", "It was delivered to")
        : new Fate("relayed", "2.1.9", "Your message was handed on", $"It was handed to the server {host}, which does not tell of deliveries; so this is all that you will hear of it, unless it fails, for")
        {
            RemoteMta = RemoteMta(result.Relay),
        };

    static Fate Delayed(in ToldRecipient told, EmailAddress shown, string said) => new("delayed", StatusWords.Valid(told.Result.Enhanced, '4'), NotYet, "It has not been delivered yet to")
    {
        Why = Saying(told.Result, shown),
        Said = said,
        Then = $"It will be tried again and again until {PlainWords.Date(told.TryUntil)}. You need do nothing, and should not send it once more: it is not lost, and you will be told should it have to be given up.",
        RetryUntil = told.TryUntil,
    };

    static Fate Failed(in ToldRecipient told, EmailAddress shown, string said, bool behind, TimeSpan age)
    {
        var result = told.Result;
        var words = behind
            ? $"The address {shown} is there, but passes mail on to another one, which did not take it. Only those who look after {shown.Domain} can mend that."
            : IsUnknown(result) ? "It was given up here."
            : StatusWords.Of(result.Enhanced);
        var fate = new Fate("failed", StatusWords.Valid(result.Enhanced, '5'), Never, "It could not be delivered to")
        {
            Why = words + " " + Saying(result, shown),
            Said = said,
        };
        // RFC 3463 §3.5, X.4.7: what was temporary at each attempt has become final by its age.
        return !told.Expired ? fate : fate with
        {
            Status = "4.4.7",
            Why = $"It was tried for {Span(age)} and is given up now. At the last attempt: " + Saying(result, shown),
            Then = behind || result.FromPeer && result.Enhanced is [_, '.', not ('0' or '4'), ..] ? words : "It is likely that others cannot reach this address now either. Reach the person by another way, or send the message again later.",
        };
    }

    /// <summary>True when nobody was asked, so that it is not another server's doing.</summary>
    static bool IsUnknown(RecipientResult result) => !result.FromPeer && result.Relay is null && result.Enhanced.EndsWith(".0.0", StringComparison.Ordinal);

    /// <summary>True when no server of the domain was there to talk to (RFC 3463 §3.5, X.4.1).</summary>
    static bool IsUnreached(RecipientResult result) => !result.FromPeer && result.Enhanced is [_, '.', '4', '.', '1'];

    /// <summary>Who says what follows.</summary>
    static string Saying(RecipientResult result, EmailAddress shown) => (result.FromPeer, HostOf(result.Relay)) switch
    {
        _ when IsUnreached(result) => $"No server of {shown.Domain} could be reached:",
        (true, { } host) => $"The server {host}, to which mail for {shown.Domain} goes, said:",
        (true, null) => $"The program to which mail for {shown.Domain} goes said:",
        (false, { } host) => $"With the server {host}, to which mail for {shown.Domain} goes, this went wrong:",
        (false, null) when result.Enhanced is [_, '.', '4', '.', ..] => $"No server of {shown.Domain} could be reached:",
        _ => "The reason:",
    };

    /// <summary>The host of "mx1.example.net[192.0.2.1]:25"; null for a path or for nobody.</summary>
    internal static string? HostOf(string? relay)
    {
        if (string.IsNullOrEmpty(relay) || relay.Contains('/')) return null;
        var end = relay.IndexOf('[');
        if (end == 0) return relay[..(relay.IndexOf(']') + 1)] is { Length: > 2 } literal ? literal : null;
        if (end < 0) end = relay.LastIndexOf(':');
        return end < 0 ? relay : relay[..end];
    }

    static string? RemoteMta(string? relay) => HostOf(relay) is { } host ? "dns; " + host : null;

    static string Span(TimeSpan age) => age switch
    {
        { TotalHours: >= 47.5 } => Count(age.TotalDays, "day"),
        { TotalMinutes: >= 90 } => Count(age.TotalHours, "hour"),
        { TotalSeconds: >= 90 } => Count(age.TotalMinutes, "minute"),
        _ => Count(Math.Max(1, age.TotalSeconds), "second"),
    };

    static string Count(double number, string unit)
    {
        var n = (long)Math.Round(number);
        return string.Create(CultureInfo.InvariantCulture, $"{n} {unit}{(n == 1 ? "" : "s")}");
    }
}
