using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Dns;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>NSD with a plain, a signed and a wrongly signed zone, and unbound that validates in front of it.</summary>
public sealed class DnsServersFixture : IAsyncLifetime
{
    /// <summary>Why the tests cannot run here, or null.</summary>
    public static string? Missing => Tool.Missing("nsd", "unbound", "dnssec-keygen", "dnssec-signzone");

    public NsdServer Nsd { get; private set; } = null!;
    public UnboundServer Unbound { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        if (Missing is not null) return;
        var ct = CancellationToken.None;
        var mail = "@ IN MX 10 mx\n@ IN MX 20 mx2\nmx IN A 192.0.2.1\nmx IN AAAA 2001:db8::1\n_25._tcp.mx IN TLSA 3 1 1 0a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223242526272829\n";
        var plain = NsdServer.Zone("plain.test", mail + "@ IN TXT \"v=spf1 mx\" \" -all\"\nalias IN CNAME mx\nloop IN CNAME loop2\nloop2 IN CNAME loop\n_submission._tcp IN SRV 0 5 587 mx\nnull IN MX 0 .\n1.2.0.192 IN PTR mx\n" +
            string.Concat(Enumerable.Range(0, 200).Select(i => $"big IN TXT \"{i:000} {new string('x', 200)}\"\n")));
        var (signed, key) = await SignAsync("signed.test", mail, ct);
        var (broken, otherKey) = await SignAsync("broken.test", mail, ct);
        Nsd = await NsdServer.StartAsync(new Dictionary<string, string> { ["plain.test"] = plain, ["signed.test"] = signed, ["broken.test"] = broken.Replace("192.0.2.1", "192.0.2.66", StringComparison.Ordinal).Replace("2001:db8::1", "2001:db8::66", StringComparison.Ordinal) }, ct);
        Unbound = await UnboundServer.StartAsync(Nsd.EndPoint, ["plain.test", "signed.test", "broken.test"], [key, otherKey], ct);
    }

    public async ValueTask DisposeAsync()
    {
        if (Unbound is not null) await Unbound.DisposeAsync();
        if (Nsd is not null) await Nsd.DisposeAsync();
    }

    /// <summary>The zone with signatures, and its key.</summary>
    static async Task<(string Zone, string Key)> SignAsync(string origin, string records, CancellationToken ct)
    {
        var home = Directory.CreateTempSubdirectory("posthorn-dnssec-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(home.FullName, "zone"), NsdServer.Zone(origin, records), ct);
            var made = await Tool.RunAsync("dnssec-keygen", ["-a", "ECDSAP256SHA256", "-f", "KSK", "-K", home.FullName, origin], ct);
            Assert.True(made.ExitCode == 0, made.Told);
            var signed = await Tool.RunAsync("dnssec-signzone", ["-S", "-z", "-K", home.FullName, "-o", origin, "-d", home.FullName, "-f", Path.Combine(home.FullName, "signed"), Path.Combine(home.FullName, "zone")], ct);
            Assert.True(signed.ExitCode == 0, signed.Told);
            var key = (await File.ReadAllLinesAsync(Path.Combine(home.FullName, made.Output.Trim() + ".key"), ct)).Single(l => l.Contains("DNSKEY", StringComparison.Ordinal) && l[0] != ';');
            return (await File.ReadAllTextAsync(Path.Combine(home.FullName, "signed"), ct), key);
        }
        finally { home.Delete(recursive: true); }
    }
}

/// <summary>The resolver against servers from Debian.</summary>
public sealed class DnsServers(DnsServersFixture servers) : IClassFixture<DnsServersFixture>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    static async Task<DnsAnswer> AskAsync(IPEndPoint server, string name, DnsType type)
    {
        // A busy machine may take its time; what is asked is what they say.
        var options = new DnsResolverOptions { Servers = [server], Budget = TimeSpan.FromSeconds(30), TcpTimeout = TimeSpan.FromSeconds(15) };
        return await new DnsResolver(options, TimeProvider.System, NullLogger.Instance).LookupAsync(name, type, Ct);
    }

    IPEndPoint Server(string name)
    {
        Assert.SkipWhen(DnsServersFixture.Missing is not null, DnsServersFixture.Missing ?? "");
        return name == "nsd" ? servers.Nsd.EndPoint : servers.Unbound.EndPoint;
    }

    [Theory]
    [InlineData("nsd")]
    [InlineData("unbound")]
    public async Task Every_type(string which)
    {
        var server = Server(which);
        var mx = await AskAsync(server, "Plain.Test", DnsType.Mx);
        Assert.True(mx.Found, mx.Reason + "\n" + servers.Unbound.Tail);
        Assert.Equal(["10 mx.plain.test", "20 mx2.plain.test"], mx.Records.Cast<DnsRecord.Mx>().Select(m => $"{m.Preference} {m.Exchange}").Order());
        var a = await AskAsync(server, "alias.plain.test", DnsType.A);
        Assert.Equal(("mx.plain.test", "192.0.2.1"), (a.Name, ((DnsRecord.Host)Assert.Single(a.Records)).Address.ToString()));
        Assert.Equal("2001:db8::1", ((DnsRecord.Host)Assert.Single((await AskAsync(server, "mx.plain.test", DnsType.Aaaa)).Records)).Address.ToString());
        Assert.Equal("v=spf1 mx -all", ((DnsRecord.Txt)Assert.Single((await AskAsync(server, "plain.test", DnsType.Txt)).Records)).Text);
        Assert.Equal("mx.plain.test", ((DnsRecord.Name)Assert.Single((await AskAsync(server, "alias.plain.test", DnsType.Cname)).Records)).Target);
        Assert.Equal("mx.plain.test", ((DnsRecord.Name)Assert.Single((await AskAsync(server, "1.2.0.192.plain.test", DnsType.Ptr)).Records)).Target);
        var srv = (DnsRecord.Srv)Assert.Single((await AskAsync(server, "_submission._tcp.plain.test", DnsType.Srv)).Records);
        Assert.Equal((0, 5, 587, "mx.plain.test"), (srv.Priority, srv.Weight, srv.Port, srv.Target));
        var tlsa = (DnsRecord.Tlsa)Assert.Single((await AskAsync(server, "_25._tcp.mx.plain.test", DnsType.Tlsa)).Records);
        Assert.Equal((3, 1, 1, 32), (tlsa.Usage, tlsa.Selector, tlsa.MatchingType, tlsa.Data.Length));
        var none = (DnsRecord.Mx)Assert.Single((await AskAsync(server, "null.plain.test", DnsType.Mx)).Records);
        Assert.Equal((0, ""), (none.Preference, none.Exchange));
    }

    [Theory]
    [InlineData("nsd")]
    [InlineData("unbound")]
    public async Task Nothing_there(string which)
    {
        var server = Server(which);
        Assert.Equal(DnsStatus.NoSuchDomain, (await AskAsync(server, "no.plain.test", DnsType.A)).Status);
        Assert.Equal(DnsStatus.NoData, (await AskAsync(server, "mx.plain.test", DnsType.Mx)).Status);
    }

    [Theory]
    [InlineData("nsd")]
    [InlineData("unbound")]
    public async Task Forty_thousand_octets_over_TCP(string which)
    {
        var big = await AskAsync(Server(which), "big.plain.test", DnsType.Txt);
        Assert.True(big.Found, big.Reason);
        Assert.Equal(200, big.Records.Count);
    }

    [Theory]
    [InlineData("nsd")]
    [InlineData("unbound")]
    public async Task CNAME_loops(string which)
    {
        var loop = await AskAsync(Server(which), "loop.plain.test", DnsType.A);
        Assert.True(loop.Status == DnsStatus.Temporary, loop.Reason);
    }

    [Fact]
    public async Task A_zone_that_is_not_served()
    {
        var refused = await AskAsync(Server("nsd"), "elsewhere.test", DnsType.A);
        Assert.True(refused.Status == DnsStatus.Temporary, refused.Reason);
        Assert.Contains("refuses to answer", refused.Reason);
    }

    [Fact]
    public async Task Validated_answers_are_authentic_and_forged_ones_bogus()
    {
        var unbound = Server("unbound");
        var good = await AskAsync(unbound, "_25._tcp.mx.signed.test", DnsType.Tlsa);
        Assert.True(good is { Found: true, Authentic: true }, good.Reason + "\n" + servers.Unbound.Tail);
        var denied = await AskAsync(unbound, "no.signed.test", DnsType.Tlsa);
        Assert.True(denied is { Status: DnsStatus.NoSuchDomain, Authentic: true }, denied.Reason);
        var unsigned = await AskAsync(unbound, "mx.plain.test", DnsType.A);
        Assert.True(unsigned is { Found: true, Authentic: false }, unsigned.Reason);
        var forged = await AskAsync(unbound, "mx.broken.test", DnsType.A);
        Assert.True(forged.Status == DnsStatus.Bogus, $"{forged.Status}: {forged.Reason}\n{servers.Unbound.Tail}");
        Assert.Empty(forged.Records);
        // An authoritative server does not validate, and does not say that it does.
        var raw = await AskAsync(Server("nsd"), "mx.signed.test", DnsType.A);
        Assert.True(raw is { Found: true, Authentic: false }, raw.Reason);
    }

    [Fact]
    public async Task The_verb()
    {
        var run = await ServerProcess.RunVerbAsync(["dns", "lookup", "tlsa", "_25._tcp.mx.signed.test", "--server", Server("unbound").ToString()], Ct);
        Assert.True(run.ExitCode == 0, run.Told);
        Assert.Contains("TLSA  3 1 1 0a0b0c", run.Output);
        Assert.Contains("authentic (AD)", run.Output);
    }
}
