using System.Text;
using System.Text.RegularExpressions;
using Posthorn.Mime.Structure;
using Posthorn.Tests.Testing.Imap;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>The structure of a thousand odd messages as Python's email package sees it, beside ours.</summary>
public sealed partial class PythonStructure
{
    const int Messages = 1000;

    const string Script = """
        import email, email.policy, re, sys
        token = rb"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+"
        kind_of = re.compile(rb'\s*(' + token + rb')\s*/\s*(' + token + rb')')
        defects = set()
        def shape(m, default):
            defects.update(type(d).__name__ for d in m.defects)
            # Python takes all up to the semicolon for the type; RFC 2045 section 5.1 has two tokens, else it is text/plain.
            raw = m.get('content-type')
            match = kind_of.match(str(raw).encode('utf-8', 'surrogateescape')) if raw is not None else None
            kind = default if raw is None else (match[1] + b'/' + match[2]).decode().lower() if match else 'text/plain'
            inner = m.get_payload() if m.is_multipart() else []
            # Python reads what is inside any message/*; only two of them hold a message.
            if not (kind.startswith('multipart/') or kind in ('message/rfc822', 'message/global')): inner = []
            # Python reads a message that is encoded as if it were not.
            coding = str(m.get('content-transfer-encoding', '7bit')).strip().lower()
            if kind.startswith('message/') and not re.match(r'(7bit|8bit|binary)\b', coding) and re.match(r'[a-z0-9\-]', coding): inner = []
            child = 'message/rfc822' if kind == 'multipart/digest' else 'text/plain'
            return kind + ('(' + ' '.join(shape(p, child) for p in inner) + ')' if inner else '')
        data = sys.stdin.buffer.read()
        at = 0
        while at < len(data):
            end = data.index(b'\n', at)
            n = int(data[at:end])
            defects.clear()
            print(shape(email.message_from_bytes(data[end + 1:end + 1 + n], policy=email.policy.compat32), 'text/plain') + '\t' + ' '.join(sorted(defects)))
            at = end + 1 + n
        """;

    static string Shape(Part p) => $"{p.Type}/{p.Subtype}" + (p.Parts.Count > 0 ? "(" + string.Join(' ', p.Parts.Select(Shape)) + ")" : "");

    [Fact]
    public async Task A_thousand_odd_messages_have_the_structure_that_python_sees()
    {
        Assert.SkipWhen(Tool.Missing("python3") is not null, Tool.Missing("python3") ?? "");
        var random = new Random(20260101);
        var messages = Enumerable.Range(0, Messages).Select(_ => OddMessages.Make(random, strayLines: false)).ToList();
        using var input = new MemoryStream();
        foreach (var m in messages)
        {
            input.Write(Encoding.ASCII.GetBytes($"{m.Length}\n"));
            input.Write(m);
        }
        var result = await Tool.RunBytesAsync("python3", ["-c", Script], TestContext.Current.CancellationToken, input.ToArray(), seconds: 120);
        Assert.True(result.ExitCode == 0, result.Errors);
        var theirs = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Messages, theirs.Length);
        var unexplained = new List<string>();
        var explained = 0;
        for (var i = 0; i < Messages; i++)
        {
            var ours = Shape(PartTree.Read(messages[i]));
            var (shape, defects) = theirs[i].Split('\t') is [var first, var second] ? (first, second) : (theirs[i], "");
            if (ours == shape) continue;
            if (Explanation(Encoding.Latin1.GetString(messages[i]), defects) is not null) explained++;
            else unexplained.Add($"{i}: {defects}\n  {ours}\n  {shape}");
        }
        Assert.Empty(unexplained);
        Assert.InRange(explained, 1, Messages / 10);
    }

    /// <summary>The differences that are known, and why ours is kept; null for one that is not.</summary>
    static string? Explanation(string message, string defects)
    {
        // Python ends a header at the first line that is no field: a stray line, or one with the obsolete blank before its
        // colon. Like other servers we pass over it, so that one line does not turn all that follows into text.
        if (defects.Contains("MissingHeaderBodySeparatorDefect") || defects.Contains("FirstHeaderLineIsContinuationDefect")) return "stray line in a header";
        // RFC 2046 §5.1.1: a boundary has at least one character; Python takes every line of two hyphens for a delimiter.
        if (EmptyBoundary().IsMatch(message)) return "empty boundary";
        // RFC 2045 §5.1: a value that is not in quotes ends at a blank; Python reads on to the semicolon.
        return BlankInBoundary().IsMatch(message) ? "blank in a boundary without quotes" : null;
    }

    [GeneratedRegex("""boundary(\*0)?=("")?\r?\n""", RegexOptions.IgnoreCase)]
    private static partial Regex EmptyBoundary();

    [GeneratedRegex("boundary=b b\r?\n", RegexOptions.IgnoreCase)]
    private static partial Regex BlankInBoundary();
}
