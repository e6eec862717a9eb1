using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Wire.Connections;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Wire.Connections;

/// <summary>The door: no client, whatever it does, keeps the others out.</summary>
public sealed class ListenerTests : IDisposable
{
    static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    readonly DeadlineWatch _watch = new(TimeProvider.System);
    readonly ConnectionGate _gate = new(new GateLimits { Total = 5, PerAddress = 3 }, _ => false, TimeProvider.System);

    public void Dispose() => _watch.Dispose();

    Listener Listen(EndPoint address, Func<Connection, CancellationToken, Task> session)
    {
        var listener = new Listener(new ListenerSettings { Protocol = "test", Address = address, Refusal = _ => "421 full\r\n"u8.ToArray(), Session = session },
            _gate, _watch, TimeProvider.System, NullLogger.Instance);
        listener.Start();
        return listener;
    }

    static async Task<Socket> ConnectAsync(EndPoint to)
    {
        var socket = new Socket(to.AddressFamily, SocketType.Stream, to is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);
        await socket.ConnectAsync(to);
        return socket;
    }

    static async Task<string> ReadAsync(Socket socket)
    {
        var buffer = new byte[100];
        var n = await socket.ReceiveAsync(buffer, SocketFlags.None).WaitAsync(Soon);
        return Encoding.ASCII.GetString(buffer, 0, n);
    }

    static async Task GreetAsync(Connection c)
    {
        c.Write("220\r\n"u8);
        await c.FillAsync(Soon);
    }

    [Fact]
    public async Task Two_servers_cannot_share_a_port()
    {
        await using var first = Listen(new IPEndPoint(IPAddress.Loopback, 0), (c, _) => GreetAsync(c));
        Should.Throw<SocketException>(() => Listen(first.Address, (c, _) => GreetAsync(c))).SocketErrorCode.ShouldBe(SocketError.AddressAlreadyInUse);
    }

    [Fact]
    public async Task Resource_floods_a_busy_session_does_not_hold_up_the_door()
    {
        // A client that never stops sending keeps its session from ever waiting: it must not run on the door's own stack.
        var stack = "";
        await using var listener = Listen(new IPEndPoint(IPAddress.Loopback, 0), (c, _) =>
        {
            stack = Environment.StackTrace;
            return GreetAsync(c);
        });
        using var client = await ConnectAsync(listener.Address);
        (await ReadAsync(client)).ShouldBe("220\r\n");
        stack.ShouldContain("Listener.RunAsync");
        stack.ShouldNotContain("Listener.Admit");
        stack.ShouldNotContain("Listener.AcceptAsync");
    }

    [Fact]
    public async Task Resource_floods_a_connection_counts_until_it_is_closed()
    {
        var open = new TaskCompletionSource();
        await using var listener = Listen(new IPEndPoint(IPAddress.Loopback, 0), async (c, _) =>
        {
            c.Write("220\r\n"u8);
            await c.FlushAsync();
            await open.Task;
        });
        var held = new List<Socket>();
        for (var i = 0; i < 3; i++)
        {
            held.Add(await ConnectAsync(listener.Address));
            (await ReadAsync(held[i])).ShouldBe("220\r\n");
            await held[i].SendAsync("unread"u8.ToArray(), SocketFlags.None); // so that closing takes its moment
        }
        using (var fourth = await ConnectAsync(listener.Address)) (await ReadAsync(fourth)).ShouldBe("421 full\r\n");
        open.SetResult();
        foreach (var socket in held) (await ReadAsync(socket)).ShouldBe(""); // the sessions are over, the connections are not
        _gate.Total.ShouldBe(3);
        foreach (var socket in held) socket.Dispose();
        while (_gate.Total > 0) await Task.Delay(10, TestContext.Current.CancellationToken);
        _watch.Count.ShouldBe(0);
    }

    [Fact]
    public async Task On_a_Unix_socket_only_the_total_counts_and_the_peer_has_no_address()
    {
        var path = Path.Combine(Path.GetTempPath(), "posthorn-" + Guid.NewGuid().ToString("N")[..8]);
        EndPoint? seen = null;
        await using var listener = Listen(new UnixDomainSocketEndPoint(path), (c, _) =>
        {
            seen = c.Remote;
            return GreetAsync(c);
        });
        var held = new List<Socket>();
        for (var i = 0; i < 5; i++)
        {
            held.Add(await ConnectAsync(new UnixDomainSocketEndPoint(path)));
            (await ReadAsync(held[i])).ShouldBe("220\r\n");
        }
        seen.ShouldBeOfType<UnixDomainSocketEndPoint>();
        using (var sixth = await ConnectAsync(new UnixDomainSocketEndPoint(path))) (await ReadAsync(sixth)).ShouldBe("421 full\r\n");
        foreach (var socket in held) socket.Dispose();
    }

    [Fact]
    public async Task A_session_that_throws_ends_alone()
    {
        var count = 0;
        await using var listener = Listen(new IPEndPoint(IPAddress.Loopback, 0), (c, _) => ++count == 1 ? throw new InvalidOperationException("planted") : GreetAsync(c));
        using (var first = await ConnectAsync(listener.Address)) (await ReadAsync(first)).ShouldBe("");
        using var second = await ConnectAsync(listener.Address);
        (await ReadAsync(second)).ShouldBe("220\r\n");
    }
}
