using System.Diagnostics;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Chaos;

/// <summary>A configured server, the ledger of what it promised, and the judge that compares both.</summary>
sealed class ChaosRig : IAsyncDisposable
{
    public static readonly string[] Users = ["u1", "u2", "u3", "u4"];

    readonly string _directory = Directory.CreateTempSubdirectory("posthorn-chaos-").FullName;
    int _serial;

    /// <param name="data">The data directory when it lies elsewhere.</param>
    public ChaosRig(string? data = null, bool trustLoopback = true)
    {
        Installation = new Installation(_directory, data ?? Path.Combine(_directory, "data"), Ports.FreeBase()) { TrustLoopback = trustLoopback };
        // The load comes from one address: what is tested here is the store, not the limits (ResourceFloods does that).
        Installation.Sections["limits"] = new System.Text.Json.Nodes.JsonObject
        {
            ["connectionsPerAddress"] = 1000,
            ["connectionsPerNetwork"] = 1000,
            ["connectionRate"] = 100_000,
            ["messageSize"] = 1 << 20,
            ["drain"] = "20 s",
        };
        Ledger = new Ledger(Path.Combine(_directory, "ledger"));
    }

    public Installation Installation { get; }
    public Ledger Ledger { get; }
    public ServerProcess? Server { get; private set; }

    public int NextSerial() => Interlocked.Increment(ref _serial);

    public Task CreateAsync(CancellationToken ct) => Installation.CreateAsync(Users, ct);

    /// <summary>Starts the server on the same data again.</summary>
    public async Task<ServerProcess> StartAsync(CancellationToken ct, IEnumerable<string>? wrapper = null)
    {
        if (Server is not null) await Server.DisposeAsync();
        return Server = await Installation.StartAsync(ct, wrapper);
    }

    /// <summary>
    /// Reads every mailbox and compares with the ledger; throws a list of all that is wrong. Afterwards it deletes what it
    /// read except every twentieth message, so that rounds stay quick and deletions are put to the test as well.
    /// </summary>
    public async Task JudgeAsync(string when, CancellationToken ct)
    {
        var faults = new List<string>();
        foreach (var user in Users) await JudgeAsync(user, faults, ct);
        if (faults.Count > 0)
            Assert.Fail($"{when}: {faults.Count} faults\n{string.Join('\n', faults.Take(40))}\nledger {Path.Combine(_directory, "ledger")}\n--- server\n{Server?.Tail}");
    }

    async Task JudgeAsync(string user, List<string> faults, CancellationToken ct)
    {
        await using var reader = await LoginAsync(user, ct);
        var seen = new Dictionary<string, int>();
        var delete = new List<(int Number, string Id)>();
        await foreach (var message in reader.AllAsync(ct))
        {
            var (id, fault) = ChaosMessage.Check(message.Octets);
            if (id is null || fault is not null) faults.Add($"{user}: message {id ?? message.Uid}: {fault}");
            if (id is null) continue;
            if (!seen.TryAdd(id, message.Number)) faults.Add($"{user}: {id} is there twice");
            if (Ledger.Taken.ContainsKey((user, id))) faults.Add($"{user}: {id} was deleted and came back");
            if (Ledger.Never.TryGetValue(id, out var why)) faults.Add($"{user}: {id} should not be there ({why})");
            else if (!Ledger.Acked.ContainsKey((user, id)) && !Ledger.Unanswered.ContainsKey(id)) faults.Add($"{user}: {id} is there and was never sent to it");
            if (Ledger.Uids.GetOrAdd((user, message.Uid), id) is var other && other != id) faults.Add($"{user}: unique id {message.Uid} was {other} and is now {id}");
            if (Math.Abs(id.GetHashCode(StringComparison.Ordinal)) % 20 != 0) delete.Add((message.Number, id));
        }
        foreach (var ((mailbox, id), at) in Ledger.Acked)
            if (mailbox == user && !seen.ContainsKey(id) && !Ledger.Taken.ContainsKey((user, id)) && !Ledger.PerhapsTaken.ContainsKey((user, id)))
                faults.Add($"{user}: {id}, acknowledged at {at:HH:mm:ss.fff}, is lost");
        // What came back although its deletion was unsure is simply there; what did not come back is gone for good.
        foreach (var (mailbox, id) in Ledger.PerhapsTaken.Keys)
            if (mailbox == user && Ledger.PerhapsTaken.TryRemove((mailbox, id), out _) && !seen.ContainsKey(id)) Ledger.Taken[(mailbox, id)] = true;
        await reader.DeleteAsync([.. delete.Select(d => d.Number)], ct);
        await reader.QuitAsync(ct);
        foreach (var (_, id) in delete) Ledger.Take(user, id);
    }

    /// <summary>Logs in, waiting a little while an older session still holds the mailbox.</summary>
    async Task<Pop3Reader> LoginAsync(string user, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return await Pop3Reader.LoginAsync(Installation.Pop3, user + "@example.test", Installation.Password, ct);
            }
            catch (IOException e) when (e.Message.Contains("[IN-USE]", StringComparison.Ordinal) && clock.Elapsed < TimeSpan.FromSeconds(10))
            {
                await Task.Delay(50, ct);
            }
        }
    }

    /// <summary>The store's own check finds nothing; works beside a running server and without one.</summary>
    public async Task VerifyStoreAsync(CancellationToken ct)
    {
        var result = await ServerProcess.RunVerbAsync(["store", "verify", "--config", Installation.ConfigFile, "--json"], ct, seconds: 60);
        Assert.True(result.ExitCode == 0, result.Told);
    }

    /// <summary>Sends one small message; the final reply.</summary>
    public async Task<string> SendOneAsync(CancellationToken ct)
    {
        var id = $"one-{NextSerial()}";
        await using var client = await LineClient.ConnectAsync(Ports.Loopback(Installation.Smtp), ct);
        await client.ReplyAsync(ct);
        await client.CommandAsync("EHLO load.test", ct);
        foreach (var command in new[] { "MAIL FROM:<one@load.test>", $"RCPT TO:<{Users[3]}@example.test>", "DATA" })
            if (await client.CommandAsync(command, ct) is var reply && reply[0] is not ('2' or '3')) return reply;
        await client.WriteAsync(ChaosMessage.Make(id, "one@load.test", 2000, new Random(1)), ct);
        Ledger.Unanswered[id] = true;
        var final = await client.CommandAsync(".", ct);
        Ledger.Unanswered.TryRemove(id, out _);
        if (final.StartsWith("250 ", StringComparison.Ordinal)) Ledger.Ack(Users[3], id);
        else Ledger.Never[id] = final;
        return final;
    }

    public async ValueTask DisposeAsync()
    {
        if (Server is not null) await Server.DisposeAsync();
        await Ledger.DisposeAsync();
        // The ledger of a failed run is evidence.
        if (TestContext.Current.TestState?.Result != TestResult.Failed) Directory.Delete(_directory, recursive: true);
    }
}
