using System.Net;
using System.Net.Sockets;
using Posthorn.Delivery.Outbound;
using Posthorn.Delivery.Queue;
using Posthorn.Dns;
using Posthorn.Wire.Connections;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery.Outbound;

/// <summary>A network where connecting does what the test says.</summary>
sealed class FakeConnector(Func<EndPoint, CancellationToken, Task<Connection>>? connect = null) : IConnector
{
    readonly List<string> _dialled = [];
    public HashSet<IPAddress> Own { get; } = [];
    public List<Connection> ClosedOnes { get; } = [];
    public IReadOnlyList<string> Dialled { get { lock (_dialled) return [.. _dialled]; } }

    public async ValueTask<Connection> ConnectAsync(EndPoint to, CancellationToken ct)
    {
        lock (_dialled) _dialled.Add(((IPEndPoint)to).Address.ToString());
        return connect is null ? throw new SocketException((int)SocketError.ConnectionRefused) : await connect(to, ct);
    }

    public void Closed(Connection connection) { lock (ClosedOnes) ClosedOnes.Add(connection); }
    public bool IsOwn(IPAddress address) => Own.Contains(address);
}

/// <summary>From domains to hosts (RFC 5321 §5.1). Outcomes without hosts are in remote-failures.tsv.</summary>
public class HostFinderTests
{
    readonly FakeResolver _dns = new();
    readonly FakeConnector _network = new();

    HostFinder Finder(int seed = 1) => new(_dns, _network, new QueueOptions { Hostname = "us.example", PrivateNetworks = [IPNetwork.Parse("10.9.0.0/16")] }, new Random(seed));

    async Task<string> FindAsync(string domain = "far.example", int seed = 1)
    {
        var plan = await Finder(seed).ForDomainAsync(domain, TestContext.Current.CancellationToken);
        return plan.Verdict is { } v ? $"{v.Status} {v.Detail}" : string.Join(' ', plan.Hosts!.Select(h => h.Name.Split('.')[0] + ":" + string.Join(',', h.Addresses.Cast<IPEndPoint>().Select(a => a.Address))));
    }

    [Fact]
    public async Task Best_first_and_IPv6_and_IPv4_in_turn()
    {
        _dns.Mx("far.example", (20, "c.far.example"), (5, "a.far.example"), (10, "b.far.example"));
        _dns.Host("a.far.example", "203.0.113.1", "203.0.113.2", "2001:db8::1");
        _dns.Host("b.far.example", "2001:db8::2");
        _dns.Host("c.far.example", "203.0.113.3");
        (await FindAsync()).ShouldBe("a:2001:db8::1,203.0.113.1,203.0.113.2 b:2001:db8::2 c:203.0.113.3");
        _dns.Asked("a.far.example", DnsType.Aaaa).ShouldBe(1);
    }

    [Fact]
    public async Task Equals_share_the_load()
    {
        _dns.Mx("far.example", (5, "a.far.example"), (5, "b.far.example"), (5, "c.far.example"), (7, "d.far.example"));
        foreach (var host in "abcd") _dns.Host($"{host}.far.example", $"203.0.113.{host - 'a'}");
        var orders = new HashSet<string>();
        for (var seed = 0; seed < 60; seed++) orders.Add(string.Concat((await FindAsync(seed: seed)).Split(' ').Select(h => h[0])));
        orders.Count.ShouldBe(6);
        orders.ShouldAllBe(o => o.EndsWith('d'));
    }

    [Fact]
    public async Task A_zone_with_a_thousand_hosts_costs_ten_questions()
    {
        _dns.Mx("far.example", [.. Enumerable.Range(0, 1000).Select(i => (i, $"h{i}.far.example"))]);
        await FindAsync();
        _dns.Questions.ShouldBeLessThanOrEqualTo(21);
    }

    [Theory]
    [InlineData("203.0.113.9", "Failed 4.6")] // an address of this machine
    [InlineData("127.0.0.1", "Failed 4.6")]
    [InlineData("0.0.0.0", "Failed 4.6")]
    [InlineData("::1", "Failed 4.6")]
    [InlineData("::ffff:127.0.0.1", "Failed 4.6")]
    [InlineData("10.0.0.1", "Deferred 4.4")]
    [InlineData("10.9.0.1", "a:10.9.0.1")] // privateNetworks
    [InlineData("::ffff:10.9.0.1", "a:10.9.0.1")]
    [InlineData("100.64.0.1", "Deferred 4.4")]
    [InlineData("169.254.1.1", "Deferred 4.4")]
    [InlineData("172.31.255.255", "Deferred 4.4")]
    [InlineData("172.32.0.1", "a:172.32.0.1")]
    [InlineData("192.168.7.7", "Deferred 4.4")]
    [InlineData("224.0.0.1", "Deferred 4.4")]
    [InlineData("255.255.255.255", "Deferred 4.4")]
    [InlineData("fe80::1", "Deferred 4.4")]
    [InlineData("fd12::1", "Deferred 4.4")]
    [InlineData("ff02::1", "Deferred 4.4")]
    [InlineData("64:ff9b::c0a8:101", "Deferred 4.4")] // 192.168.1.1 by NAT64
    [InlineData("2002:c0a8:101::1", "Deferred 4.4")] // 192.168.1.1 by 6to4
    [InlineData("2001:4860::8", "a:2001:4860::8")]
    public async Task MX_to_ourselves_or_private(string address, string found)
    {
        _network.Own.Add(IPAddress.Parse("203.0.113.9"));
        _dns.Mx("far.example", (10, "a.far.example"));
        _dns.Host("a.far.example", address);
        (await FindAsync()).ShouldBe(found);
    }

    [Fact]
    public async Task As_a_backup_only_better_hosts_are_left()
    {
        _network.Own.Add(IPAddress.Parse("203.0.113.9"));
        _dns.Mx("far.example", (10, "a.far.example"), (20, "backup.far.example"), (20, "b.far.example"), (30, "c.far.example"));
        foreach (var host in "abc") _dns.Host($"{host}.far.example", $"203.0.113.{host - 'a'}");
        _dns.Host("backup.far.example", "198.51.100.1", "203.0.113.9");
        (await FindAsync()).ShouldBe("a:203.0.113.0");
        _dns.Remove("a.far.example");
        (await FindAsync()).ShouldBe("Deferred 4.4");
    }

    [Theory]
    [InlineData("[203.0.113.5]", "203:203.0.113.5")]
    [InlineData("[IPv6:2001:4860::8]", "2001:4860::8:2001:4860::8")]
    [InlineData("[127.0.0.1]", "Failed 4.6")]
    [InlineData("[192.168.1.1]", "Deferred 4.4")]
    public async Task Address_literals(string domain, string found)
    {
        (await FindAsync(domain)).ShouldBe(found);
        _dns.Questions.ShouldBe(0);
    }

    [Fact]
    public async Task A_host_of_a_route_may_be_anywhere()
    {
        var ct = TestContext.Current.CancellationToken;
        _dns.Host("relay.corp.example", "127.0.0.1", "10.0.0.1");
        var plan = await Finder().ForHostAsync("relay.corp.example", 2525, ct);
        plan.Hosts!.Single().Addresses.Select(a => a.ToString()).ShouldBe(["127.0.0.1:2525", "10.0.0.1:2525"]);
        (await Finder().ForHostAsync("fd00::7", 25, ct)).Hosts!.Single().TlsName.ShouldBeNull();
    }
}
