using System.Text;
using Posthorn.Imap.Session;
using Posthorn.Mime.Sections;
using Posthorn.Mime.Structure;
using Posthorn.Mime.Text;

namespace Posthorn.Imap.Extensions.Preview;

/// <summary>
/// PREVIEW (RFC 8970): the first words of the first text that a reader would see. Made when it is asked for, from at most
/// 16 kB of one part.
/// </summary>
static class PreviewText
{
    /// <summary>RFC 8970 §3.2: at most 256 characters, 200 and more of which are of use.</summary>
    const int Most = 200;

    const int Looked = 16 << 10;

    /// <summary>The preview; empty when the message has no text.</summary>
    internal static string Of(MessageSource source)
    {
        var path = new List<uint>();
        if (!TryText(source.Root, path, out var part)) return "";
        if (path.Count == 0) path.Add(1);
        if (!SectionResolver.TryResolve(source.Root, source.PrefixLength, new Section(path), out var range)) return "";
        var extractor = new TextExtractor(part, Looked);
        extractor.Write(source.Octets(range.Slice(0, Looked * 2)));
        return Squeeze(extractor.Finish());
    }

    /// <summary>The first text part that is no attachment, plain before HTML among alternatives.</summary>
    static bool TryText(Part part, List<uint> path, out Part text)
    {
        text = part;
        if (part.Type != "multipart") return TextExtractor.IsText(part) && part.Disposition != "attachment";
        for (var i = 0; i < part.Parts.Count; i++)
        {
            path.Add((uint)i + 1);
            if (TryText(part.Parts[i], path, out text)) return true;
            path.RemoveAt(path.Count - 1);
        }
        return false;
    }

    /// <summary>White space becomes one space, other controls go, and the end is not inside a character.</summary>
    static string Squeeze(string text)
    {
        var preview = new StringBuilder(Most);
        var space = false;
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsWhiteSpace(rune))
            {
                space = preview.Length > 0;
                continue;
            }
            if (Rune.IsControl(rune)) continue;
            if (preview.Length + rune.Utf16SequenceLength + 1 > Most) break;
            if (space) preview.Append(' ');
            space = false;
            preview.Append(rune.ToString());
        }
        return preview.ToString();
    }
}
