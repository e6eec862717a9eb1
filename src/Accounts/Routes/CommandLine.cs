using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Posthorn.Accounts.Routes;

/// <summary>A program with its arguments as one line: parted by spaces, in double quotes where an argument holds one.</summary>
static class CommandLine
{
    /// <summary>False when a quote is not closed or there is nothing at all. A backslash in quotes takes the next character as it is.</summary>
    public static bool TrySplit(string text, [NotNullWhen(true)] out IReadOnlyList<string>? words)
    {
        var list = new List<string>();
        var word = new StringBuilder();
        var (inWord, quoted) = (false, false);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (quoted && c == '\\' && i + 1 < text.Length) word.Append(text[++i]);
            else if (c == '"') (quoted, inWord) = (!quoted, true);
            else if (c == ' ' && !quoted)
            {
                if (inWord) list.Add(word.ToString());
                word.Clear();
                inWord = false;
            }
            else
            {
                word.Append(c);
                inWord = true;
            }
        }
        if (inWord) list.Add(word.ToString());
        words = quoted || list.Count == 0 ? null : list;
        return words is not null;
    }

    public static string Join(IReadOnlyList<string> words) => string.Join(' ', words.Select(static w =>
        w.Length > 0 && w.AsSpan().IndexOfAny(' ', '"') < 0 ? w : "\"" + w.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\""));
}
