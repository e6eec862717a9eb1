using System.Net;
using System.Net.Sockets;
using System.Text;
using Posthorn.Tests.Testing.Time;
using Posthorn.Tests.Testing.Transport;
using Posthorn.Wire.Connections;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Wire.Connections;

public class ConnectionTests
{
    static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Lines_are_the_same_however_they_arrive(int chunk)
    {
        await using var t = new MemoryTransport(TimeProvider.System, chunk: chunk);
        await t.SendAsync("EHLO a\r\n\r\nMAIL\rx\ny\r\nlast"u8.ToArray());
        t.FinishSending();
        (await ReadAsync(t)).ShouldBe("EHLO a");
        (await ReadAsync(t)).ShouldBe("");
        var bare = await t.Server.ReadLineAsync(100, Minute);
        bare.HasBareControl.ShouldBeTrue();
        Encoding.ASCII.GetString(bare.Text.Span).ShouldBe("MAIL\rx\ny");
        (await t.Server.ReadLineAsync(100, Minute)).Status.ShouldBe(LineStatus.Closed);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_long_line_is_read_to_its_end_and_the_next_one_is_whole(int chunk)
    {
        await using var t = new MemoryTransport(TimeProvider.System, chunk: chunk);
        await t.SendAsync(Encoding.ASCII.GetBytes(new string('x', 5000) + "\r\nNOOP\r\n"));
        (await t.Server.ReadLineAsync(512, Minute)).Status.ShouldBe(LineStatus.TooLong);
        (await ReadAsync(t)).ShouldBe("NOOP");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task The_limit_counts_the_line_end(int chunk)
    {
        await using var t = new MemoryTransport(TimeProvider.System, chunk: chunk);
        await t.SendAsync("12345678\r\n123456789\r\n"u8.ToArray());
        (await t.Server.ReadLineAsync(10, Minute)).Status.ShouldBe(LineStatus.Line);
        (await t.Server.ReadLineAsync(10, Minute)).Status.ShouldBe(LineStatus.TooLong);
    }

    [Fact]
    public async Task A_read_that_waits_too_long_times_out_and_the_reply_still_goes_out()
    {
        var time = new FakeTimeProvider();
        using var watch = new DeadlineWatch(time);
        await using var t = new MemoryTransport(time, watch);
        var read = t.Server.ReadLineAsync(100, Minute).AsTask();
        time.Advance(TimeSpan.FromSeconds(59));
        read.IsCompleted.ShouldBeFalse();
        time.Advance(TimeSpan.FromSeconds(3));
        (await read.WaitAsync(Minute)).Status.ShouldBe(LineStatus.TimedOut);
        t.Server.Write("421 bye\r\n"u8);
        await t.Server.FlushAsync();
        var buffer = new byte[100];
        var n = await t.Client.ReadAsync(buffer);
        Encoding.ASCII.GetString(buffer, 0, n).ShouldBe("421 bye\r\n");
    }

    [Fact]
    public async Task The_session_deadline_cuts_every_read()
    {
        var time = new FakeTimeProvider();
        using var watch = new DeadlineWatch(time);
        await using var t = new MemoryTransport(time, watch);
        t.Server.SetSessionDeadline(TimeSpan.FromSeconds(90));
        time.Advance(TimeSpan.FromSeconds(60));
        var read = t.Server.ReadLineAsync(100, TimeSpan.FromHours(1)).AsTask();
        time.Advance(TimeSpan.FromSeconds(32));
        (await read.WaitAsync(Minute)).Status.ShouldBe(LineStatus.TimedOut);
    }

    [Fact]
    public async Task Draining_ends_a_session_only_where_it_waits_for_a_command()
    {
        await using var t = new MemoryTransport(TimeProvider.System);
        t.Server.Drain(evenInTransfer: false);
        await t.SendAsync("data\r\n"u8.ToArray());
        (await ReadAsync(t)).ShouldBe("data");
        t.Server.IdlePoint(true);
        (await t.Server.ReadLineAsync(100, Minute)).Status.ShouldBe(LineStatus.Draining);
    }

    [Fact]
    public async Task Output_waits_for_the_next_read_so_that_pipelined_replies_share_a_segment()
    {
        await using var t = new MemoryTransport(TimeProvider.System);
        await t.SendAsync("A\r\nB\r\n"u8.ToArray());
        foreach (var _ in "AB")
        {
            (await t.Server.ReadLineAsync(100, Minute)).Status.ShouldBe(LineStatus.Line);
            t.Server.Write("250 ok\r\n"u8);
        }
        t.Server.BytesOut.ShouldBe(0);
        var waiting = t.Server.ReadLineAsync(100, Minute).AsTask();
        var buffer = new byte[100];
        (await t.Client.ReadAsync(buffer)).ShouldBe(16);
        t.FinishSending();
        await waiting;
    }

    /// <summary>Threat table: whatever goes wrong in a handshake, the connection is not used in clear again.</summary>
    [Fact]
    public async Task TLS_close_inside_transfer_a_handshake_that_fails_in_any_way_ends_the_connection()
    {
        await using var t = new MemoryTransport(TimeProvider.System);
        await t.SendAsync("QUIT\r\n"u8.ToArray());
        var options = new NamedTlsOptions(_ => throw new NotSupportedException("planted"));
        (await t.Server.UpgradeToTlsAsync(options, Minute)).ShouldBeFalse();
        (await t.Server.ReadLineAsync(100, Minute)).Status.ShouldBe(LineStatus.Closed);
        await using var other = new MemoryTransport(TimeProvider.System);
        var hello = ClientHelloAsync(other.Client);
        (await other.Server.UpgradeToTlsAsync(options, Minute)).ShouldBeFalse();
        (await other.Server.ReadLineAsync(100, Minute)).Status.ShouldBe(LineStatus.Closed);
        await other.Server.DisposeAsync();
        await Should.ThrowAsync<Exception>(() => hello);
    }

    static async Task ClientHelloAsync(Stream client)
    {
        await using var tls = new System.Net.Security.SslStream(client);
        await tls.AuthenticateAsClientAsync("mail.example.test");
    }

    /// <summary>A peer that takes nothing cannot hold on to a connection by not reading its end.</summary>
    [Fact]
    public async Task Resource_floods_closing_has_a_deadline()
    {
        var time = new FakeTimeProvider();
        using var watch = new DeadlineWatch(time);
        using var certificate = MakeCertificate();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient { ReceiveBufferSize = 4096 };
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        var socket = await listener.AcceptSocketAsync();
        var stalled = new StallingStream(new NetworkStream(socket, ownsSocket: true));
        var server = new Connection(stalled, socket.RemoteEndPoint!, socket.LocalEndPoint!, () => socket.Shutdown(SocketShutdown.Receive), time);
        watch.Add(server);
        var tls = new System.Net.Security.SslStream(client.GetStream(), false, (_, _, _, _) => true);
        var handshake = tls.AuthenticateAsClientAsync("mail.example.test");
        (await server.UpgradeToTlsAsync(new System.Net.Security.SslServerAuthenticationOptions { ServerCertificate = certificate }, Minute)).ShouldBeTrue();
        await handshake;
        stalled.Stall = true;
        var closing = server.DisposeAsync().AsTask();
        closing.IsCompleted.ShouldBeFalse();
        for (var i = 0; i < 13 && !closing.IsCompleted; i++) time.Advance(TimeSpan.FromSeconds(1));
        await closing.WaitAsync(Minute);
    }

    static System.Security.Cryptography.X509Certificates.X509Certificate2 MakeCertificate()
    {
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        return new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=mail.example.test", key, System.Security.Cryptography.HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
    }

    /// <summary>A transport whose writes wait, once told, until it is disposed of.</summary>
    sealed class StallingStream(Stream inner) : Stream
    {
        readonly TaskCompletionSource _gone = new();
        public bool Stall { get; set; }
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() => inner.Flush();
        public override Task FlushAsync(CancellationToken ct) => inner.FlushAsync(ct);
        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken ct = default) => inner.ReadAsync(buffer, ct);
        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);
        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken ct = default)
        {
            if (Stall)
            {
                await _gone.Task;
                throw new IOException("gone");
            }
            await inner.WriteAsync(buffer, ct);
        }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            _gone.TrySetResult();
        }
    }

    static async Task<string> ReadAsync(MemoryTransport t)
    {
        var line = await t.Server.ReadLineAsync(100, Minute);
        line.Status.ShouldBe(LineStatus.Line);
        return Encoding.ASCII.GetString(line.Text.Span);
    }

    [Fact]
    public async Task The_last_reply_survives_a_client_that_sent_more_than_was_read()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        var socket = await listener.AcceptSocketAsync();
        var server = new Connection(new NetworkStream(socket, ownsSocket: true), socket.RemoteEndPoint!, socket.LocalEndPoint!,
            () => socket.Shutdown(SocketShutdown.Receive), TimeProvider.System);
        await client.GetStream().WriteAsync(new byte[200_000]);
        (await server.FillAsync(Minute)).ShouldBe(LineStatus.Line);
        server.Write("421 4.7.0 enough\r\n"u8);
        var closing = server.DisposeAsync().AsTask();
        var got = new MemoryStream();
        await client.GetStream().CopyToAsync(got).WaitAsync(Minute);
        Encoding.ASCII.GetString(got.ToArray()).ShouldBe("421 4.7.0 enough\r\n");
        client.Close();
        await closing;
    }
}
