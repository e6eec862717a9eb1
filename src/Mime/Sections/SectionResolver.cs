using Posthorn.Mime.Structure;

namespace Posthorn.Mime.Sections;

/// <summary>
/// Finds the octets of a section by the stored offsets, without reading the message. What is found is the same octets that
/// arrived, never made anew.
/// </summary>
public static class SectionResolver
{
    /// <summary>
    /// The octets of <paramref name="section"/>; for HEADER.FIELDS those of the whole header, which a
    /// <see cref="HeaderFieldsFilter"/> goes through. False when the message has no such part.
    /// </summary>
    /// <param name="root">The message; its offsets count from the start of the body as stored.</param>
    /// <param name="prefixLength">Octets of header lines that stand before it.</param>
    /// <param name="section">What is asked for.</param>
    /// <param name="range">Where it is.</param>
    public static bool TryResolve(Part root, int prefixLength, Section section, out OctetRange range)
    {
        range = default;
        if (section.Path.Count == 0)
        {
            range = section.What switch
            {
                SectionText.Whole => new(0, prefixLength + root.End),
                SectionText.Text => Body(root, prefixLength),
                _ => Header(root, root, prefixLength),
            };
            return true;
        }
        if (!TryFind(root, section.Path, out var part))
            // The text that BODYSTRUCTURE shows in a multipart without parts is there, and empty.
            return section.What is SectionText.Whole or SectionText.Mime && IsMissingText(root, section.Path, prefixLength, out range);
        switch (section.What)
        {
            case SectionText.Whole:
                range = Body(part, prefixLength);
                return true;
            case SectionText.Mime:
                range = Header(part, root, prefixLength);
                return true;
            default:
                // RFC 9051 §6.4.5.1: HEADER and TEXT behind a number are those of the message inside a message/rfc822.
                if (!part.IsMessage || part.Parts.Count == 0) return false;
                range = section.What == SectionText.Text ? Body(part.Parts[0], prefixLength) : Header(part.Parts[0], root, prefixLength);
                return true;
        }
    }

    /// <summary>
    /// The part of BINARY[path] (RFC 3516 §4.2) and the octets to decode; its <see cref="Part.Encoding"/> says how, except for
    /// the whole message (an empty path) and for parts of parts, which have none of their own.
    /// </summary>
    public static bool TryResolveBinary(Part root, int prefixLength, IReadOnlyList<uint> path, out OctetRange range, out string encoding)
    {
        encoding = "binary";
        if (path.Count > 0 && TryFind(root, path, out var part) && part.Parts.Count == 0 && part.Type != "multipart") encoding = part.Encoding;
        return TryResolve(root, prefixLength, new Section(path), out range);
    }

    /// <summary>The part that a path of numbers names, or false.</summary>
    public static bool TryFind(Part root, IReadOnlyList<uint> path, out Part part)
    {
        part = root;
        var message = root; // the numbers at hand count in this message, or in the multipart that part is
        for (var i = 0; i < path.Count; i++)
        {
            if (i > 0)
            {
                if (part.IsMessage && part.Parts.Count > 0) message = part.Parts[0];
                else if (part.Type == "multipart") message = part;
                else return false;
            }
            if (message.Type == "multipart")
            {
                if (path[i] == 0 || path[i] > message.Parts.Count) return false;
                part = message.Parts[(int)path[i] - 1];
            }
            else
            {
                // RFC 9051 §6.4.5.1: "Every message has at least one part number"
                if (path[i] != 1) return false;
                part = message;
            }
        }
        return path.Count > 0;
    }

    static bool IsMissingText(Part root, IReadOnlyList<uint> path, int prefixLength, out OctetRange range)
    {
        range = default;
        var container = root;
        if (path[^1] != 1 || path.Count > 1 && !TryFind(root, path.Take(path.Count - 1).ToArray(), out container)) return false;
        if (path.Count > 1 && container.IsMessage && container.Parts.Count > 0) container = container.Parts[0];
        if (container.Type != "multipart" || container.Parts.Count > 0) return false;
        range = new(prefixLength + container.End, 0);
        return true;
    }

    static OctetRange Body(Part part, int prefixLength) => new(prefixLength + part.BodyStart, part.End - part.BodyStart);

    /// <summary>The header with its empty line; that of the message itself begins with the prefix.</summary>
    static OctetRange Header(Part part, Part root, int prefixLength) => ReferenceEquals(part, root)
        ? new(0, prefixLength + root.BodyStart)
        : new(prefixLength + part.HeaderStart, part.BodyStart - part.HeaderStart);
}
