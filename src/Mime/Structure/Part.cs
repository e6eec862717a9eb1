namespace Posthorn.Mime.Structure;

/// <summary>One part of a message with the offsets of its octets. Limits: depth 64, 1,000 parts; past them the rest is one opaque part.</summary>
public sealed record Part
{
    /// <summary>Offset of the part's header in the message.</summary>
    public required long HeaderStart { get; init; }

    /// <summary>Offset of the part's body (after the empty line).</summary>
    public required long BodyStart { get; init; }

    /// <summary>Offset behind the last octet of the body.</summary>
    public required long End { get; init; }

    /// <summary>Lines of the body; a last line without an end counts.</summary>
    public required long Lines { get; init; }

    /// <summary>
    /// Lower case, e.g. "text"; "text" / "plain" when absent or unreadable (RFC 2045 §5.2), "message" / "rfc822" when absent
    /// in a multipart/digest (RFC 2046 §5.1.5), "application" / "octet-stream" past a limit. A multipart may be without parts.
    /// </summary>
    public required string Type { get; init; }
    public required string Subtype { get; init; }

    /// <summary>
    /// Content-Type parameters, names in lower case, values as they were but for the splitting of RFC 2231, which is undone (at
    /// most 200). A text without a Content-Type has the charset us-ascii (RFC 2045 §5.2).
    /// </summary>
    public IReadOnlyList<KeyValuePair<string, string>> Parameters { get; init; } = [];

    /// <summary>Content-Transfer-Encoding in lower case; "7bit" when absent.</summary>
    public string Encoding { get; init; } = "7bit";

    /// <summary>Content-ID as it stands; null when absent.</summary>
    public string? Id { get; init; }

    /// <summary>Content-Description, not decoded; null when absent.</summary>
    public string? Description { get; init; }

    /// <summary>Content-MD5 (RFC 1864); null when absent.</summary>
    public string? Md5 { get; init; }

    /// <summary>Content-Disposition in lower case (RFC 2183), e.g. "attachment"; null when absent or unreadable.</summary>
    public string? Disposition { get; init; }

    /// <summary>The parameters of the disposition, like <see cref="Parameters"/>.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> DispositionParameters { get; init; } = [];

    /// <summary>The tags of Content-Language (RFC 3282), at most 16.</summary>
    public IReadOnlyList<string> Languages { get; init; } = [];

    /// <summary>Content-Location (RFC 2557), without the white space of folding; null when absent.</summary>
    public string? Location { get; init; }

    /// <summary>
    /// ENVELOPE as IMAP text, of the message itself and of each message inside a message/rfc822; empty for other parts, and for
    /// a tree of the first stored version.
    /// </summary>
    public ReadOnlyMemory<byte> Envelope { get; init; }

    /// <summary>
    /// The values of the References fields of the message itself, empty when it has none; null for parts in it, for a tree of an
    /// older stored version, and for one that is too long to be kept.
    /// </summary>
    public ReadOnlyMemory<byte>? References { get; init; }

    /// <summary>True for message/rfc822 and message/global: what is inside is a message, in <see cref="Parts"/> unless it is encoded.</summary>
    public bool IsMessage => Type == "message" && Subtype is "rfc822" or "global";

    /// <summary>Children of a multipart, or the one message of a message/rfc822.</summary>
    public IReadOnlyList<Part> Parts { get; init; } = [];
}
