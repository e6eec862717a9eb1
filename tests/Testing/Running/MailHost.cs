using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Posthorn.Tests.Testing.Running;

/// <summary>
/// A mail server among several of a test: an address of its own in 127.0.0.0/8, and the ports of all of them alike, so that
/// MX records work. Listeners: smtp at the port, submission at the next, POP3 at the one after it.
/// </summary>
public sealed class MailHost(string directory, string hostname, string address, int port) : IAsyncDisposable
{
    public const string Password = Installation.Password;

    public string Hostname => hostname;
    public IPEndPoint Smtp => new(IPAddress.Parse(address), port);
    public IPEndPoint Submission => new(IPAddress.Parse(address), port + 1);
    public IPEndPoint Pop3 => new(IPAddress.Parse(address), port + 2);
    public string ConfigFile => Path.Combine(directory, "posthorn.json");
    public string Directory => directory;
    public ServerProcess? Server { get; private set; }

    /// <summary>Sections laid over the configuration, by name.</summary>
    public Dictionary<string, JsonNode> Sections { get; } = [];

    /// <summary>Writes the configuration, with this resolver and this port for outgoing mail, and makes the accounts ("user@domain").</summary>
    public async Task CreateAsync(IPEndPoint? resolver, IEnumerable<string> accounts, CancellationToken ct)
    {
        System.IO.Directory.CreateDirectory(directory);
        var delivery = new JsonObject { ["port"] = port, ["privateNetworks"] = new JsonArray("127.0.0.0/8") };
        if (Sections.Remove("delivery", out var own))
            foreach (var (name, value) in own.AsObject()) delivery[name] = value?.DeepClone();
        var config = new JsonObject
        {
            ["hostname"] = hostname,
            ["dataDirectory"] = "data",
            ["listeners"] = new JsonArray(Listener("smtp", Smtp), Listener("submission", Submission), Listener("pop3", Pop3)),
            ["delivery"] = delivery,
        };
        if (resolver is not null) config["dns"] = new JsonObject { ["servers"] = new JsonArray(resolver.ToString()) };
        foreach (var (name, section) in Sections) config[name] = section.DeepClone();
        await File.WriteAllTextAsync(ConfigFile, config.ToJsonString(new JsonSerializerOptions { WriteIndented = true }), ct);
        var password = Path.Combine(directory, "password");
        await File.WriteAllTextAsync(password, Password + "\n", Encoding.ASCII, ct);
        File.SetUnixFileMode(password, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        foreach (var domain in accounts.Select(a => a[(a.IndexOf('@') + 1)..]).Distinct()) await VerbAsync(["domain", "add", domain], ct);
        foreach (var account in accounts) await VerbAsync(["account", "add", account, "--password-file", password], ct);
    }

    public async Task StartAsync(CancellationToken ct)
    {
        if (Server is not null) await Server.DisposeAsync();
        Server = await ServerProcess.StartAsync(["serve", "--config", ConfigFile], [Smtp, Submission, Pop3], ct);
    }

    /// <summary>Runs a verb with this configuration; throws when it fails.</summary>
    public async Task<string> VerbAsync(IEnumerable<string> arguments, CancellationToken ct)
    {
        var result = await ServerProcess.RunVerbAsync([.. arguments, "--config", ConfigFile], ct, seconds: 60);
        return result.ExitCode == 0 ? result.Output : throw new InvalidOperationException(result.Told);
    }

    /// <summary>The JSON that a verb prints with --json.</summary>
    public async Task<JsonNode> JsonAsync(IEnumerable<string> arguments, CancellationToken ct) => JsonNode.Parse(await VerbAsync([.. arguments, "--json"], ct))!;

    /// <summary>Submits a message with a login, as mail programs do; the id in the 250 reply.</summary>
    /// <param name="parameters">Of each RCPT, after a space.</param>
    public async Task<string> SubmitAsync(string login, string from, IEnumerable<string> to, string message, CancellationToken ct, string mail = "", string parameters = "")
    {
        await using var client = await LineClient.ConnectAsync(Submission, ct);
        await client.ReplyAsync(ct);
        await Expect(client, "EHLO client.test", ct);
        await Expect(client, "AUTH PLAIN " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"\0{login}\0{Password}")), ct);
        return await TransactAsync(client, from, to, message, ct, mail, parameters);
    }

    /// <summary>Sends a message to the smtp listener without a login; the id in the 250 reply.</summary>
    public async Task<string> SendAsync(string from, IEnumerable<string> to, string message, CancellationToken ct, string mail = "", string parameters = "")
    {
        await using var client = await LineClient.ConnectAsync(Smtp, ct);
        await client.ReplyAsync(ct);
        await Expect(client, "EHLO client.test", ct);
        return await TransactAsync(client, from, to, message, ct, mail, parameters);
    }

    static async Task<string> TransactAsync(LineClient client, string from, IEnumerable<string> to, string message, CancellationToken ct, string mail, string parameters)
    {
        await Expect(client, $"MAIL FROM:<{from}>{mail}", ct);
        foreach (var recipient in to) await Expect(client, $"RCPT TO:<{recipient}>{parameters}", ct);
        await Expect(client, "DATA", ct);
        var reply = await Expect(client, Stuffed(message) + ".", ct);
        await client.SendAsync("QUIT", ct);
        return reply.Split(' ')[^1];
    }

    /// <summary>The text as DATA takes it: CRLF, dots doubled (RFC 5321 §4.5.2). Its characters stand for octets.</summary>
    static string Stuffed(string message)
    {
        var lines = message.Replace("\r\n", "\n", StringComparison.Ordinal).TrimEnd('\n').Split('\n');
        return string.Concat(lines.Select(l => (l.StartsWith('.') ? "." : "") + l + "\r\n"));
    }

    static async Task<string> Expect(LineClient client, string command, CancellationToken ct)
    {
        var reply = await client.CommandAsync(command, ct);
        return reply[0] is '2' or '3' ? reply : throw new IOException($"{command.Split("\r\n")[0]}: {reply}");
    }

    /// <summary>Waits until the mailbox holds so many messages and reads them all.</summary>
    public async Task<IReadOnlyList<ReadMessage>> ReadAsync(string account, int count, CancellationToken ct, int seconds = 30)
    {
        for (var clock = Stopwatch.StartNew(); ;)
        {
            await using (var reader = await Pop3Reader.LoginAsync(Pop3, account, Password, ct))
            {
                if (await reader.CountAsync(ct) >= count || clock.Elapsed > TimeSpan.FromSeconds(seconds))
                {
                    var all = new List<ReadMessage>();
                    await foreach (var message in reader.AllAsync(ct)) all.Add(message);
                    await reader.QuitAsync(ct);
                    return all.Count >= count ? all : throw new TimeoutException($"{account} holds {all.Count} of {count} messages after {seconds} s\n{Server?.Tail}");
                }
                await reader.QuitAsync(ct);
            }
            await Task.Delay(100, ct);
        }
    }

    /// <summary>Waits until a mailbox holds a message with these words in it; all of them that do.</summary>
    public async Task<IReadOnlyList<ReadMessage>> FindAsync(string account, string words, CancellationToken ct, int seconds = 30)
    {
        for (var clock = Stopwatch.StartNew(); ;)
        {
            var found = (await ReadAsync(account, 0, ct)).Where(m => m.Text.Contains(words, StringComparison.Ordinal)).ToList();
            if (found.Count > 0) return found;
            if (clock.Elapsed > TimeSpan.FromSeconds(seconds)) throw new TimeoutException($"{account} holds no message with \"{words}\" after {seconds} s\n{Server?.Tail}");
            await Task.Delay(250, ct);
        }
    }

    /// <summary>Waits until nothing is in the queue any more.</summary>
    public async Task IdleAsync(CancellationToken ct, int seconds = 30)
    {
        for (var clock = Stopwatch.StartNew(); ;)
        {
            var list = await JsonAsync(["queue", "list"], ct);
            if (list["recipients"]!.AsArray().Count == 0) return;
            if (clock.Elapsed > TimeSpan.FromSeconds(seconds)) throw new TimeoutException($"after {seconds} s the queue still holds {list["recipients"]!.ToJsonString()}\n{Server?.Tail}");
            await Task.Delay(200, ct);
        }
    }

    /// <summary>The ids of the messages that a trace by address or Message-ID finds here.</summary>
    public async Task<IReadOnlyList<string>> TracesAsync(string what, CancellationToken ct) =>
        [.. (await JsonAsync(["trace", what], ct))["stories"]!.AsArray().Select(s => s!["id"]!.GetValue<string>())];

    /// <summary>The story of a message here: kind and detail of each event.</summary>
    public async Task<IReadOnlyList<(string Kind, JsonObject Detail)>> StoryAsync(string id, CancellationToken ct)
    {
        var stories = await JsonAsync(["trace", id], ct);
        return [.. Events(stories).Select(e => (e["kind"]!.GetValue<string>(), e["detail"]!.AsObject()))];
    }

    static IEnumerable<JsonNode> Events(JsonNode stories) =>
        stories is JsonObject o && o["events"] is JsonArray events ? events.Select(e => e!)
        : (stories is JsonArray a ? a : stories["stories"]!.AsArray()).SelectMany(s => s!["events"]!.AsArray()).Select(e => e!);

    /// <summary>Waits until the story tells an event of this kind.</summary>
    public async Task<JsonObject> EventAsync(string id, string kind, CancellationToken ct, int seconds = 30)
    {
        for (var clock = Stopwatch.StartNew(); ;)
        {
            var story = await StoryAsync(id, ct);
            foreach (var e in story)
                if (e.Kind == kind) return e.Detail;
            if (clock.Elapsed > TimeSpan.FromSeconds(seconds)) throw new TimeoutException($"{id}: no event \"{kind}\" in {seconds} s, only {string.Join(", ", story.Select(e => e.Kind))}\n{Server?.Tail}");
            await Task.Delay(200, ct);
        }
    }

    static JsonObject Listener(string protocol, IPEndPoint at) => new() { ["protocol"] = protocol, ["address"] = at.ToString(), ["plaintextLogin"] = "loopback" };

    public async ValueTask DisposeAsync()
    {
        if (Server is not null) await Server.DisposeAsync();
    }
}
