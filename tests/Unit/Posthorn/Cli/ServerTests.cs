using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Serving;
using Posthorn.Storage;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Cli;

public sealed class ServerTests
{
    static async Task<(Socket Socket, StreamReader Reader)> ConnectAsync(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        return (socket, new StreamReader(new NetworkStream(socket), Encoding.ASCII));
    }

    static async Task<string> SayAsync((Socket Socket, StreamReader Reader) client, string line)
    {
        await client.Socket.SendAsync(Encoding.ASCII.GetBytes(line + "\r\n"));
        string? reply;
        do reply = await client.Reader.ReadLineAsync();
        while (reply is { Length: > 3 } && reply[3] == '-');
        return reply ?? "(closed)";
    }

    [Fact]
    public async Task The_control_socket_is_ours_alone()
    {
        await using var program = new Program();
        await program.ServeAsync();

        File.GetUnixFileMode(Path.Combine(program.DataDirectory, "control.sock")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.GetUnixFileMode(program.DataDirectory).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [Fact]
    public async Task Nonsense_on_the_control_socket_harms_nobody()
    {
        await using var program = new Program();
        await program.ServeAsync();
        foreach (var nonsense in (byte[][])[[0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 1, (byte)'{'], [0, 0, 0, 2, (byte)'[', (byte)']'], [1, 2]])
        {
            var (socket, _) = await ConnectAsync(Path.Combine(program.DataDirectory, "control.sock"));
            await socket.SendAsync(nonsense);
            socket.Shutdown(SocketShutdown.Send);
            var answered = 0;
            try { answered = await socket.ReceiveAsync(new byte[1]); }
            catch (SocketException) { } // closed with octets unread
            answered.ShouldBe(0);
            socket.Dispose();
        }
        (await program.RunAsync("domain list")).ShouldBe(0);
    }

    [Fact]
    public async Task A_message_is_taken_filed_and_traced()
    {
        await using var program = new Program();
        await program.ServeAsync();
        await program.RunAsync("domain add example.test");
        await program.RunAsync("account add a@example.test --no-password");
        var client = await ConnectAsync(program.LmtpSocket);
        await client.Reader.ReadLineAsync();
        await SayAsync(client, "LHLO test");
        await SayAsync(client, "MAIL FROM:<x@elsewhere.example>");
        (await SayAsync(client, "RCPT TO:<a@example.test>")).ShouldStartWith("250");
        await SayAsync(client, "DATA");
        var reply = await SayAsync(client, "From: x@elsewhere.example\r\nSubject: hi\r\n\r\nhello\r\n.");

        reply.ShouldStartWith("250 ");
        var id = reply[(reply.LastIndexOf(' ') + 1)..];
        var story = await program.JsonAsync("trace " + id);
        story["events"]!.AsArray().Select(e => (string)e!["kind"]!).ShouldContain("received");
        (await program.JsonAsync("account show a@example.test"))["messages"]!.GetValue<int>().ShouldBe(1);
        program.Logged().ShouldContain(id);
    }

    [Fact]
    public async Task A_stop_tells_the_idle_and_waits_for_them()
    {
        await using var program = new Program();
        var server = await program.ServeAsync();
        var client = await ConnectAsync(program.LmtpSocket);
        (await client.Reader.ReadLineAsync())!.ShouldStartWith("220 ");
        await SayAsync(client, "LHLO test");

        await server.StopAsync();

        (await client.Reader.ReadLineAsync())!.ShouldStartWith("421 4.3.2 ");
        (await client.Reader.ReadLineAsync()).ShouldBeNull();
        File.Exists(program.LmtpSocket).ShouldBeFalse();
        program.Logged().ShouldContain("stopped");
    }

    [Fact]
    public async Task A_second_server_on_the_same_data_is_refused_and_harms_nothing()
    {
        await using var program = new Program();
        await program.ServeAsync();

        (await program.RunAsync("serve")).ShouldBe(69);
        program.Errors.ShouldContain("is in use by process");
        (await program.RunAsync("domain list")).ShouldBe(0);
        var client = await ConnectAsync(program.LmtpSocket);
        (await client.Reader.ReadLineAsync())!.ShouldStartWith("220 ");
    }

    [Fact]
    public async Task A_command_waits_for_a_server_that_is_starting_or_stopping()
    {
        await using var program = new Program();
        (await program.RunAsync("domain add a.test")).ShouldBe(0);
        var store = await MailStore.OpenAsync(new StoreOptions { Directory = program.DataDirectory, MinimumFree = 0 }, TimeProvider.System, NullLogger.Instance);
        var asked = program.RunAsync("domain list");
        await Task.Delay(300, TestContext.Current.CancellationToken);
        asked.IsCompleted.ShouldBeFalse();
        await store.DisposeAsync();
        (await asked).ShouldBe(0);
        program.Output.ShouldContain("a.test");
    }

    [Fact]
    public async Task A_reload_takes_what_it_can_and_keeps_the_old_on_error()
    {
        await using var program = new Program();
        var server = await program.ServeAsync();

        program.WriteConfig("\"limits\": 7");
        server.Reload(program.Load);
        program.Logged().ShouldContain("not reloaded, the old configuration stays: ");
        program.Logged().ShouldContain("posthorn.json:5: limits: must be an object, not a number");

        program.WriteConfig("\"limits\": { \"connections\": 1, \"messageSize\": 100000 }");
        server.Reload(program.Load);
        program.Logged().ShouldContain("limits.messageSize has changed and needs a restart");
        program.Logged().ShouldNotContain("limits.connections has changed");
        var first = await ConnectAsync(program.LmtpSocket);
        (await first.Reader.ReadLineAsync())!.ShouldStartWith("220 ");
        var second = await ConnectAsync(program.LmtpSocket);
        (await second.Reader.ReadLineAsync())!.ShouldStartWith("421 4.3.2 ");
    }
}
