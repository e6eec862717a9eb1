using System.Globalization;
using System.Text;

namespace Posthorn.Delivery.Inbound;

/// <summary>Makes the small JSON objects of story events (docs/events.md): members in the order they are added, empty ones left out.</summary>
ref struct StoryDetail()
{
    [ThreadStatic]
    static StringBuilder? s_text;

    readonly StringBuilder _text = (s_text ??= new StringBuilder(256)).Clear().Append('{');

    internal readonly void Add(string name, string? value)
    {
        if (string.IsNullOrEmpty(value)) return;
        Name(name);
        _text.Append('"');
        foreach (var c in value)
        {
            // RFC 8259 §7; beyond it what could be taken for a line end or a terminal's control.
            if (c is '"' or '\\') _text.Append('\\').Append(c);
            else if (c < ' ' || c is >= '\x7f' and <= '\x9f' or '\u2028' or '\u2029' || char.IsSurrogate(c)) Escape(c);
            else _text.Append(c);
        }
        _text.Append('"');
    }

    internal readonly void Add(string name, long value)
    {
        Name(name);
        _text.Append(CultureInfo.InvariantCulture, $"{value}");
    }

    /// <summary>The object.</summary>
    internal readonly string End() => _text.Append('}').ToString();

    readonly void Name(string name)
    {
        if (_text.Length > 1) _text.Append(',');
        _text.Append('"').Append(name).Append("\":");
    }

    readonly void Escape(char c) => _text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
}
