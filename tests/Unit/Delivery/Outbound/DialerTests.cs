using System.Net;
using System.Net.Sockets;
using Posthorn.Delivery.Outbound;
using Posthorn.Tests.Testing.Time;
using Posthorn.Wire.Connections;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery.Outbound;

/// <summary>Connecting to the addresses of one host (RFC 8305).</summary>
public class DialerTests
{
    readonly FakeTimeProvider _clock = new();
    readonly List<string> _failed = [];

    static List<EndPoint> Addresses(params string[] all) => [.. all.Select(a => new IPEndPoint(IPAddress.Parse(a), 25))];

    Connection Connected(EndPoint to) => new(new MemoryStream(), to, to, () => { }, _clock);

    Task<(Connection Connection, EndPoint Address)?> DialAsync(FakeConnector network, List<EndPoint> left, int most = 10, CancellationToken ct = default) =>
        new Dialer(network, _clock).DialAsync(left, most, (address, error) => _failed.Add($"{address}: {error}"), ct).AsTask();

    static async Task<Connection> NeverAsync(CancellationToken ct)
    {
        await Task.Delay(Timeout.Infinite, ct);
        throw new InvalidOperationException();
    }

    static async Task UntilAsync(Func<bool> done)
    {
        while (!done()) await Task.Delay(1, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_silent_address_gets_a_rival_after_a_quarter_of_a_second()
    {
        var network = new FakeConnector((to, ct) => ((IPEndPoint)to).AddressFamily == AddressFamily.InterNetworkV6 ? NeverAsync(ct) : Task.FromResult(Connected(to)));
        var left = Addresses("2001:db8::1", "203.0.113.1");
        var dial = DialAsync(network, left);
        await UntilAsync(() => network.Dialled.Count == 1 && _clock.Timers > 1);
        _clock.Advance(TimeSpan.FromMilliseconds(249));
        network.Dialled.Count.ShouldBe(1);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        (await dial).ShouldNotBeNull().Address.ToString().ShouldBe("203.0.113.1:25");
        // Not a failure: it lost a race, and is there should the winner be of no use.
        _failed.ShouldBeEmpty();
        left.ShouldHaveSingleItem().ToString().ShouldBe("[2001:db8::1]:25");
    }

    [Fact]
    public async Task A_refused_address_is_followed_by_the_next_at_once()
    {
        var network = new FakeConnector((to, _) => to.ToString() == "203.0.113.2:25" ? Task.FromResult(Connected(to)) : throw new SocketException((int)SocketError.ConnectionRefused));
        var left = Addresses("2001:db8::1", "203.0.113.1", "203.0.113.2", "203.0.113.3");
        (await DialAsync(network, left)).ShouldNotBeNull().Address.ToString().ShouldBe("203.0.113.2:25");
        _failed.Count.ShouldBe(2);
        left.ShouldHaveSingleItem().ToString().ShouldBe("203.0.113.3:25");
    }

    [Fact]
    public async Task Silence_ends_after_30_seconds()
    {
        var network = new FakeConnector((_, ct) => NeverAsync(ct));
        var dial = DialAsync(network, Addresses("203.0.113.1", "203.0.113.2"));
        await UntilAsync(() => network.Dialled.Count == 1 && _clock.Timers > 1);
        _clock.Advance(TimeSpan.FromMilliseconds(250));
        await UntilAsync(() => network.Dialled.Count == 2);
        _clock.Advance(TimeSpan.FromSeconds(31));
        (await dial).ShouldBeNull();
        _failed.Order().ShouldBe(["203.0.113.1:25: no answer within 30 s", "203.0.113.2:25: no answer within 30 s"]);
    }

    [Fact]
    public async Task A_connection_that_comes_too_late_is_closed()
    {
        var late = new TaskCompletionSource<Connection>();
        var network = new FakeConnector((to, _) => to.ToString() == "203.0.113.1:25" ? late.Task : Task.FromResult(Connected(to)));
        var dial = DialAsync(network, Addresses("203.0.113.1", "203.0.113.2"));
        await UntilAsync(() => network.Dialled.Count == 1 && _clock.Timers > 1);
        _clock.Advance(TimeSpan.FromMilliseconds(250));
        await UntilAsync(() => network.Dialled.Count == 2);
        var lost = Connected(new IPEndPoint(IPAddress.Loopback, 1));
        late.SetResult(lost);
        (await dial).ShouldNotBeNull().Address.ToString().ShouldBe("203.0.113.2:25");
        network.ClosedOnes.ShouldBe([lost]);
    }

    [Fact]
    public async Task No_more_addresses_are_dialled_than_allowed()
    {
        var network = new FakeConnector();
        (await DialAsync(network, Addresses("203.0.113.1", "203.0.113.2", "203.0.113.3"), most: 2)).ShouldBeNull();
        network.Dialled.ShouldBe(["203.0.113.1", "203.0.113.2"]);
    }

    [Fact]
    public async Task Stopping_ends_it()
    {
        using var stop = new CancellationTokenSource();
        var network = new FakeConnector((_, ct) => NeverAsync(ct));
        var dial = DialAsync(network, Addresses("203.0.113.1"), ct: stop.Token);
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(dial);
    }
}
