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
    /// <summary>Most octets of a whole header.</summary>
    public const int MaxHeader = 1 << 20;

    /// <summary>Most octets of one field, folded lines included.</summary>
    public const int MaxField = 128 << 10;

    /// <summary>Most fields of one header.</summary>
    public const int MaxFields = 2000;

    const int MaxDeliveredTo = 100;

    /// <summary>False when the octets ended before the header did: with more of them the answer may differ.</summary>
    public bool Ended { get; init; }

    /// <summary>How many Return-Path fields; final delivery removes them (RFC 5321 §4.4).</summary>
    public int ReturnPaths { get; init; }

    /// <summary>The values of the first 100 Delivered-To fields, as they are (a message that has been here before has ours).</summary>
    public IReadOnlyList<string> DeliveredTo { get; init; } = [];

    /// <summary>Reads the header at the start of <paramref name="message"/> (which may hold the body too).</summary>
    public static HeaderSummary Read(ReadOnlySpan<byte> message)
    {
        var s = new Scan();
        var at = 0;
        var ended = false;
        while (at < message.Length)
        {
            var rest = message[at..];
            var empty = FieldLines.EmptyLine(rest);
            if (empty > 0)
            {
                at += empty;
                ended = true;
                break;
            }
            var length = FieldLines.FieldLength(rest, out _);
            at += length;
            if (++s.Fields > MaxFields || length > MaxField || at > MaxHeader)
            {
                s.OverLimit = true;
                break;
            }
            s.Field(rest[..length]);
        }
        if (at > MaxHeader) s.OverLimit = true;
        return new HeaderSummary(at, s.Fields, s.Received, s.FromOk ? s.From ?? (IReadOnlyList<string>)[] : null, s.FromFields,
            s.Sender, s.SenderFields, s.HasDate, s.HasMessageId, s.MessageId, s.Subject, s.OverLimit)
        {
            Ended = ended,
            ReturnPaths = s.ReturnPaths,
            DeliveredTo = s.DeliveredTo ?? (IReadOnlyList<string>)[],
        };
    }

    ref struct Scan()
    {
        internal int Fields, Received, FromFields, SenderFields, ReturnPaths;
        internal bool HasDate, HasMessageId, OverLimit, FromOk = true;
        internal List<string>? From, DeliveredTo;
        internal string? Sender, MessageId, Subject;

        internal void Field(ReadOnlySpan<byte> field)
        {
            if (!FieldLines.TrySplit(field, out var name, out var value)) return;
            switch (name.Length) // most names differ in length, so most fields cost one comparison or none
            {
                case 4 when FieldLines.Is(name, "from"u8):
                    FromFields++;
                    FromOk &= AddressList.TryRead(value, From ??= new List<string>(1)) && From.Count > 0;
                    break;
                case 4 when FieldLines.Is(name, "date"u8):
                    HasDate = true;
                    break;
                case 6 when FieldLines.Is(name, "sender"u8):
                    // RFC 5322 §3.6.2: one mailbox; a second field or mailbox makes it unreadable.
                    var one = new List<string>(1);
                    Sender = ++SenderFields == 1 && AddressList.TryRead(value, one) && one.Count == 1 ? one[0] : null;
                    break;
                case 7 when FieldLines.Is(name, "subject"u8):
                    Subject ??= FieldLines.Unfold(value);
                    break;
                case 8 when FieldLines.Is(name, "received"u8):
                    Received++;
                    break;
                case 10 when FieldLines.Is(name, "message-id"u8):
                    HasMessageId = true;
                    MessageId ??= FieldLines.Unfold(value);
                    break;
                case 12 when FieldLines.Is(name, "delivered-to"u8):
                    if ((DeliveredTo ??= new List<string>(1)).Count < MaxDeliveredTo) DeliveredTo.Add(FieldLines.Unfold(value));
                    break;
                case 11 when FieldLines.Is(name, "return-path"u8):
                    ReturnPaths++;
                    break;
            }
        }
    }
}
