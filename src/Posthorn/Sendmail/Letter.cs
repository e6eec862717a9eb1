using System.Text;

namespace Posthorn.Sendmail;

/// <summary>
/// A message as programs write it to sendmail, in order: line ends of any kind become CRLF, a NUL goes, text without a header
/// gets an empty one, and Bcc is taken out.
/// </summary>
sealed class Letter
{
    readonly List<byte[]> _fields = [];
    readonly ReadOnlyMemory<byte> _body;

    Letter(ReadOnlyMemory<byte> body) => _body = body;

    /// <summary>Reads what came; with <paramref name="dotEnds"/> a line with a dot alone is the end.</summary>
    public static Letter Read(ReadOnlySpan<byte> input, bool dotEnds)
    {
        var lines = Lines(input, dotEnds);
        var at = 0;
        // What "From " begins is the line of an mbox, which some programs send along.
        if (lines.AsSpan().StartsWith("From "u8)) at = End(lines, 0);
        var fields = new List<byte[]>();
        while (at < lines.Length)
        {
            var end = End(lines, at);
            if (end - at == 2)
            {
                at = end; // the empty line
                break;
            }
            if (!IsField(lines.AsSpan(at, end - at))) break; // text: somebody left the header out
            while (end < lines.Length && lines[end] is (byte)' ' or (byte)'\t') end = End(lines, end);
            fields.Add(lines[at..end]);
            at = end;
        }
        var letter = new Letter(lines.AsMemory(at));
        letter._fields.AddRange(fields);
        return letter;
    }

    /// <summary>True when a field of this name is there.</summary>
    public bool Has(string name) => _fields.Exists(f => IsNamed(f, name));

    /// <summary>The values of all fields of this name, on one line each.</summary>
    public IEnumerable<string> Values(string name) =>
        _fields.Where(f => IsNamed(f, name)).Select(f => Encoding.UTF8.GetString(f.AsSpan(f.AsSpan().IndexOf((byte)':') + 1)).Replace("\r\n", "").Trim());

    public void Remove(string name) => _fields.RemoveAll(f => IsNamed(f, name));

    /// <summary>Adds a field of our own at the end of the header.</summary>
    public void Add(string name, string value) => _fields.Add(Encoding.UTF8.GetBytes($"{name}: {value}\r\n"));

    public bool IsEmpty => _fields.Count == 0 && _body.Length == 0;

    /// <summary>The whole message.</summary>
    public byte[] ToOctets()
    {
        using var whole = new MemoryStream(_body.Length + 1024);
        foreach (var field in _fields) whole.Write(field);
        whole.Write("\r\n"u8);
        whole.Write(_body.Span);
        return whole.ToArray();
    }

    static byte[] Lines(ReadOnlySpan<byte> input, bool dotEnds)
    {
        using var lines = new MemoryStream(input.Length + input.Length / 16 + 2);
        while (input.Length > 0)
        {
            var end = input.IndexOfAny((byte)'\r', (byte)'\n');
            var line = end < 0 ? input : input[..end];
            if (dotEnds && line is [(byte)'.']) break;
            input = end < 0 ? default : input[(end + (input[end..].StartsWith("\r\n"u8) ? 2 : 1))..];
            if (line.Contains((byte)0)) foreach (var part in line.Split((byte)0)) lines.Write(line[part]);
            else lines.Write(line);
            lines.Write("\r\n"u8);
        }
        return lines.ToArray();
    }

    static int End(byte[] lines, int from) => from + lines.AsSpan(from).IndexOf((byte)'\n') + 1;

    /// <summary>A name of printable characters and its colon (RFC 5322 §2.2).</summary>
    static bool IsField(ReadOnlySpan<byte> line)
    {
        var colon = line.IndexOf((byte)':');
        return colon > 0 && !line[..colon].TrimEnd(" \t"u8).ContainsAnyExceptInRange((byte)33, (byte)126);
    }

    static bool IsNamed(ReadOnlySpan<byte> field, string name)
    {
        var colon = field.IndexOf((byte)':');
        return Ascii.EqualsIgnoreCase(field[..colon].TrimEnd(" \t"u8), name);
    }
}
