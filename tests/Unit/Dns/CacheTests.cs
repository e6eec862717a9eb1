using Posthorn.Dns;
using Posthorn.Tests.Testing.Dns;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Dns;

/// <summary>What is kept, for how long, and how much of it; and who waits for whom.</summary>
public sealed class CacheTests
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Asks every second and tells after how many the server was asked anew.</summary>
    static async Task<int> LifeAsync(ResolverRig rig, string name, DnsType type, int step = 1)
    {
        await rig.AskAsync(name, type);
        var before = rig.Server.Asked(name);
        for (var seconds = step; ; seconds += step)
        {
            rig.Clock.Advance(TimeSpan.FromSeconds(step));
            await rig.AskAsync(name, type);
            if (rig.Server.Asked(name) > before) return seconds;
        }
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(5, 5)]
    [InlineData(60, 60)]
    public async Task Records_hold_as_long_as_they_say_but_five_seconds(int ttl, int seconds)
    {
        await using var rig = new ResolverRig();
        rig.Server.Add("a.test", DnsType.A, "192.0.2.1", (uint)ttl).Add("a.test", DnsType.A, "192.0.2.2", 1000);
        (await LifeAsync(rig, "a.test", DnsType.A)).ShouldBe(seconds);
    }

    [Fact]
    public async Task Records_hold_a_day_at_most()
    {
        await using var rig = new ResolverRig();
        rig.Server.Add("a.test", DnsType.A, "192.0.2.1", 10_000_000);
        (await LifeAsync(rig, "a.test", DnsType.A, 3600)).ShouldBe(86_400);
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(120, 120)]
    [InlineData(100_000, 900)]
    [InlineData(null, 5)]
    public async Task Nothing_holds_as_the_SOA_says_in_bounds(int? minimum, int seconds)
    {
        await using var rig = new ResolverRig();
        rig.Server.NegativeTtl = (uint?)minimum;
        rig.Server.Add("a.test", DnsType.A, "192.0.2.1");
        (await LifeAsync(rig, "a.test", DnsType.Mx)).ShouldBe(seconds);
        (await LifeAsync(rig, "none.test", DnsType.Mx)).ShouldBe(seconds);
    }

    [Fact]
    public async Task Trouble_holds_three_seconds()
    {
        await using var rig = new ResolverRig();
        rig.Server.Fault = DnsFault.ServFail;
        (await LifeAsync(rig, "a.test", DnsType.Mx)).ShouldBe(3);
    }

    [Fact]
    public async Task Equal_questions_are_one()
    {
        await using var rig = new ResolverRig();
        rig.Server.Add("a.test", DnsType.A, "192.0.2.1");
        rig.Server.Fault = DnsFault.Slow;
        rig.Server.Delay = TimeSpan.FromSeconds(1);
        using var impatient = new CancellationTokenSource();
        var first = rig.Resolver.LookupAsync("a.test", DnsType.A, impatient.Token).AsTask();
        var others = Enumerable.Range(0, 50).Select(i => rig.AskAsync(i % 2 == 0 ? "A.test." : "a.TEST")).ToList();
        await rig.SeenAsync(1);
        await impatient.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(first);
        await rig.MoveUntilAsync(Task.WhenAll(others), TimeSpan.FromSeconds(1));
        (await Task.WhenAll(others)).ShouldAllBe(a => a.Found);
        rig.Server.Seen.Count.ShouldBe(1);
        await Should.ThrowAsync<OperationCanceledException>(() => rig.Resolver.LookupAsync("a.test", DnsType.A, new CancellationToken(true)).AsTask());
    }

    [Fact]
    public async Task Questions_in_flight_are_bounded_and_waiting_ends_with_the_budget()
    {
        await using var rig = new ResolverRig(1, o => o with { InFlight = 4 });
        rig.Server.Fault = DnsFault.Silence;
        var asked = Enumerable.Range(0, 20).Select(i => rig.AskAsync($"n{i}.test")).ToList();
        await rig.SeenAsync(4);
        await rig.MoveUntilAsync(Task.WhenAll(asked), TimeSpan.FromSeconds(3));
        rig.Server.Seen.Select(s => s.Name.ToLowerInvariant()).Distinct().Count().ShouldBe(4);
        var answers = await Task.WhenAll(asked);
        answers.ShouldAllBe(a => a.Status == DnsStatus.Temporary);
        rig.Server.Fault = DnsFault.None;
        (await rig.AskAsync("after.test")).Status.ShouldBe(DnsStatus.NoSuchDomain);
    }

    static DnsAnswer Answer(string name, int texts = 0) => new(DnsStatus.Found, [.. Enumerable.Range(0, texts).Select(_ => new DnsRecord.Txt(new string('x', 200), TimeSpan.Zero))], name, false, null);

    [Fact]
    public void A_million_names_take_no_more_room_than_the_bound()
    {
        var cache = new AnswerCache(10_000, 4 << 20);
        for (var i = 0; i < 1_000_000; i++)
        {
            var name = $"n{i}.example";
            cache.Keep(new(name, DnsType.Txt), Answer(name, i % 3), long.MaxValue);
            cache.Find(new("n0.example", DnsType.Txt), 0).ShouldNotBeNull(); // used all the time, so it stays
        }
        cache.Count.ShouldBeLessThanOrEqualTo(10_000);
        cache.Octets.ShouldBeLessThanOrEqualTo(4 << 20);
        cache.Octets.ShouldBeGreaterThan(3 << 20);
        cache.Find(new("n1.example", DnsType.Txt), 0).ShouldBeNull();
        cache.Find(new("n999999.example", DnsType.Txt), 0).ShouldNotBeNull();
    }

    [Fact]
    public void Giants_are_not_kept_and_what_is_replaced_counts_once()
    {
        var cache = new AnswerCache(100, 1 << 20);
        var giant = new DnsQuestion("giant.example", DnsType.Txt);
        cache.Keep(giant, Answer("giant.example", 200), long.MaxValue);
        cache.Find(giant, 0).ShouldBeNull();
        for (var i = 0; i < 50; i++) cache.Keep(new("a.example", DnsType.A), Answer("a.example", 1), 10);
        cache.Count.ShouldBe(1);
        cache.Find(new("a.example", DnsType.A), 9).ShouldNotBeNull();
        cache.Find(new("a.example", DnsType.A), 10).ShouldBeNull();
        (cache.Count, cache.Octets).ShouldBe((0, 0L));
    }

    [Fact]
    public async Task The_table_resolver_answers_as_the_real_one_does()
    {
        var time = new Posthorn.Tests.Testing.Time.FakeTimeProvider();
        var table = new FakeResolver(time);
        table.Mx("a.test", (10, "MX.a.test"));
        table.Host("mx.a.test", "192.0.2.1", "2001:db8::1");
        table.Cname("b.test", "a.test");
        table.Set("broken.test", DnsType.Mx, DnsStatus.Temporary);
        (await table.LookupAsync("A.test.", DnsType.Mx, Ct)).Records.ShouldBe([new DnsRecord.Mx(10, "mx.a.test", FakeResolver.Ttl)]);
        (await table.LookupAsync("b.test", DnsType.Mx, Ct)).Name.ShouldBe("a.test");
        (await table.LookupAsync("mx.a.test", DnsType.Aaaa, Ct)).Records.Count.ShouldBe(1);
        (await table.LookupAsync("a.test", DnsType.Txt, Ct)).Status.ShouldBe(DnsStatus.NoData);
        (await table.LookupAsync("c.test", DnsType.Txt, Ct)).Status.ShouldBe(DnsStatus.NoSuchDomain);
        (await table.LookupAsync("broken.test", DnsType.Mx, Ct)).Status.ShouldBe(DnsStatus.Temporary);
        table.Asked("a.test", DnsType.Mx).ShouldBe(1);
        table.Questions.ShouldBe(6);
        table.Everything = DnsStatus.Bogus;
        table.Delay = TimeSpan.FromSeconds(5);
        var slow = table.LookupAsync("a.test", DnsType.Mx, Ct).AsTask();
        slow.IsCompleted.ShouldBeFalse();
        time.Advance(TimeSpan.FromSeconds(5));
        (await slow).Status.ShouldBe(DnsStatus.Bogus);
        table.Everything = null;
        table.Delay = TimeSpan.Zero;
        table.Remove("a.test");
        (await table.LookupAsync("b.test", DnsType.Mx, Ct)).Status.ShouldBe(DnsStatus.NoSuchDomain);
    }
}
