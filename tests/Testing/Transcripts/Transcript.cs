using System.Text;
using System.Text.RegularExpressions;
using Posthorn.Tests.Testing.Transport;
using Posthorn.Wire.Connections;

namespace Posthorn.Tests.Testing.Transcripts;

/// <summary>
/// A protocol session as text. <c>C: line</c> is sent with CRLF; <c>C&lt; text</c> is sent as it is after unescaping
/// (<c>\r \n \0 \t \xHH \\</c>), without CRLF; <c>S: line</c> must be the server's next line, where <c>*</c> stands for
/// any run of characters and <c>\*</c> for the star itself; <c>S: ...</c> skips lines until the next S line fits;
/// <c>C!</c> closes the client's side; <c>S!</c> means that the server closes. <c>#</c> is a comment. Consecutive C lines
/// go out in one segment. A line <c>== name</c> starts another session of the same file.
/// <para>
/// A digit behind C or S (<c>C2: line</c>) names another connection, which begins with its first step. <c>${name}</c> stands in an
/// S line for a run of characters that is kept, and everywhere after it for what it was. <c>@ words</c> (or <c>@2 words</c>) asks the
/// stage for something, with the lines below it that begin with <c>|</c> as its text.
/// </para>
/// </summary>
public sealed record Transcript(string Name, IReadOnlyList<string> Steps)
{
    /// <summary>Reads all sessions of one file.</summary>
    public static IReadOnlyList<Transcript> Load(string path)
    {
        var all = new List<Transcript>();
        var name = Path.GetFileNameWithoutExtension(path);
        var steps = new List<string>();
        foreach (var line in File.ReadLines(path, Encoding.UTF8))
        {
            if (line.StartsWith("== ", StringComparison.Ordinal))
            {
                if (steps.Count > 0) all.Add(new(name, steps));
                (name, steps) = (Path.GetFileNameWithoutExtension(path) + ": " + line[3..], []);
            }
            else if (line.Length > 0 && line[0] != '#') steps.Add(line);
        }
        if (steps.Count > 0) all.Add(new(name, steps));
        return all;
    }

    /// <summary>All client octets in order, for tests that split them in every place.</summary>
    public byte[] ClientOctets => [.. Steps.SelectMany(s => TranscriptStep.Parse(s).Octets)];

    /// <summary>Plays it against a session; throws <see cref="TranscriptException"/> at the first difference.</summary>
    /// <param name="chunk">The most octets that the server reads at a time; 0 for no limit.</param>
    /// <param name="stage">Does the steps that begin with <c>@</c>; null when there are none.</param>
    public Task PlayAsync(Func<Connection, Task> session, TimeProvider time, int chunk = 0, string client = "192.0.2.1", ITranscriptStage? stage = null) =>
        new TranscriptPlay(this, () => new TranscriptPeer(session, new MemoryTransport(time, chunk: chunk, client: stage?.Client ?? client)), stage).RunAsync();

    /// <summary>True when a line is as wanted, with <c>*</c> for any run of characters.</summary>
    public static bool Fits(string want, string line) => Regex.IsMatch(line, "^" + Pattern(want) + "$", RegexOptions.Singleline);

    /// <summary>A piece of a wanted line as a regular expression.</summary>
    internal static string Pattern(string want) =>
        Regex.Escape(want).Replace(@"\\\*", "\u0001").Replace(@"\*", ".*").Replace("\u0001", @"\*");

    /// <summary>The octets of a text with escapes.</summary>
    public static byte[] Unescape(string text)
    {
        var octets = new List<byte>();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                octets.AddRange(Encoding.UTF8.GetBytes([text[i]]));
                continue;
            }
            switch (text[++i])
            {
                case 'r': octets.Add(13); break;
                case 'n': octets.Add(10); break;
                case 't': octets.Add(9); break;
                case '0': octets.Add(0); break;
                case 'x': octets.Add(Convert.ToByte(text.Substring(i + 1, 2), 16)); i += 2; break;
                default: octets.Add((byte)text[i]); break;
            }
        }
        return [.. octets];
    }
}

/// <summary>A session went another way than its transcript.</summary>
public sealed class TranscriptException(Transcript transcript, int step, StringBuilder said, string want, string got)
    : Exception($"{transcript.Name}, step {step + 1}:\n{said}expected: {want}\ngot:      {got}");
