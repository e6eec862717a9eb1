using System.Text;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>A hand-written IMAP session over TLS: puts letters into folders and tells what the server shows of them.</summary>
sealed class ImapReader : IAsyncDisposable
{
    readonly LineClient _client;
    readonly CancellationToken _ct;
    int _tag;

    ImapReader(LineClient client, CancellationToken ct) => (_client, _ct) = (client, ct);

    /// <summary>Logs in after STARTTLS.</summary>
    public static async Task<ImapReader> LoginAsync(int port, DemoAccount account, CancellationToken ct)
    {
        var client = await LineClient.ConnectAsync(Ports.Loopback(port), ct);
        var reader = new ImapReader(client, ct);
        await client.LineAsync(ct);
        await reader.CommandAsync("STARTTLS");
        await client.StartTlsAsync(ct);
        await reader.CommandAsync($"LOGIN {account.Address} {account.Password}");
        return reader;
    }

    /// <summary>Sends one command; the lines before its tagged answer, which must be OK.</summary>
    public async Task<List<string>> CommandAsync(string command)
    {
        var tag = $"a{++_tag}";
        await _client.SendAsync($"{tag} {command}", _ct);
        var lines = new List<string>();
        while (await _client.LineAsync(_ct) is { } line)
        {
            if (!line.StartsWith(tag + " ", StringComparison.Ordinal))
            {
                lines.Add(line);
                continue;
            }
            Assert.StartsWith(tag + " OK", line, StringComparison.Ordinal);
            return lines;
        }
        throw new IOException("connection ended after " + command);
    }

    /// <summary>Puts a letter with this subject into a mailbox; LF in the body becomes CRLF.</summary>
    public async Task AppendAsync(string mailbox, string subject, string flags = "", string from = "a@example.org", string body = "")
    {
        var text = $"From: {from}\nDate: Fri, 20 Nov 2026 10:11:12 +0100\nSubject: {subject}\n\nbody of {subject}\n{body}".ReplaceLineEndings("\r\n");
        await _client.SendAsync($"append APPEND \"{mailbox}\" ({flags}) {{{Encoding.Latin1.GetByteCount(text)}}}", _ct);
        Assert.StartsWith("+ ", await _client.LineAsync(_ct), StringComparison.Ordinal);
        await _client.SendAsync(text, _ct);
        while (await _client.LineAsync(_ct) is { } line)
        {
            if (line.StartsWith("* ", StringComparison.Ordinal)) continue;
            Assert.StartsWith("append OK", line, StringComparison.Ordinal);
            return;
        }
        throw new IOException("connection ended inside APPEND");
    }

    /// <summary>Changes the letter with this subject: flags are stored, a deletion is expunged.</summary>
    public async Task StoreAsync(string mailbox, string subject, string flags)
    {
        await CommandAsync($"SELECT \"{mailbox}\"");
        var found = (await CommandAsync($"UID SEARCH SUBJECT \"{subject}\"")).Single(l => l.StartsWith("* SEARCH ", StringComparison.Ordinal));
        await CommandAsync($"UID STORE {found["* SEARCH ".Length..]} +FLAGS ({flags})");
        await CommandAsync("EXPUNGE");
    }

    /// <summary>Subject and flags of each letter of a mailbox, sorted: <c>letter 1: \Flagged \Seen</c>.</summary>
    public async Task<List<string>> StoryAsync(string mailbox)
    {
        await CommandAsync($"EXAMINE \"{mailbox}\"");
        var story = new List<string>();
        var flags = "";
        foreach (var line in await CommandAsync("FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
        {
            if (line.IndexOf("FLAGS (", StringComparison.Ordinal) is >= 0 and var at) flags = line[(at + "FLAGS (".Length)..line.IndexOf(')', at)];
            else if (line.StartsWith("Subject: ", StringComparison.Ordinal)) story.Add(Told(line["Subject: ".Length..], flags.Split(' ')));
        }
        story.Sort(StringComparer.Ordinal);
        return story;
    }

    /// <summary>One line of a story. \Recent is left out: it tells who came first and not what the letter is.</summary>
    public static string Told(string subject, IEnumerable<string> flags) =>
        $"{subject}: {string.Join(' ', flags.Where(static f => f is not ("" or "\\Recent")).Order(StringComparer.Ordinal))}".TrimEnd();

    public ValueTask DisposeAsync() => _client.DisposeAsync();
}
