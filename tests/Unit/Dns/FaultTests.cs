using Posthorn.Dns;
using Posthorn.Tests.Testing.Dns;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Dns;

/// <summary>Servers that are down, slow, broken or lying: nothing but an answer that fits the question says that a name is not there.</summary>
public sealed class FaultTests
{
    /// <summary>Trouble of the DNS is temporary trouble, within the budget, and the reason says whose.</summary>
    [Theory]
    [InlineData(DnsFault.Silence, "did not answer within 9 s")]
    [InlineData(DnsFault.WrongId, "did not answer within 9 s")]
    [InlineData(DnsFault.WrongQuestion, "did not answer within 9 s")]
    [InlineData(DnsFault.ServFail, "could not find it out (SERVFAIL)")]
    [InlineData(DnsFault.Refused, "refuses to answer (REFUSED)")]
    [InlineData(DnsFault.Garbage, "sends broken answers")]
    [InlineData(DnsFault.Referral, "is no resolver: it only points to other servers")]
    [InlineData(DnsFault.Truncated | DnsFault.TcpClosed, "closes the connection without an answer")]
    [InlineData(DnsFault.Truncated | DnsFault.TcpStalls, "does not answer over TCP within 5 s")]
    [InlineData(DnsFault.Flood | DnsFault.WrongId, "sends broken answers")]
    public async Task One_bad_server(DnsFault fault, string reason)
    {
        var stalls = fault.HasFlag(DnsFault.TcpStalls);
        await using var rig = new ResolverRig(1, o => stalls ? o with { Budget = TimeSpan.FromHours(10) } : o);
        rig.Server.Add("a.test", DnsType.A, "192.0.2.1");
        rig.Server.Fault = fault;
        foreach (var name in new[] { "a.test", "b.test" })
        {
            var seen = rig.Server.Seen.Count;
            var timers = rig.Clock.Timers;
            var asked = rig.AskAsync(name);
            await rig.SeenAsync(seen + 1);
            // A server may have seen the question before the asker waits for its answer.
            if (reason.EndsWith(" 9 s", StringComparison.Ordinal)) await ResolverRig.UntilAsync(() => rig.Clock.Timers > timers);
            // Only silence needs the clock, and no more of it than the budget.
            if (reason.EndsWith(" 9 s", StringComparison.Ordinal)) rig.Clock.Advance(TimeSpan.FromSeconds(9));
            var answer = await (stalls ? rig.MovingAsync(asked) : ResolverRig.SoonAsync(asked));
            answer.Status.ShouldBe(DnsStatus.Temporary, answer.Reason);
            answer.Unknown.ShouldBeTrue();
            answer.Reason.ShouldBe($"{rig.Server.EndPoint} {reason}");
        }
    }

    [Theory]
    [InlineData(DnsFault.Silence)]
    [InlineData(DnsFault.WrongId)]
    [InlineData(DnsFault.ServFail)]
    [InlineData(DnsFault.Refused)]
    [InlineData(DnsFault.Garbage)]
    [InlineData(DnsFault.Referral)]
    [InlineData(DnsFault.Truncated | DnsFault.TcpClosed)]
    [InlineData(DnsFault.Truncated | DnsFault.TcpStalls)]
    public async Task One_bad_server_and_a_good_one(DnsFault fault)
    {
        await using var rig = new ResolverRig(2, ResolverRig.Unhurried);
        rig.Servers[1].Add("a.test", DnsType.A, "192.0.2.1");
        rig.Server.Fault = fault;
        var answer = await rig.MovingAsync(rig.AskAsync("a.test"));
        answer.Found.ShouldBeTrue(answer.Reason);
        answer.Server.ShouldBe(rig.Servers[1].EndPoint);
    }

    [Theory]
    [InlineData(DnsFault.LowerCase, true)]
    [InlineData(DnsFault.Truncated, true)]
    [InlineData(DnsFault.Flood, true)]
    [InlineData(DnsFault.NoEdns, false)]
    [InlineData(DnsFault.Forged, false)]
    public async Task What_can_be_got_over(DnsFault fault, bool tcp)
    {
        const string name = "so-long-that-its-letters-are-never-all-small-by-chance.test";
        await using var rig = new ResolverRig();
        rig.Server.Add(name, DnsType.A, "192.0.2.1");
        rig.Server.Fault = fault;
        var answer = await rig.AskAsync(name);
        answer.Found.ShouldBeTrue(answer.Reason);
        ((DnsRecord.Host)answer.Records.ShouldHaveSingleItem()).Address.ToString().ShouldBe("192.0.2.1");
        rig.Server.Seen[^1].Tcp.ShouldBe(tcp);
        if (fault == DnsFault.Flood) rig.Logged.ShouldContain(l => l.Contains("16 packets that are no answer", StringComparison.Ordinal));
    }

    [Fact]
    public async Task EDNS_is_left_out_for_a_while_where_it_was_refused()
    {
        await using var rig = new ResolverRig();
        rig.Server.Fault = DnsFault.NoEdns;
        await rig.AskAsync("a.test");
        await rig.AskAsync("b.test");
        rig.Clock.Advance(TimeSpan.FromMinutes(11));
        await rig.AskAsync("c.test");
        rig.Server.Seen.Select(s => s.Edns).ShouldBe([true, false, false, true, false]);
    }

    [Fact]
    public async Task A_slow_server_may_still_answer()
    {
        await using var rig = new ResolverRig(1, ResolverRig.Unhurried);
        rig.Server.Add("a.test", DnsType.A, "192.0.2.1");
        rig.Server.Fault = DnsFault.Slow;
        rig.Server.Delay = TimeSpan.FromSeconds(5);
        var asked = rig.AskAsync("a.test");
        // The question, patience and the server's delay: each answer is later than the next question.
        await ResolverRig.UntilAsync(() => rig.Clock.Timers == 3);
        rig.Clock.Advance(TimeSpan.FromSeconds(3));
        await rig.SeenAsync(2);
        rig.Clock.Advance(TimeSpan.FromSeconds(2));
        (await ResolverRig.SoonAsync(asked)).Found.ShouldBeTrue();
        rig.Server.Seen.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_server_that_is_not_there()
    {
        var nobody = await ResolverRig.NobodyAsync();
        await using var rig = new ResolverRig(1, o => o with { Servers = [nobody] });
        var answer = await rig.AskAsync("a.test");
        (answer.Status, answer.Reason).ShouldBe((DnsStatus.Temporary, $"{nobody} cannot be reached (connection refused)"));
        await using var both = new ResolverRig(1, o => o with { Servers = [nobody, .. o.Servers] });
        both.Server.Add("a.test", DnsType.A, "192.0.2.1");
        (await both.AskAsync("a.test")).Found.ShouldBeTrue();
    }

    [Fact]
    public async Task A_silent_server_is_asked_last_for_a_while()
    {
        await using var rig = new ResolverRig(2);
        rig.Server.Fault = DnsFault.Silence;
        var first = rig.AskAsync("a.test");
        await ResolverRig.UntilAsync(() => rig.Server.Seen.Count == 1 && rig.Clock.Timers == 2); // budget and patience
        rig.Clock.Advance(TimeSpan.FromSeconds(3));
        (await ResolverRig.SoonAsync(first)).Status.ShouldBe(DnsStatus.NoSuchDomain);
        rig.Server.Seen.Count.ShouldBe(1);
        rig.Logged.Count(l => l.Contains("keeps silent", StringComparison.Ordinal)).ShouldBe(1);
        for (var i = 0; i < 5; i++) await rig.AskAsync($"b{i}.test");
        rig.Server.Seen.Count.ShouldBe(1);
        rig.Clock.Advance(TimeSpan.FromSeconds(30));
        rig.Server.Fault = DnsFault.None;
        await rig.AskAsync("c.test");
        rig.Server.Seen.Count.ShouldBe(2);
        rig.Logged.ShouldContain(l => l.Contains("answers again", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(6, DnsStatus.Bogus)]
    [InlineData(7, DnsStatus.Bogus)]
    [InlineData(12, DnsStatus.Bogus)]
    [InlineData(5, DnsStatus.Temporary)]
    [InlineData(13, DnsStatus.Temporary)]
    [InlineData(22, DnsStatus.Temporary)]
    public async Task DNSSEC_bogus_is_told_apart_and_never_outvoted(int code, DnsStatus status)
    {
        // The second server does not validate and would answer.
        await using var rig = new ResolverRig(status == DnsStatus.Bogus ? 2 : 1);
        foreach (var server in rig.Servers) server.Add("_25._tcp.mx.test", DnsType.Tlsa, "3 1 1 0a0b");
        rig.Server.Fault = DnsFault.ExtendedError;
        rig.Server.ExtendedError = code;
        var answer = await rig.AskAsync("_25._tcp.mx.test", DnsType.Tlsa);
        (answer.Status, answer.Unknown, answer.Authentic).ShouldBe((status, true, false));
        answer.Records.ShouldBeEmpty();
        rig.Logged.Any(l => l.Contains("signatures of the answer are not valid", StringComparison.Ordinal)).ShouldBe(status == DnsStatus.Bogus);
    }

    [Fact]
    public async Task CNAME_loops_and_long_chains_are_temporary()
    {
        await using var rig = new ResolverRig();
        rig.Server.Add("self.test", DnsType.Cname, "self.test").Add("a.test", DnsType.Cname, "b.test").Add("b.test", DnsType.Cname, "a.test");
        for (var i = 1; i <= 11; i++) rig.Server.Add($"l{i}.test", DnsType.Cname, i == 11 ? "end.test" : $"l{i + 1}.test");
        rig.Server.Add("end.test", DnsType.A, "192.0.2.1");
        foreach (var oneLink in new[] { false, true })
        {
            rig.Server.OneLink = oneLink;
            var asked = rig.Server.Seen.Count;
            var self = await rig.AskAsync("self.test");
            (self.Status, self.Reason).ShouldBe((DnsStatus.Temporary, "the CNAMEs of self.test lead in a circle"));
            (await rig.AskAsync("a.test")).Reason.ShouldBe("the CNAMEs of a.test lead in a circle");
            (await rig.AskAsync("l2.test")).Found.ShouldBeTrue(); // ten
            var eleven = await rig.AskAsync("l1.test");
            (eleven.Status, eleven.Reason).ShouldBe((DnsStatus.Temporary, "more than 10 CNAMEs in a row"));
            (rig.Server.Seen.Count - asked).ShouldBeLessThanOrEqualTo(oneLink ? 25 : 4);
            rig.Clock.Advance(TimeSpan.FromHours(1));
        }
    }

    [Fact]
    public async Task NXDOMAIN_that_comes_and_goes_is_told_as_it_is()
    {
        await using var rig = new ResolverRig();
        rig.Server.NegativeTtl = 0;
        rig.Server.Add("a.test", DnsType.A, "192.0.2.1", 0);
        rig.Server.Fault = DnsFault.Flapping;
        var seen = new List<DnsStatus>();
        for (var i = 0; i < 4; i++)
        {
            seen.Add((await rig.AskAsync("a.test")).Status);
            rig.Clock.Advance(TimeSpan.FromSeconds(5));
        }
        seen.ShouldBe([DnsStatus.Found, DnsStatus.NoSuchDomain, DnsStatus.Found, DnsStatus.NoSuchDomain]);
    }

    [Fact]
    public async Task Trouble_is_cheap()
    {
        // Nobody knows anything; a thousand questions, and again, are asked once. Not so many at a time that the kernel drops some.
        await using var rig = new ResolverRig(1, o => o with { InFlight = 32 });
        rig.Server.Fault = DnsFault.ServFail;
        for (var i = 0; i < 3; i++)
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 1000).Select(n => rig.AskAsync($"n{n}.test")));
            answers.ShouldAllBe(a => a.Status == DnsStatus.Temporary);
        }
        rig.Server.Seen.Count.ShouldBe(1000); // kept for 3 s, and the clock stands
    }
}
