using System.Text;

namespace Posthorn.Imap.Extensions.Thread;

/// <summary>Message ids in a field, in one form whatever their quoting (RFC 5256 §3).</summary>
static class MessageIdList
{
    /// <summary>The last so many of a field count: a thread that is longer is linked by its other messages.</summary>
    const int Most = 100;

    internal static List<string> Of(string? field)
    {
        var ids = new List<string>();
        for (var at = 0; field is not null && (at = field.IndexOf('<', at)) >= 0;)
        {
            var end = End(field, at + 1);
            if (end < 0) break;
            if (Normal(field.AsSpan(at + 1, end - at - 1)) is { } id) ids.Add(id);
            at = end + 1;
        }
        return ids.Count <= Most ? ids : ids.GetRange(ids.Count - Most, Most);
    }

    /// <summary>The place of the ">" that ends an id; one in quotes is part of it.</summary>
    static int End(string field, int at)
    {
        var quoted = false;
        for (; at < field.Length; at++)
        {
            if (field[at] == '"') quoted = !quoted;
            else if (quoted && field[at] == '\\') at++;
            else if (!quoted && field[at] == '>') return at;
        }
        return -1;
    }

    /// <summary>Without quotes and white space; null for what is no id.</summary>
    static string? Normal(ReadOnlySpan<char> id)
    {
        var text = new StringBuilder(id.Length);
        for (var i = 0; i < id.Length; i++)
        {
            if (id[i] is '"' or ' ' or '\t' or '\r' or '\n') continue;
            if (id[i] == '\\' && i + 1 < id.Length) i++;
            text.Append(id[i]);
        }
        var normal = text.ToString();
        return normal.IndexOf('@', StringComparison.Ordinal) > 0 ? normal : null;
    }
}
