using System.Text;
using Posthorn.Smtp.Client;
using Posthorn.Smtp.Server;
using Posthorn.Tests.Testing.Transcripts;
using Posthorn.Tests.Testing.Transport;
using Posthorn.Wire.Addresses;

namespace Posthorn.Tests.Protocol.Smtp.Client;

/// <summary>
/// A session of our client as text, in a file of the form of <see cref="Transcript"/> with the sides changed: <c>S:</c> and
/// <c>S&lt;</c> are what the other server sends, <c>S!</c> that it closes, <c>C:</c> what our client must send, <c>C!</c>
/// that it must close. <c>&gt; send …</c> makes a transaction, <c>&gt; quit</c> ends the session, <c>&gt; alive</c> asks
/// it; <c>=</c> waits for the end of what was begun and compares its result, one line for each recipient.
/// Words in brackets behind the name: lmtp, loopback, tls, verify, password, token.
/// </summary>
sealed class ClientTranscript(Transcript transcript)
{
    readonly StringBuilder _said = new();
    readonly Queue<string> _results = new();
    Task<IEnumerable<string>> _running = Task.FromResult(Enumerable.Empty<string>());
    SmtpClientSession? _session;

    internal static SmtpClientSettings Settings(Func<string, bool> has) => new("client.example.test",
        new SmtpClientTls(has("tls"), has("tls"), has("verify"), false, "mx.example.test"),
        has("password") ? new SmtpClientLogin("user", "pencil", null, has("before") ? "PLAIN" : null) : has("token") ? new SmtpClientLogin("user", null, "ya29") : null, has("lmtp"));

    internal async Task PlayAsync(int chunk)
    {
        bool Has(string word) => transcript.Name.Contains('[') && transcript.Name[transcript.Name.IndexOf('[')..].Contains(word);
        await using var transport = new MemoryTransport(TimeProvider.System, chunk: chunk, client: Has("loopback") ? "127.0.0.1" : "192.0.2.1");
        var reader = new LineReader(transport.Client);
        _running = OpenAsync(transport, Settings(Has));
        var gone = false;
        for (var i = 0; i < transcript.Steps.Count; i++)
        {
            var step = transcript.Steps[i];
            if (step == "S!") transport.FinishSending();
            else if (step == "C!")
            {
                // A bare LF among what is sent is no end of a line here, so the rest of the octets is told too.
                if (await reader.NextAsync() is { } more) throw Wrong(i, "the end", more);
                gone = true;
            }
            else if (step.StartsWith("S: ", StringComparison.Ordinal)) await transport.SendAsync(Encoding.UTF8.GetBytes(step[3..] + "\r\n"));
            else if (step.StartsWith("S< ", StringComparison.Ordinal)) await transport.SendAsync(Transcript.Unescape(step[3..]));
            else if (step[0] == 'C')
            {
                var want = step.Length > 3 ? step[3..] : "";
                var got = await reader.NextAsync() ?? "the end";
                if (!Transcript.Fits(want, got)) throw Wrong(i, want, got);
            }
            else if (step[0] == '>') _running = BeginAsync(step[2..]);
            else
            {
                if (_results.Count == 0)
                    foreach (var line in await _running.WaitAsync(TimeSpan.FromSeconds(30))) _results.Enqueue(line);
                var got = _results.Count > 0 ? _results.Dequeue() : "nothing more";
                if (!Transcript.Fits(step[2..], got)) throw Wrong(i, step[2..], got);
            }
            _said.AppendLine(step);
        }
        if (_results.Count > 0) throw Wrong(transcript.Steps.Count - 1, "nothing more", _results.Dequeue());
        if (!gone && _session is not null)
        {
            transport.FinishSending();
            await _session.DisposeAsync();
        }
    }

    TranscriptException Wrong(int step, string want, string got) => new(transcript, step, _said, want, got);

    async Task<IEnumerable<string>> OpenAsync(MemoryTransport transport, SmtpClientSettings settings)
    {
        var (session, failure) = await SmtpClientSession.OpenAsync(transport.Server, settings, CancellationToken.None);
        _session = session;
        return [failure is null ? Told(session!.Peer) : Told(failure)];
    }

    async Task<IEnumerable<string>> BeginAsync(string what)
    {
        var words = what.Split(' ');
        if (words[0] == "alive") return [_session!.IsAlive() ? "alive" : "dead"];
        if (words[0] == "quit")
        {
            await _session!.DisposeAsync();
            return ["closed"];
        }
        var dots = 0;
        var outgoing = Outgoing(words) with { DotSent = () => dots++ };
        var outcome = await _session!.SendAsync(outgoing, CancellationToken.None);
        var end = (outcome.Reusable ? "reusable" : "broken") + (outcome.MayHaveTaken ? ", may have taken" : "") + (dots == 0 ? "" : dots == 1 ? ", dot sent" : ", dot sent often");
        return outcome.Recipients.Select(Told).Append(end);
    }

    internal static SmtpOutgoing Outgoing(IEnumerable<string> words)
    {
        var text = "Subject: test\r\n\r\nHello\r\n"u8.ToArray();
        var outgoing = new SmtpOutgoing(null, [], new Content(text), BodyType.SevenBit, false, null, null);
        foreach (var word in words)
        {
            var (key, value) = word.Split('=', 2) is [var k, var v] ? (k, v) : (word, "");
            outgoing = key switch
            {
                "from" => outgoing with { ReversePath = EmailAddress.TryParse(value) },
                "to" => outgoing with { Recipients = [.. outgoing.Recipients, Forward(value.Split('|'))] },
                "8bit" => outgoing with { Body = BodyType.EightBitMime },
                "binary" => outgoing with { Body = BodyType.BinaryMime },
                "utf8" => outgoing with { SmtpUtf8 = true },
                "ret" => outgoing with { Return = value },
                "envid" => outgoing with { EnvelopeId = value.Replace('_', ' ') },
                "text" => outgoing with { Content = new Content(Transcript.Unescape(value.Replace('_', ' '))) },
                "short" => outgoing with { Content = new Content(text) { Length = text.Length + 5 } },
                _ => outgoing,
            };
        }
        return outgoing;
    }

    static SmtpForward Forward(string[] parts) => new(EmailAddress.TryParse(parts[0])!,
        parts.ElementAtOrDefault(1) is { Length: > 0 } notify ? notify : null, parts.ElementAtOrDefault(2)?.Replace('_', ' '));

    static string Told(SmtpForwardResult r) =>
        $"{(r.Accepted ? "accepted" : "refused")} {r.Stage} {(r.Reply is { } reply ? Told(reply) : $"{r.Failure!.Kind}: {r.Failure.Text}")}";

    static string Told(SmtpReply reply) => $"{reply.Code} {reply.Enhanced ?? "-"} {string.Join(" / ", reply.Lines)}";

    static string Told(SmtpFailure f) => $"failed {f.Stage} {f.Kind} {(f.Reply is { } reply ? Told(reply) + ": " : "")}{f.Text}";

    static string Told(SmtpPeer p)
    {
        var offers = new (bool Has, string Name)[]
        {
            (p.Extended, "ESMTP"), (p.Pipelining, "PIPELINING"), (p.EightBitMime, "8BITMIME"), (p.Chunking, "CHUNKING"), (p.BinaryMime, "BINARYMIME"),
            (p.SmtpUtf8, "SMTPUTF8"), (p.Dsn, "DSN"), (p.StartTls, "STARTTLS"), (p.Size is not null, $"SIZE={p.Size}"),
            (p.AuthMechanisms.Count > 0, "AUTH=" + string.Join(',', p.AuthMechanisms)), (p.LoggedIn, "logged in"),
        };
        return $"open <{p.Greeting}> {string.Join(' ', offers.Where(o => o.Has).Select(o => o.Name))}".TrimEnd();
    }

    /// <summary>A message in memory, handed out in pieces.</summary>
    internal sealed class Content(ReadOnlyMemory<byte> octets) : ISmtpContent
    {
        public int Piece { get; init; } = int.MaxValue;
        public long Length { get; init; } = octets.Length;

        public ValueTask<ReadOnlyMemory<byte>> ReadAsync(long offset, CancellationToken ct)
        {
            var rest = octets[(int)offset..];
            return new(rest[..Math.Min(Piece, rest.Length)]);
        }
    }
}
