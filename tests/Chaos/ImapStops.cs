using System.Globalization;
using System.Text.Json.Nodes;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Chaos;

/// <summary>Promises 1, 20 and 21 for IMAP: what eight clients were told holds after a kill, and no number goes back.</summary>
public sealed class ImapStops
{
    const int Clients = 8;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    [Fact]
    public async Task Kill_9_in_the_middle_of_commands_keeps_what_was_answered_and_no_number_goes_back()
    {
        var kills = Setting("CHAOS_IMAP_KILLS", 10);
        var seed = Setting("CHAOS_SEED", Environment.ProcessId);
        TestContext.Current.SendDiagnosticMessage($"CHAOS_SEED={seed}");
        var random = new Random(seed);
        await using var rig = new ChaosRig();
        var port = rig.Installation.Pop3 - 110 + 143;
        rig.Installation.Sections["listeners"] = new JsonArray(
            Listener("smtp", rig.Installation.Smtp), Listener("pop3", rig.Installation.Pop3), Listener("imap", port));
        await rig.CreateAsync(Ct);
        await rig.StartAsync(Ct);
        var writers = new FlagWriters(port, ChaosRig.Users[0] + "@example.test");
        var before = await writers.LookAsync(Ct);
        for (var kill = 1; kill <= kills; kill++)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
            var at = writers.Acknowledged;
            // Each client has every eighth message, so that it knows alone what becomes of it.
            var running = Enumerable.Range(0, Clients)
                .Select(n => writers.RunAsync(n, [.. before.Messages.Keys.Where(uid => uid % Clients == n)], new Random(random.Next()), stop.Token)).ToArray();
            var wanted = at + 20 + random.Next(200);
            while (writers.Acknowledged < wanted && !Array.Exists(running, static r => r.IsCompleted)) await Task.Delay(5, Ct);
            await rig.Server!.KillAsync();
            await stop.CancelAsync();
            await Task.WhenAll(running);
            Assert.True(writers.Acknowledged >= wanted, $"a client ended early\n{rig.Server.Tail}");
            await rig.StartAsync(Ct);
            var after = await writers.LookAsync(Ct);
            var faults = Judge(writers, before, after).ToList();
            Assert.True(faults.Count == 0, $"seed {seed}, kill {kill}: {faults.Count} faults\n{string.Join('\n', faults.Take(40))}\n--- server\n{rig.Server.Tail}");
            writers.TakeOver(after);
            before = after;
        }
        await rig.Server!.KillAsync();
        await rig.VerifyStoreAsync(Ct);
        TestContext.Current.TestOutputHelper?.WriteLine($"{kills} kills, {writers.Acknowledged} commands acknowledged, {writers.There.Count} messages there, {writers.Gone.Count} gone");
    }

    static IEnumerable<string> Judge(FlagWriters writers, ImapState before, ImapState after)
    {
        if (after.UidValidity != before.UidValidity) yield return $"UIDVALIDITY was {before.UidValidity} and is {after.UidValidity}";
        if (after.UidNext < before.UidNext) yield return $"UIDNEXT went back from {before.UidNext} to {after.UidNext}";
        if (after.HighestModSeq < writers.HighestTold) yield return $"HIGHESTMODSEQ is {after.HighestModSeq}, and {writers.HighestTold} had been told";
        foreach (var (uid, (id, flags)) in writers.There)
        {
            var open = writers.Open.TryGetValue(uid, out var perhaps);
            if (!after.Messages.TryGetValue(uid, out var message))
            {
                if (!open || perhaps is not null) yield return $"UID {uid} ({id}), acknowledged, is lost";
                continue;
            }
            if (message.Id != id) yield return $"UID {uid} was {id} and is {message.Id}";
            if (message.Flags != flags && !(open && perhaps == message.Flags)) yield return $"UID {uid} has ({message.Flags}), acknowledged were ({flags})";
            if (before.Messages.TryGetValue(uid, out var was) && message.ModSeq < was.ModSeq) yield return $"MODSEQ of UID {uid} went back from {was.ModSeq} to {message.ModSeq}";
            if (was.ModSeq != message.ModSeq && message.ModSeq <= before.HighestModSeq) yield return $"MODSEQ {message.ModSeq} of UID {uid} is not new";
        }
        foreach (var uid in writers.Gone.Keys)
            if (after.Messages.ContainsKey(uid)) yield return $"UID {uid} was removed, with an answer, and is there";
        foreach (var uid in after.Messages.Keys)
            if (uid >= after.UidNext) yield return $"UID {uid} is not below UIDNEXT {after.UidNext}";
            else if (!writers.There.ContainsKey(uid) && uid < before.UidNext) yield return $"UID {uid} came from nowhere";
        foreach (var twice in after.Messages.GroupBy(static m => m.Value.Id).Where(static g => g.Count() > 1)) yield return $"{twice.Key} is there twice";
    }

    static JsonObject Listener(string protocol, int port) => new() { ["protocol"] = protocol, ["address"] = $"127.0.0.1:{port}", ["plaintextLogin"] = "loopback" };
}
