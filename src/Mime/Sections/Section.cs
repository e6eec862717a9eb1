namespace Posthorn.Mime.Sections;

/// <summary>Which octets of a part a section names (RFC 9051 §6.4.5.1).</summary>
public enum SectionText
{
    /// <summary>The body of the part; without a path the whole message.</summary>
    Whole,

    /// <summary>The header of a message.</summary>
    Header,

    /// <summary>Those of its fields that are named.</summary>
    HeaderFields,

    /// <summary>Those of its fields that are not named.</summary>
    HeaderFieldsNot,

    /// <summary>The body of a message.</summary>
    Text,

    /// <summary>The header of a part.</summary>
    Mime,
}

/// <summary>A section as a client asks for it, e.g. <c>1.2.HEADER.FIELDS (To)</c>.</summary>
/// <param name="Path">Part numbers from 1; empty for the message itself.</param>
/// <param name="What">What of the part.</param>
/// <param name="Fields">Field names as the client wrote them, for the two kinds that take some.</param>
public sealed record Section(IReadOnlyList<uint> Path, SectionText What = SectionText.Whole, IReadOnlyList<string>? Fields = null);

/// <summary>Octets of a message as clients see it: the stored prefix, then the body.</summary>
/// <param name="Start">Offset of the first.</param>
/// <param name="Length">How many.</param>
public readonly record struct OctetRange(long Start, long Length)
{
    /// <summary>What <c>&lt;offset.count&gt;</c> leaves of it: maybe nothing, never more than there is.</summary>
    public OctetRange Slice(long offset, long count)
    {
        offset = Math.Clamp(offset, 0, Length);
        return new OctetRange(Start + offset, Math.Clamp(count, 0, Length - offset));
    }
}
