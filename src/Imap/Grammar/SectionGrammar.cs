using Posthorn.Mime.Sections;

namespace Posthorn.Imap.Grammar;

/// <summary><c>section</c>, <c>section-binary</c> and <c>partial</c> (RFC 9051 §9).</summary>
static class SectionGrammar
{
    /// <summary>More numbers than a stored message can be deep name no part; nobody needs them.</summary>
    const int MaxPath = 130;

    /// <summary>Names of fields in one section: each is compared with each field of a header.</summary>
    const int MaxNames = 256;

    internal static FetchItem BodySection(ref ImapReader r, bool peek) => new(FetchAttribute.BodySection, Read(ref r), peek, PartialOf(ref r));

    internal static FetchItem Binary(ref ImapReader r, bool peek) => new(FetchAttribute.Binary, BinaryPath(ref r), peek, PartialOf(ref r));

    /// <summary><c>"[" [section-part] "]"</c></summary>
    internal static Section BinaryPath(ref ImapReader r)
    {
        r.Take((byte)'[', "[ expected");
        var path = new List<uint>();
        if (r.Peek != ']')
        {
            do Number(ref r, path);
            while (r.TryTake((byte)'.'));
        }
        r.Take((byte)']', "] expected");
        return new Section(path);
    }

    /// <summary><c>section = "[" [section-spec] "]"</c></summary>
    internal static Section Read(ref ImapReader r)
    {
        r.Take((byte)'[', "[ expected");
        var path = new List<uint>();
        var what = SectionText.Whole;
        IReadOnlyList<string>? fields = null;
        while (r.Peek != ']')
        {
            if (r.Peek is >= (byte)'0' and <= (byte)'9')
            {
                Number(ref r, path);
                if (r.Peek == ']') break;
                r.Take((byte)'.', ". or ] expected");
                if (r.Peek == ']') throw r.Bad("a part expected");
                continue;
            }
            (what, fields) = Text(ref r, path.Count > 0);
            break;
        }
        r.Take((byte)']', "] expected");
        return new Section(path, what, fields);
    }

    static void Number(ref ImapReader r, List<uint> path)
    {
        if (path.Count == MaxPath) throw r.Bad("no part lies so deep");
        path.Add(r.NzNumber());
    }

    /// <summary><c>section-text</c>: MIME only behind numbers.</summary>
    static (SectionText What, IReadOnlyList<string>? Fields) Text(ref ImapReader r, bool behindNumbers)
    {
        if (r.TryPrefix("HEADER.FIELDS.NOT "u8)) return (SectionText.HeaderFieldsNot, Names(ref r));
        if (r.TryPrefix("HEADER.FIELDS "u8)) return (SectionText.HeaderFields, Names(ref r));
        if (r.TryPrefix("HEADER"u8)) return (SectionText.Header, null);
        if (r.TryPrefix("TEXT"u8)) return (SectionText.Text, null);
        if (behindNumbers && r.TryPrefix("MIME"u8)) return (SectionText.Mime, null);
        throw r.Bad("HEADER, TEXT, a part or ] expected");
    }

    /// <summary><c>header-list = "(" header-fld-name *(SP header-fld-name) ")"</c></summary>
    static List<string> Names(ref ImapReader r)
    {
        r.Open();
        var names = new List<string>();
        do
        {
            if (names.Count == MaxNames) throw r.Bad("too many field names");
            names.Add(r.AStringText());
        }
        while (r.TryTake((byte)' '));
        r.Close();
        return names;
    }

    /// <summary><c>partial = "&lt;" number64 "." nz-number64 "&gt;"</c></summary>
    static Partial? PartialOf(ref ImapReader r)
    {
        if (!r.TryTake((byte)'<')) return null;
        var offset = r.Number64();
        r.Take((byte)'.', ". expected");
        var count = r.NzNumber64();
        r.Take((byte)'>', "> expected");
        return new Partial(offset, count);
    }
}
