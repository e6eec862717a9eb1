using Posthorn.Imap.Grammar;
using Posthorn.Mime.Sections;

namespace Posthorn.Imap.Session;

/// <summary>What an item with a section is called in the answer: as it was asked for, without PEEK, with the origin octet alone.</summary>
static class SectionNames
{
    internal static void Write(ResponseWriter output, ReadOnlySpan<byte> name, FetchItem item)
    {
        var section = item.Section!;
        output.Raw(name);
        output.Raw("["u8);
        for (var i = 0; i < section.Path.Count; i++)
        {
            if (i > 0) output.Raw("."u8);
            output.Number(section.Path[i]);
        }
        if (section.What != SectionText.Whole)
        {
            if (section.Path.Count > 0) output.Raw("."u8);
            output.Raw(section.What switch
            {
                SectionText.Header => "HEADER"u8,
                SectionText.HeaderFields => "HEADER.FIELDS "u8,
                SectionText.HeaderFieldsNot => "HEADER.FIELDS.NOT "u8,
                SectionText.Text => "TEXT"u8,
                _ => "MIME"u8,
            });
        }
        if (section.Fields is { } fields)
        {
            for (var i = 0; i < fields.Count; i++)
            {
                output.Raw(i == 0 ? "("u8 : " "u8);
                Field(output, fields[i]);
            }
            output.Raw(")"u8);
        }
        output.Raw("]"u8);
        if (item.Partial is { } partial)
        {
            output.Raw("<"u8);
            output.Number(partial.Offset);
            output.Raw(">"u8);
        }
        output.SP();
    }

    /// <summary>A field's name as an atom where it is one.</summary>
    static void Field(ResponseWriter output, string name)
    {
        foreach (var c in name)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
            {
                output.String(name);
                return;
            }
        output.Raw(System.Text.Encoding.ASCII.GetBytes(name));
    }
}
