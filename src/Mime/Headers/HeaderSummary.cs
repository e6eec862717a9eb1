namespace Posthorn.Mime.Headers;

/// <summary>What delivery needs of a header, found in one pass.</summary>
/// <param name="Length">Octets of the header, with the empty line after it; all of the message when there is no empty line.</param>
/// <param name="Fields">How many fields.</param>
/// <param name="Received">How many Received fields (loop detection, RFC 5321 §6.3).</param>
/// <param name="From">The mailboxes of From as addr-specs, unfolded and uncommented; null when a From field does not parse.</param>
/// <param name="FromFields">How many From fields.</param>
/// <param name="Sender">The mailbox of Sender; null when absent or not parseable.</param>
/// <param name="HasDate">A Date field is there.</param>
/// <param name="HasMessageId">A Message-ID field is there.</param>
/// <param name="MessageId">Its value, trimmed, with the angle brackets; null when absent.</param>
/// <param name="Subject">The raw, unfolded subject; null when absent.</param>
/// <param name="OverLimit">The header is beyond a limit of the threat table: 1 MB in all, 128 kB one field, 2,000 fields.</param>
public sealed record HeaderSummary(int Length, int Fields, int Received, IReadOnlyList<string>? From, int FromFields, string? Sender, int SenderFields, bool HasDate, bool HasMessageId, string? MessageId, string? Subject, bool OverLimit)
{
    /// <summary>Reads the header at the start of <paramref name="message"/> (which may hold the body too).</summary>
    public static HeaderSummary Read(ReadOnlySpan<byte> message) => throw new NotImplementedException();
}
