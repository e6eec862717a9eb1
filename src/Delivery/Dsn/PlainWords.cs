using System.Text;

namespace Posthorn.Delivery.Dsn;

/// <summary>Sets paragraphs for people: lines of at most 76 characters, CRLF between them, nothing in them that could end a line.</summary>
sealed class PlainWords
{
    const int Column = 76;

    /// <summary>A space at which no line ends.</summary>
    const char Kept = '\u00a0';

    readonly StringBuilder _text = new();

    /// <summary>A date that no line end comes into.</summary>
    internal static string Date(DateTimeOffset at) => NoticeText.Date(at).Replace(' ', Kept);

    /// <summary>A paragraph, with an empty line before it.</summary>
    internal void Paragraph(string text) => Set(text, "");

    /// <summary>Words of somebody else, set in; no line of them can begin where a boundary would.</summary>
    internal void Quote(string text) => Set(text, "  ");

    /// <summary>Addresses, one a line.</summary>
    internal void Addresses(IEnumerable<string> addresses)
    {
        NewBlock();
        foreach (var address in addresses) _text.Append("  <").Append(NoticeText.Clean(address)).Append(">\r\n");
    }

    public override string ToString() => _text.ToString();

    void NewBlock()
    {
        if (_text.Length > 0) _text.Append("\r\n");
    }

    void Set(string text, string indent)
    {
        NewBlock();
        var column = 0;
        foreach (var word in NoticeText.Clean(text).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (column > 0 && column + 1 + word.Length > Column)
            {
                _text.Append("\r\n");
                column = 0;
            }
            _text.Append(column == 0 ? indent : " ").Append(word.Replace(Kept, ' '));
            column += word.Length + (column == 0 ? indent.Length : 1);
        }
        _text.Append("\r\n");
    }
}
