using System.Text;
using Posthorn.Wire.Addresses;

namespace Posthorn.Sendmail;

/// <summary>A recipient that is no address.</summary>
sealed class BadRecipientException(string word) : Exception($"\"{word}\" is not an address");

/// <summary>
/// Reads the recipients of a header field or of the command line, where people also write the name of a user alone:
/// <c>root, "Doe, J." &lt;j@example.org&gt; (office), team: a@example.org, b@example.org;</c>
/// </summary>
static class RecipientWords
{
    /// <param name="domain">What completes a user alone.</param>
    public static IEnumerable<EmailAddress> Read(string text, string domain)
    {
        foreach (var word in Split(text))
        {
            var full = word.Contains('@') ? word : word + "@" + domain;
            yield return EmailAddress.TryParse(full) ?? throw new BadRecipientException(word);
        }
    }

    /// <summary>The addresses without names, comments and groups.</summary>
    static List<string> Split(string text)
    {
        var found = new List<string>();
        var word = new StringBuilder();
        string? angle = null;
        var depth = 0;
        for (var i = 0; i <= text.Length; i++)
        {
            var c = i < text.Length ? text[i] : ',';
            if (depth > 0)
            {
                if (c == '\\') i++;
                else depth += c == '(' ? 1 : c == ')' ? -1 : 0;
                if (i < text.Length) continue;
                c = ','; // a comment that never ends
            }
            switch (c)
            {
                case '(':
                    depth = 1;
                    break;
                case '"':
                    var end = Quoted(text, i);
                    word.Append(text, i, end - i);
                    i = end - 1;
                    break;
                case '<':
                    var close = text.IndexOf('>', i);
                    angle = close < 0 ? text[(i + 1)..] : text[(i + 1)..close];
                    i = close < 0 ? text.Length - 1 : close;
                    break;
                case ':' when angle is null && !word.ToString().Contains('['):
                    word.Clear(); // the name of a group
                    break;
                case ',' or ';':
                    var one = (angle ?? word.ToString()).Trim();
                    if (one.Length > 0) found.Add(one);
                    word.Clear();
                    angle = null;
                    break;
                default:
                    word.Append(c);
                    break;
            }
        }
        return found;
    }

    /// <summary>Where the quoted string that begins at <paramref name="from"/> is over.</summary>
    static int Quoted(string text, int from)
    {
        for (var i = from + 1; i < text.Length; i++)
        {
            if (text[i] == '\\') i++;
            else if (text[i] == '"') return i + 1;
        }
        return text.Length;
    }
}
