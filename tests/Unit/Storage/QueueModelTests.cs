using FsCheck;
using FsCheck.Fluent;
using Posthorn.Storage;
using Posthorn.Storage.Queue;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

/// <summary>Random operations, also with leases that were lost, against a dictionary: after each the queue is what the dictionary says.</summary>
public class QueueModelTests
{
    static readonly string[] Owners = ["one/1", "two/1"];
    static readonly string[] Domains = ["a.test", "b.test"];

    /// <summary>A recipient as the model knows it.</summary>
    sealed class Entry
    {
        public required long Message { get; init; }
        public required string Domain { get; init; }
        public RecipientState State { get; set; }
        public int Attempts { get; set; }
        public long Generation { get; set; }
        public string? Owner { get; set; }
        public string? Via { get; set; }
        public bool Later { get; set; }
        public bool Told { get; set; }
        public bool Open => State is RecipientState.Due or RecipientState.Leased or RecipientState.Held;
        public bool Waits => State is RecipientState.Due or RecipientState.Held;

        /// <summary>True when a result under this lease counts.</summary>
        public bool Is(LeasedRecipient lease) => State == RecipientState.Leased && Owner == lease.Owner && Generation == lease.Generation;
    }

    /// <summary>All is undone after each run, so that one store serves all.</summary>
    sealed class Undone : Exception;

    [Fact]
    public async Task The_queue_is_what_a_dictionary_says()
    {
        await using var rig = await StoreRig.OpenAsync();
        await using var blob = rig.Store.NewBlob();
        blob.Write("body"u8);
        await blob.SealAsync();
        var steps = Gen.Choose(0, 1 << 20).ListOf().Resize(60);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(200), Prop.ForAll(steps.ToArbitrary(), list =>
        {
            var undone = rig.Store.WriteAsync<int>(u =>
            {
                var run = new Run(u, blob, rig.Clock);
                foreach (var step in list)
                    run.Do(step);
                throw new Undone();
            }).AsTask();
            Should.ThrowAsync<Undone>(undone).GetAwaiter().GetResult();
        }));
    }

    sealed class Run(WriteUnit u, BlobWriter blob, TimeProvider clock)
    {
        readonly Dictionary<long, Entry> _model = [];
        readonly List<LeasedRecipient> _leases = [];
        readonly HashSet<long> _messages = [];
        int _rest;

        /// <summary>Takes a choice out of the step's number.</summary>
        int Choose(int among)
        {
            (_rest, var pick) = Math.DivRem(_rest, among);
            return pick;
        }

        QueueLease Lease() => new(Owners[Choose(2)], clock.GetUtcNow().AddMinutes(5), clock.GetUtcNow().AddHours(1));

        public void Do(int step)
        {
            _rest = step;
            switch (Choose(14))
            {
                case 0 or 1: Add(); break;
                case 2 or 3: Claim(); break;
                case 4: Result(l => u.Queue.Deliver(l, "250"), e => e.State = RecipientState.Delivered); break;
                case 5: Result(l => u.Queue.Fail(l, "550"), e => e.State = RecipientState.Failed); break;
                case 6: Defer(); break;
                case 7: Result(l => u.Queue.Hold(l, "hold"), e => e.State = RecipientState.Held); break;
                case 8: Result(l => u.Queue.GiveBack(l), e => (e.State, e.Attempts, e.Later) = (RecipientState.Due, e.Attempts - 1, false)); break;
                case 9: Operate(u.Queue.Retry, e => e.State == RecipientState.Due && e.Later, e => e.Later = false); break;
                case 10: Operate(u.Queue.Hold, e => e.State == RecipientState.Due, e => e.State = RecipientState.Held); break;
                case 11: Operate(u.Queue.Release, e => e.State == RecipientState.Held, e => (e.State, e.Later) = (RecipientState.Due, false)); break;
                case 12: RerouteOrDrop(); break;
                case 13: BounceOrForget(); break;
            }
            Compare();
        }

        void Add()
        {
            var lease = Lease();
            var recipients = Enumerable.Range(0, 1 + Choose(3)).Select(i => new NewRecipient($"u{i}@{Domains[Choose(2)]}", "u", null, null, (RecipientState)(1 + Choose(3)))).ToList();
            var id = u.Queue.Add(new NewQueued(new(_messages.Count + 1), "s@x.test", u.Store(blob), [], 0, "7BIT", false, null, null, clock.GetUtcNow(), recipients, Lease: lease));
            _messages.Add(id).ShouldBeTrue();
            var rows = u.Queue.List(new(Trace: new(_messages.Count), Open: null), 0, 10);
            rows.Select(r => (r.Address, r.State)).ShouldBe(recipients.Select(r => (r.Address, r.State)));
            foreach (var row in rows)
            {
                var leased = row.State == RecipientState.Leased;
                _model.Add(row.Id, new() { Message = id, Domain = row.Address[3..], State = row.State, Attempts = leased ? 1 : 0, Generation = leased ? 1 : 0, Owner = leased ? lease.Owner : null, Later = leased });
            }
            _leases.AddRange(u.Queue.LeasedOf(id, lease.Owner));
        }

        void Claim()
        {
            var lease = Lease();
            var ids = _model.Keys.Where(_ => Choose(2) == 0).Append(4711).ToList();
            Claimed(u.Queue.Claim(ids, lease), [.. ids.Where(i => _model.TryGetValue(i, out var e) && e.State == RecipientState.Due)], lease);
        }

        void Claimed(IReadOnlyList<LeasedRecipient> claimed, List<long> expected, QueueLease lease)
        {
            claimed.Select(c => c.Id).ShouldBe(expected, ignoreOrder: true);
            foreach (var one in claimed)
            {
                var entry = _model[one.Id];
                (entry.State, entry.Owner, entry.Later) = (RecipientState.Leased, lease.Owner, true);
                (one.Attempts, one.Generation, one.Owner, one.Via, one.DelayTold is not null).ShouldBe((++entry.Attempts, ++entry.Generation, lease.Owner, entry.Via, entry.Told));
            }
            _leases.AddRange(claimed);
        }

        void Result(Func<LeasedRecipient, bool> result, Action<Entry> change)
        {
            if (_leases.Count == 0)
                return;
            var lease = _leases[Choose(_leases.Count)];
            var entry = _model.GetValueOrDefault(lease.Id);
            var counts = entry?.Is(lease) == true;
            u.Queue.Renew([lease], clock.GetUtcNow().AddMinutes(9)).ShouldBe(counts ? [lease.Id] : []);
            result(lease).ShouldBe(counts);
            if (counts)
                change(entry!);
        }

        void Defer()
        {
            var (later, told) = (Choose(2) == 0, Choose(2) == 0);
            Result(l => u.Queue.Defer(l, clock.GetUtcNow().AddHours(later ? 1 : 0), "450", told), e => (e.State, e.Later, e.Told) = (RecipientState.Due, later, e.Told || told));
        }

        (QueueFilter Filter, Func<Entry, bool> Fits) Filter() => Choose(4) switch
        {
            0 => (new(Domain: Domains[0]), static e => e.Domain == Domains[0]),
            1 => (new(Domain: "B*"), static e => e.Domain == Domains[1]),
            2 => (new(Sender: "S@x.test"), static _ => true),
            _ => (new(Trace: new(1)), e => e.Message == _messages.Min()),
        };

        void Operate(Func<QueueFilter, int, IReadOnlyList<QueuedRecipient>> operation, Func<Entry, bool> meant, Action<Entry> change)
        {
            if (_messages.Count == 0)
                return;
            var (filter, fits) = Filter();
            var expected = _model.Where(e => fits(e.Value) && meant(e.Value)).ToList();
            operation(filter, 1000).Select(r => r.Id).ShouldBe(expected.Select(e => e.Key), ignoreOrder: true);
            foreach (var (_, entry) in expected)
                change(entry);
        }

        void RerouteOrDrop()
        {
            var via = Choose(2) == 0 ? "discard" : null;
            if (Choose(2) == 0)
                Operate((f, most) => u.Queue.Reroute(f, via, most), e => e.Waits && e.Via != via, e => e.Via = via);
            else
                Operate(u.Queue.Drop, e => e.Waits, e => e.State = RecipientState.Dropped);
        }

        void BounceOrForget()
        {
            if (Choose(2) == 0)
            {
                var lease = Lease();
                var expected = _model.Where(e => e.Value.Waits && e.Value.Domain == Domains[0]).Select(e => e.Key).ToList();
                Claimed(u.Queue.ClaimToBounce(new(Domain: Domains[0]), lease, 1000), expected, lease);
                return;
            }
            var over = _messages.Where(m => _model.Values.All(e => e.Message != m || !e.Open)).ToList();
            u.Queue.Forget(clock.GetUtcNow().AddSeconds(1), 1000).ShouldBe(over.Count(m => _model.Values.Any(e => e.Message == m)));
            foreach (var id in _model.Where(e => over.Contains(e.Value.Message)).Select(e => e.Key).ToList())
                _model.Remove(id);
        }

        void Compare()
        {
            var now = clock.GetUtcNow();
            u.Queue.List(new(Open: null), 0, 1000).Select(r => (r.Id, r.State, r.Attempts, r.Via, r.Finished is null))
                .ShouldBe(_model.OrderBy(e => e.Key).Select(e => (e.Key, e.Value.State, e.Value.Attempts, e.Value.Via, e.Value.Open)));
            foreach (var fresh in new[] { true, false })
            {
                bool Meant(Entry e) => e.State == RecipientState.Due && !e.Later && e.Attempts == 0 == fresh;
                u.Queue.Waiting(fresh, default, now, 1000).Select(w => w.Id).ShouldBe(_model.Where(e => Meant(e.Value)).Select(e => e.Key), ignoreOrder: true);
                foreach (var domain in Domains)
                    u.Queue.WaitingFor(domain, fresh, default, now, 1000).Select(w => w.Id)
                        .ShouldBe(_model.Where(e => Meant(e.Value) && e.Value.Domain == domain).Select(e => e.Key), ignoreOrder: true);
            }
            var open = _messages.Where(m => _model.Values.Any(e => e.Message == m && e.Open)).ToList();
            foreach (var message in _messages)
                (u.Queue.Message(message) is not null).ShouldBe(open.Contains(message));
            u.Queue.Count().ShouldBe((open.Count, _model.Values.Count(e => e.Open)));
            u.Blobs.After(0).Sum(b => b.References).ShouldBe(open.Count);
        }
    }
}
