using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Storage;
using Posthorn.Storage.Events;
using Posthorn.Storage.Queue;

namespace Posthorn.Tests.Chaos;

/// <summary>
/// Promise 16: a long queue stays cheap. <c>CHAOS_QUEUED=1000000</c> for the figure's own number; <c>CHAOS_POSTGRES</c> names a database, empty and not the embedded one. Each question is asked some
/// times and its best answer counts, so that what else the machine does has no say.
/// </summary>
public sealed class LongQueue(ITestOutputHelper output)
{
    const int Domains = 1000, Batch = 500;

    static readonly QueueLease Lease = new("node/1", new(2026, 1, 1, 12, 5, 0, TimeSpan.Zero), new(2026, 1, 1, 12, 15, 0, TimeSpan.Zero));

    readonly int _count = int.TryParse(Environment.GetEnvironmentVariable("CHAOS_QUEUED"), NumberStyles.None, CultureInfo.InvariantCulture, out var set) ? set : 50_000;

    [Fact]
    public async Task Costs_the_same_whatever_its_length()
    {
        var root = Path.Combine(Path.GetTempPath(), "posthorn-long-" + Guid.NewGuid().ToString("N")[..8]);
        try
        {
            var options = new StoreOptions { Directory = root, Postgres = Environment.GetEnvironmentVariable("CHAOS_POSTGRES") };
            double empty;
            await using (var store = await MailStore.OpenAsync(options, TimeProvider.System, NullLogger.Instance))
            {
                await AddAsync(store, 2000);
                await EndAllAsync(store);
                empty = await RateAsync(store);
                await EndAllAsync(store);
                var load = Stopwatch.StartNew();
                await AddAsync(store, _count);
                output.WriteLine($"{_count} queued in {load.Elapsed.TotalSeconds:0.0} s");
            }
            if (options.Postgres is null)
                output.WriteLine($"meta.db {new FileInfo(Path.Combine(root, "meta.db")).Length >> 20} MB");
            var before = Resident();
            var open = Stopwatch.StartNew();
            await using (var store = await MailStore.OpenAsync(options, TimeProvider.System, NullLogger.Instance))
            {
                Assert.Equal(_count, store.Read(static u => u.Queue.Count()).Recipients);
                output.WriteLine($"opened and counted in {open.Elapsed.TotalMilliseconds:0} ms");
                Assert.True(open.Elapsed < TimeSpan.FromSeconds(5));
                var now = DateTimeOffset.UtcNow;
                var page = Best("first page of 500", 5, () => store.Read(u => u.Queue.Waiting(true, default, now, 500)));
                Assert.Equal(Batch, page.Count);
                var at = new QueuePosition(page[^1].Due, page[^1].Id);
                Best("next page of 500", 5, () => store.Read(u => u.Queue.Waiting(true, at, now, 500)));
                Best("page of 500 of a domain", 5, () => store.Read(u => u.Queue.WaitingFor("d7.test", true, default, now, 500)));
                Best("next due", 5, () => store.Read(u => u.Queue.NextDue(default)));
                Best("abandoned", 5, () => store.Read(u => u.Queue.Abandoned("node/2", now, 500)));
                output.WriteLine($"memory of the process +{Resident() - before >> 20} MB");

                var long100 = Stopwatch.StartNew();
                var claimed = await store.WriteAsync(u => u.Queue.Claim([.. page.Take(100).Select(p => p.Id)], Lease));
                output.WriteLine($"claim of 100: {long100.Elapsed.TotalMilliseconds:0.0} ms");
                Assert.Equal(100, claimed.Count);
                Best("list by pattern, nothing found", 60_000, () => store.Read(static u => u.Queue.List(new(Address: "nobody*"), 0, 100)));
                Best("list of a domain", 60_000, () => store.Read(static u => u.Queue.List(new(Domain: "d7.test"), 0, 100)));
                Best("list of a sender that has nothing", 60_000, () => store.Read(static u => u.Queue.List(new(Sender: "nobody@x.test"), 0, 100)));
                Best("held, nothing found", 60_000, () => store.Read(static u => u.Queue.List(new(State: RecipientState.Held), 0, 100)));
                Best("ages", 60_000, () => store.Read(u => u.Queue.Ages(now, 20)));
                Best("traces of an address", 60_000, () => store.Read(static u => u.Queue.Traces("u77@d7.test", 10)));
                Best("traces of an unknown one", 60_000, () => store.Read(static u => u.Queue.Traces("nobody@x.test", 10)));
                var hold = Stopwatch.StartNew();
                var held = await store.WriteAsync(static u => u.Queue.Hold(new(Domain: "d7.test"), 500));
                output.WriteLine($"hold of {held.Count} of a domain: {hold.Elapsed.TotalMilliseconds:0} ms");
                hold.Restart();
                held = await store.WriteAsync(static u => u.Queue.Drop(new(Sender: "s7@sender.test"), 100));
                output.WriteLine($"drop of {held.Count} of a sender: {hold.Elapsed.TotalMilliseconds:0} ms");
                hold.Restart();
                held = await store.WriteAsync(static u => u.Queue.Drop(new(Address: "*99@d99*"), 100));
                output.WriteLine($"drop of {held.Count} by pattern: {hold.Elapsed.TotalMilliseconds:0} ms");
                var full = await RateAsync(store);
                output.WriteLine($"first attempts: {empty:0}/s with an empty queue, {full:0}/s with this one");
                output.WriteLine($"memory of the process +{Resident() - before >> 20} MB");
                Assert.True(Resident() - before < 100 << 20);
            }
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    /// <summary>Queues messages of one body and one recipient each, due in the past, and an event for each.</summary>
    static async Task AddAsync(MailStore store, int count)
    {
        await using var blob = store.NewBlob();
        blob.Write("Subject: one of many\r\n\r\nbody\r\n"u8);
        await blob.SealAsync();
        var prefix = new byte[300];
        for (var done = 0; done < count; done += Batch)
        {
            var from = done;
            var traces = Enumerable.Range(0, Math.Min(Batch, count - done)).Select(_ => store.NewTraceId()).ToList();
            await store.WriteAsync(u =>
            {
                for (var i = 0; i < traces.Count; i++)
                {
                    var n = from + i;
                    var to = $"u{n}@d{n % Domains}.test";
                    u.Queue.Add(new NewQueued(traces[i], $"s{n % 5000}@sender.test", u.Store(blob), prefix, 0, "7BIT", false, null, null,
                        DateTimeOffset.UnixEpoch.AddSeconds(n), [new(to, to, null, null)]));
                    u.Events.Add(traces[i], EventKind.Queued, 0, $$"""{"to":"{{to}}","address":"{{to}}"}""");
                }
                return 0;
            });
        }
    }

    /// <summary>Messages that are queued with a lease and delivered, by 50 at once, in a second.</summary>
    static async Task<double> RateAsync(MailStore store)
    {
        const int each = 60, at = 50;
        var best = 0.0;
        for (var round = 0; round < 3; round++)
        {
            var clock = Stopwatch.StartNew();
            await Task.WhenAll(Enumerable.Range(0, at).Select(n => Task.Run(async () =>
            {
                for (var i = 0; i < each; i++)
                {
                    await using var blob = store.NewBlob();
                    blob.Write(BitConverter.GetBytes(Random.Shared.NextInt64()));
                    await blob.SealAsync();
                    var trace = store.NewTraceId();
                    var leased = await store.WriteAsync(u => u.Queue.LeasedOf(u.Queue.Add(new NewQueued(trace, "s@sender.test", u.Store(blob), new byte[300], 0, "7BIT",
                        false, null, null, DateTimeOffset.UtcNow, [new("to@far.test", "to@far.test", null, null, RecipientState.Leased)], Lease: Lease)), Lease.Owner));
                    await store.WriteAsync(u => u.Queue.Deliver(leased[0], "250 2.0.0 Ok"));
                }
            })));
            best = Math.Max(best, at * each / clock.Elapsed.TotalSeconds);
        }
        return best;
    }

    static async Task EndAllAsync(MailStore store)
    {
        while ((await store.WriteAsync(static u => u.Queue.Drop(new QueueFilter(), 1000))).Count > 0)
        {
        }
        while (await store.WriteAsync(static u => u.Queue.Forget(DateTimeOffset.MaxValue, 1000)) > 0)
        {
        }
    }

    /// <summary>Asks some times; the best time is written down and must not be over so many milliseconds.</summary>
    T Best<T>(string what, double most, Func<T> ask)
    {
        var (best, answer) = (double.MaxValue, ask());
        for (var i = 0; i < (most > 1000 ? 2 : 20); i++)
        {
            var clock = Stopwatch.StartNew();
            answer = ask();
            best = Math.Min(best, clock.Elapsed.TotalMilliseconds);
        }
        output.WriteLine($"{what}: {best:0.00} ms");
        Assert.True(best <= most, $"{what}: {best} ms");
        return answer;
    }

    static long Resident()
    {
        GC.Collect();
        using var self = Process.GetCurrentProcess();
        return self.WorkingSet64;
    }
}
