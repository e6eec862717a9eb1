using System.Net;
using Posthorn.Tests.Testing.Time;
using Posthorn.Wire.Connections;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Wire.Connections;

public class ConnectionGateTests
{
    static readonly GateLimits Small = new() { Total = 100, PerAddress = 3, PerNetwork = 5, PerMinute = 10 };

    [Fact]
    public void An_address_may_hold_so_many_connections_and_leaving_makes_room()
    {
        var gate = new ConnectionGate(Small, _ => false, new FakeTimeProvider());
        var ip = IPAddress.Parse("192.0.2.7");
        for (var i = 0; i < 3; i++) gate.Enter(ip).ShouldBe(Admission.Admitted);
        gate.Enter(ip).ShouldBe(Admission.AddressFull);
        gate.Leave(ip);
        gate.Enter(ip).ShouldBe(Admission.Admitted);
        gate.Total.ShouldBe(3);
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.2", "192.0.2.62", "192.0.2.65")]
    [InlineData("2001:db8:1:1::1", "2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db8:2:1::1")]
    public void A_network_is_counted_as_a_whole(string first, string second, string third, string outside)
    {
        var gate = new ConnectionGate(Small, _ => false, new FakeTimeProvider());
        foreach (var a in new[] { first, first, second, second, third }) gate.Enter(IPAddress.Parse(a)).ShouldBe(Admission.Admitted);
        gate.Enter(IPAddress.Parse(third)).ShouldBe(Admission.NetworkFull);
        gate.Enter(IPAddress.Parse(outside)).ShouldBe(Admission.Admitted);
    }

    [Fact]
    public void Addresses_of_one_v6_64_count_as_one()
    {
        var gate = new ConnectionGate(Small, _ => false, new FakeTimeProvider());
        for (var i = 1; i <= 3; i++) gate.Enter(IPAddress.Parse($"2001:db8::{i}")).ShouldBe(Admission.Admitted);
        gate.Enter(IPAddress.Parse("2001:db8::4")).ShouldBe(Admission.AddressFull);
    }

    [Fact]
    public void The_rate_is_per_minute_and_a_refused_try_counts()
    {
        var time = new FakeTimeProvider();
        var gate = new ConnectionGate(Small, _ => false, time);
        var ip = IPAddress.Parse("192.0.2.7");
        for (var i = 0; i < 10; i++)
        {
            gate.Enter(ip).ShouldBe(Admission.Admitted);
            gate.Leave(ip);
        }
        gate.Enter(ip).ShouldBe(Admission.TooFast);
        time.Advance(TimeSpan.FromMinutes(1));
        gate.Enter(ip).ShouldBe(Admission.Admitted);
    }

    [Fact]
    public void Exempt_addresses_know_only_the_total()
    {
        var gate = new ConnectionGate(Small, _ => true, new FakeTimeProvider());
        for (var i = 0; i < 100; i++) gate.Enter(IPAddress.Loopback).ShouldBe(Admission.Admitted);
        gate.Enter(IPAddress.Loopback).ShouldBe(Admission.ServerFull);
    }
}
