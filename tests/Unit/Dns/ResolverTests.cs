using System.Net;
using Posthorn.Dns;
using Posthorn.Tests.Testing.Dns;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Dns;

/// <summary>Questions to servers that do what they should.</summary>
public sealed class ResolverTests
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    static string Shown(DnsRecord record) => record switch
    {
        DnsRecord.Host h => h.Address.ToString(),
        DnsRecord.Mx m => $"{m.Preference} {m.Exchange}",
        DnsRecord.Txt t => t.Text,
        DnsRecord.Name n => n.Target,
        DnsRecord.Tlsa t => $"{t.Usage} {t.Selector} {t.MatchingType} {Convert.ToHexString(t.Data)}",
        DnsRecord.Srv s => $"{s.Priority} {s.Weight} {s.Port} {s.Target}",
        _ => "",
    };

    [Fact]
    public async Task Every_type()
    {
        await using var rig = new ResolverRig();
        var records = new (DnsType Type, string Data)[]
        {
            (DnsType.A, "192.0.2.1"), (DnsType.Aaaa, "2001:db8::1"), (DnsType.Mx, "10 mx.a.test"), (DnsType.Txt, "v=spf1 mx -all"), (DnsType.Ptr, "p.test"),
            (DnsType.Tlsa, "3 1 1 0A0B"), (DnsType.Srv, "0 5 25 s.test"), (DnsType.Cname, "c.test"),
        };
        foreach (var (type, data) in records)
        {
            rig.Server.Add($"{type}.test", type, data, 600);
            var answer = await rig.AskAsync($"{type}.Test.", type);
            answer.Status.ShouldBe(DnsStatus.Found, answer.Reason);
            Shown(answer.Records.ShouldHaveSingleItem()).ShouldBe(data);
            answer.Records[0].Ttl.ShouldBe(TimeSpan.FromMinutes(10));
            answer.Name.ShouldBe($"{type}.test".ToLowerInvariant());
            answer.Server.ShouldBe(rig.Server.EndPoint);
            answer.Reason.ShouldBeNull();
        }
        rig.Server.Seen.ShouldAllBe(s => !s.Tcp && s.Edns);
    }

    [Fact]
    public async Task Nothing_there()
    {
        await using var rig = new ResolverRig();
        rig.Server.Add("a.test", DnsType.A, "192.0.2.1");
        var none = await rig.AskAsync("a.test", DnsType.Mx);
        (none.Status, none.Reason).ShouldBe((DnsStatus.NoData, "a.test has no MX record"));
        var missing = await rig.AskAsync("b.test", DnsType.Mx);
        (missing.Status, missing.Reason).ShouldBe((DnsStatus.NoSuchDomain, "the domain b.test does not exist"));
        none.Unknown.ShouldBeFalse();
        missing.Unknown.ShouldBeFalse();
    }

    [Fact]
    public async Task What_is_no_name_is_not_asked_for()
    {
        await using var rig = new ResolverRig();
        foreach (var name in new[] { "a b.test", "a..test", "x\r\n.test", new string('a', 64) + ".test" }) (await rig.AskAsync(name)).Status.ShouldBe(DnsStatus.NoSuchDomain);
        rig.Server.Seen.ShouldBeEmpty();
    }

    [Fact]
    public async Task Search_domains_are_not_applied()
    {
        await using var rig = new ResolverRig();
        (await rig.AskAsync("mail")).Status.ShouldBe(DnsStatus.NoSuchDomain);
        rig.Server.Seen.Select(s => s.Name.ToLowerInvariant()).ShouldBe(["mail"]);
    }

    [Fact]
    public async Task Ids_and_ports_and_case_change_with_each_question()
    {
        await using var rig = new ResolverRig();
        for (var i = 0; i < 40; i++) await rig.AskAsync($"host{i}.example.test");
        rig.Server.Seen.Select(s => s.Id).Distinct().Count().ShouldBeGreaterThan(35);
        rig.Server.Seen.Select(s => s.Port).Distinct().Count().ShouldBeGreaterThan(35);
        rig.Server.Seen.Select(s => s.Name[^12..]).Distinct().Count().ShouldBeGreaterThan(30);
        rig.Server.Seen.ShouldAllBe(s => s.Flags == 0x0120); // RD and AD
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CNAMEs_are_followed(bool oneLink)
    {
        await using var rig = new ResolverRig();
        rig.Server.OneLink = oneLink;
        rig.Server.Add("a.test", DnsType.Cname, "b.test", 100).Add("b.test", DnsType.Cname, "c.test").Add("c.test", DnsType.A, "192.0.2.7");
        var answer = await rig.AskAsync("a.test");
        answer.Status.ShouldBe(DnsStatus.Found, answer.Reason);
        answer.Name.ShouldBe("c.test");
        Shown(answer.Records.ShouldHaveSingleItem()).ShouldBe("192.0.2.7");
        // Asked for itself, a CNAME is an answer.
        (await rig.AskAsync("a.test", DnsType.Cname)).Name.ShouldBe("a.test");
        // What is at its end is missing.
        (await rig.AskAsync("a.test", DnsType.Mx)).Status.ShouldBe(DnsStatus.NoData);
        rig.Server.Add("d.test", DnsType.Cname, "nowhere.test");
        var gone = await rig.AskAsync("d.test");
        (gone.Status, gone.Name).ShouldBe((DnsStatus.NoSuchDomain, "nowhere.test"));
        // The whole holds as long as its shortest part.
        var before = rig.Server.Asked("a.test");
        rig.Clock.Advance(TimeSpan.FromSeconds(99));
        await rig.AskAsync("a.test");
        rig.Server.Asked("a.test").ShouldBe(before);
        rig.Clock.Advance(TimeSpan.FromSeconds(2));
        await rig.AskAsync("a.test");
        rig.Server.Asked("a.test").ShouldBe(before + 1);
    }

    [Fact]
    public async Task Large_answers_come_over_TCP()
    {
        await using var rig = new ResolverRig();
        for (var i = 0; i < 240; i++) rig.Server.Add("big.test", DnsType.Txt, new string('x', 250));
        var answer = await rig.AskAsync("big.test", DnsType.Txt);
        answer.Records.Count.ShouldBe(240, answer.Reason);
        rig.Server.Seen.Select(s => s.Tcp).ShouldBe([false, true]);
        rig.Server.Seen.Select(s => s.Id).Distinct().Count().ShouldBe(2);
    }

    [Fact]
    public async Task IPv6_servers()
    {
        Assert.SkipUnless(System.Net.Sockets.Socket.OSSupportsIPv6 && HasLoopbackV6(), "no IPv6 on this machine");
        await using var server = ScriptedDnsServer.Start(IPAddress.IPv6Loopback);
        server.Add("a.test", DnsType.A, "192.0.2.1");
        server.Break("tcp.test", DnsFault.Truncated);
        server.Add("tcp.test", DnsType.A, "192.0.2.2");
        var resolver = new DnsResolver(new DnsResolverOptions { Servers = [server.EndPoint] }, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        (await resolver.LookupAsync("a.test", DnsType.A, Ct)).Found.ShouldBeTrue();
        (await resolver.LookupAsync("tcp.test", DnsType.A, Ct)).Found.ShouldBeTrue();
    }

    static bool HasLoopbackV6()
    {
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.InterNetworkV6, System.Net.Sockets.SocketType.Dgram, System.Net.Sockets.ProtocolType.Udp);
        try { socket.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0)); }
        catch (System.Net.Sockets.SocketException) { return false; }
        return true;
    }

    [Fact]
    public async Task AD_is_believed_from_configured_servers()
    {
        await using var rig = new ResolverRig();
        rig.Server.Add("a.test", DnsType.A, "192.0.2.1").Add("b.test", DnsType.A, "192.0.2.1").Add("c.test", DnsType.Cname, "a.test");
        (await rig.AskAsync("a.test")).Authentic.ShouldBeFalse();
        rig.Server.Authentic = true;
        (await rig.AskAsync("b.test")).Authentic.ShouldBeTrue();
        (await rig.AskAsync("c.test")).Authentic.ShouldBeTrue();
        (await rig.AskAsync("a.test", DnsType.Tlsa)).Authentic.ShouldBeTrue(); // that there is none is known for sure too
        (await rig.AskAsync("a.test")).Authentic.ShouldBeFalse(); // as it came
    }

    [Fact]
    public async Task A_chain_is_authentic_when_every_part_is()
    {
        await using var rig = new ResolverRig();
        rig.Server.OneLink = true;
        rig.Server.Add("a.test", DnsType.Cname, "b.test").Add("b.test", DnsType.A, "192.0.2.1");
        rig.Server.Break("b.test", DnsFault.Slow);
        rig.Server.Delay = TimeSpan.FromSeconds(1);
        rig.Server.Authentic = true;
        var asked = rig.AskAsync("a.test");
        await rig.SeenAsync(2);
        rig.Server.Authentic = false;
        await rig.MoveUntilAsync(asked, TimeSpan.FromSeconds(1));
        var answer = await asked;
        (answer.Found, answer.Authentic).ShouldBe((true, false));
    }

    [Theory]
    [InlineData("nameserver 127.0.0.1\n", true)]
    [InlineData("nameserver 127.0.0.1\nnameserver ::1\n", true)]
    [InlineData("nameserver 192.0.2.1\n", false)]
    [InlineData("nameserver 192.0.2.1\noptions trust-ad\n", true)]
    public void AD_is_believed_from_loopback(string conf, bool believed)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, conf);
            var list = new Posthorn.Dns.Asking.ServerList(new DnsResolverOptions { ResolvConf = file }, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
            list.InOrder().ShouldAllBe(s => s.Trusted == believed && s.EndPoint.Port == 53);
        }
        finally { File.Delete(file); }
    }

    [Fact]
    public void Resolv_conf_is_read_again_when_it_changes()
    {
        var file = Path.GetTempFileName();
        var clock = new Posthorn.Tests.Testing.Time.FakeTimeProvider();
        try
        {
            File.WriteAllText(file, "nameserver 192.0.2.1\n");
            var list = new Posthorn.Dns.Asking.ServerList(new DnsResolverOptions { ResolvConf = file }, clock, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
            string Now() => string.Join(' ', list.InOrder().Select(s => s.EndPoint.Address));
            Now().ShouldBe("192.0.2.1");
            File.WriteAllText(file, "nameserver 192.0.2.2\nnameserver 192.0.2.3\n");
            File.SetLastWriteTimeUtc(file, new DateTime(2026, 3, 1, 0, 0, 0, DateTimeKind.Utc));
            Now().ShouldBe("192.0.2.1"); // not before 5 s
            clock.Advance(TimeSpan.FromSeconds(5));
            Now().ShouldBe("192.0.2.2 192.0.2.3");
            File.Delete(file);
            clock.Advance(TimeSpan.FromSeconds(5));
            Now().ShouldBe("127.0.0.1");
        }
        finally { File.Delete(file); }
    }
}
