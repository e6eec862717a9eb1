using System.Text;

namespace Posthorn.Tests.Testing.Running;

/// <summary>One message as POP3 gave it.</summary>
public sealed record ReadMessage(int Number, string Uid, byte[] Octets)
{
    public string Text => Encoding.Latin1.GetString(Octets);

    /// <summary>The unfolded values of a header field, in order.</summary>
    public IReadOnlyList<string> Header(string name)
    {
        var end = Text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var head = (end < 0 ? Text : Text[..end]).Replace("\r\n ", " ").Replace("\r\n\t", " ");
        return [.. head.Split("\r\n").Where(l => l.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)).Select(l => l[(name.Length + 1)..].Trim())];
    }
}

/// <summary>A POP3 client for tests: USER and PASS in the clear on loopback.</summary>
public sealed class Pop3Reader : IAsyncDisposable
{
    readonly LineClient _line;

    Pop3Reader(LineClient line) => _line = line;

    public static Task<Pop3Reader> LoginAsync(int port, string user, string password, CancellationToken ct) => LoginAsync(Ports.Loopback(port), user, password, ct);

    public static async Task<Pop3Reader> LoginAsync(System.Net.IPEndPoint to, string user, string password, CancellationToken ct)
    {
        var reader = new Pop3Reader(await LineClient.ConnectAsync(to, ct));
        try
        {
            await reader.ExpectAsync(null, ct);
            await reader.ExpectAsync("USER " + user, ct);
            await reader.ExpectAsync("PASS " + password, ct);
            return reader;
        }
        catch
        {
            await reader.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sends a command (null: waits only) and returns its +OK line; throws at -ERR.</summary>
    public async Task<string> ExpectAsync(string? command, CancellationToken ct)
    {
        if (command is not null) await _line.SendAsync(command, ct);
        var answer = await _line.LineAsync(ct) ?? throw new IOException("connection ended after " + command);
        return answer.StartsWith("+OK", StringComparison.Ordinal) ? answer : throw new IOException($"{command}: {answer}");
    }

    public async Task<int> CountAsync(CancellationToken ct) => int.Parse((await ExpectAsync("STAT", ct)).Split(' ')[1]);

    /// <summary>Unique ids by number, from 1.</summary>
    public async Task<IReadOnlyList<string>> UidsAsync(CancellationToken ct)
    {
        await ExpectAsync("UIDL", ct);
        var text = Encoding.Latin1.GetString(await _line.DotBlockAsync(ct));
        return [.. text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(' ')[1])];
    }

    /// <summary>Every message, the commands sent ahead in windows.</summary>
    public async IAsyncEnumerable<ReadMessage> AllAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        var uids = await UidsAsync(ct);
        const int window = 50;
        for (var first = 1; first <= uids.Count; first += window)
        {
            var last = Math.Min(first + window - 1, uids.Count);
            await _line.WriteAsync(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(first, last - first + 1).Select(n => $"RETR {n}\r\n"))), ct);
            for (var number = first; number <= last; number++)
            {
                var answer = await _line.LineAsync(ct);
                if (answer?.StartsWith("+OK", StringComparison.Ordinal) != true) throw new IOException($"RETR {number}: {answer}");
                yield return new(number, uids[number - 1], await _line.DotBlockAsync(ct));
            }
        }
    }

    /// <summary>Marks the messages; they go at QUIT.</summary>
    public async Task DeleteAsync(IReadOnlyList<int> numbers, CancellationToken ct)
    {
        if (numbers.Count == 0) return;
        await _line.WriteAsync(Encoding.ASCII.GetBytes(string.Concat(numbers.Select(n => $"DELE {n}\r\n"))), ct);
        foreach (var number in numbers)
        {
            var answer = await _line.LineAsync(ct);
            if (answer?.StartsWith("+OK", StringComparison.Ordinal) != true) throw new IOException($"DELE {number}: {answer}");
        }
    }

    /// <summary>QUIT; returns normally only when the server said +OK.</summary>
    public Task QuitAsync(CancellationToken ct) => ExpectAsync("QUIT", ct);

    public ValueTask DisposeAsync() => _line.DisposeAsync();
}
