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
    public byte[] ClientOctets => [.. Steps.SelectMany(Octets)];

    static IEnumerable<byte> Octets(string step) =>
        step.StartsWith("C: ", StringComparison.Ordinal) ? Encoding.UTF8.GetBytes(step[3..] + "\r\n")
        : step == "C:" ? "\r\n"u8.ToArray()
        : step.StartsWith("C< ", StringComparison.Ordinal) ? Unescape(step[3..]) : [];

    /// <summary>Plays it against a session; throws <see cref="TranscriptException"/> at the first difference.</summary>
    /// <param name="chunk">The most octets that the server reads at a time; 0 for no limit.</param>
    public async Task PlayAsync(Func<Connection, Task> session, TimeProvider time, int chunk = 0, string client = "192.0.2.1")
    {
        await using var transport = new MemoryTransport(time, chunk: chunk, client: client);
        var running = Task.Run(() => RunAsync(session, transport.Server));
        var reader = new LineReader(transport.Client);
        var said = new StringBuilder();
        for (var i = 0; i < Steps.Count; i++)
        {
            var step = Steps[i];
            if (step is "C!") transport.FinishSending();
            else if (step is "S!")
            {
                var extra = await reader.NextAsync();
                if (extra is not null) throw new TranscriptException(this, i, said, "the end", extra);
            }
            else if (step[0] == 'C')
            {
                var batch = new List<byte>();
                for (; i < Steps.Count && Steps[i][0] == 'C' && Steps[i] != "C!"; i++)
                {
                    batch.AddRange(Octets(Steps[i]));
                    said.AppendLine(Steps[i]);
                }
                i--;
                await transport.SendAsync(batch.ToArray());
            }
            else if (step is "S: ...")
            {
                while (true)
                {
                    var line = await reader.NextAsync() ?? throw new TranscriptException(this, i, said, Steps[i + 1], "the end");
                    said.AppendLine("S: " + line);
                    if (Fits(Steps[i + 1][2..].TrimStart(' '), line)) break;
                }
                i++;
            }
            else
            {
                var line = await reader.NextAsync();
                var want = step.Length > 3 ? step[3..] : "";
                if (line is null || !Fits(want, line)) throw new TranscriptException(this, i, said, want, line ?? "the end");
                said.AppendLine("S: " + line);
            }
        }
        transport.FinishSending();
        await running.WaitAsync(TimeSpan.FromSeconds(30));
    }

    static async Task RunAsync(Func<Connection, Task> session, Connection connection)
    {
        try { await session(connection); }
        finally { await connection.DisposeAsync(); }
    }

    /// <summary>True when a line is as wanted, with <c>*</c> for any run of characters.</summary>
    public static bool Fits(string want, string line)
    {
        var pattern = "^" + Regex.Escape(want).Replace(@"\\\*", "\u0001").Replace(@"\*", ".*").Replace("\u0001", @"\*") + "$";
        return Regex.IsMatch(line, pattern, RegexOptions.Singleline);
    }

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
