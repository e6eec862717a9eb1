using System.Net.Security;
using System.Text;
using Posthorn.Tests.Testing.Time;
using Posthorn.Wire.Connections;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Pop3;

/// <summary>The rows of the threat table that concern POP3, one test each, named after the row.</summary>
public class ThreatTests
{
    [Fact]
    public async Task STARTTLS_command_injection()
    {
        await using var office = await PostOffice.OpenAsync();
        foreach (var injected in new[] { "NOOP\r\n", "USER user\r\nPASS pencil\r\n", "x" })
        {
            await using var client = await office.ConnectAsync("192.0.2.1");
            await client.SendAsync("STLS\r\n" + injected);
            (await client.LineAsync()).ShouldStartWith("-ERR");
            (await client.EndsAsync()).ShouldBeTrue();
        }
        // In the next segment, but before the handshake: TLS takes the octets for its own and fails.
        await using (var client = await office.ConnectAsync("192.0.2.1"))
        {
            (await client.AskAsync("STLS")).ShouldStartWith("+OK");
            await client.SendAsync("USER user\r\nPASS pencil\r\n");
            await client.EndsAsync();
        }
        office.Accounts.Asked.ShouldBeEmpty();
    }

    [Fact]
    public async Task STARTTLS_forgets_what_was_said_before()
    {
        await using var office = await PostOffice.OpenAsync();
        await using var client = await office.ConnectAsync();
        await client.AskAsync("USER user");
        await client.StartTlsAsync();
        (await client.AskAsync("PASS pencil")).ShouldStartWith("-ERR");
        (await client.AskAsync("STLS")).ShouldStartWith("-ERR");
        await client.AskAsync("CAPA");
        (await client.LinesAsync()).ShouldNotContain("STLS");
        await client.AskAsync("USER user");
        (await client.AskAsync("PASS pencil")).ShouldStartWith("+OK");
    }

    [Fact]
    public async Task No_login_before_TLS()
    {
        await using var office = await PostOffice.OpenAsync();
        foreach (var (address, plaintext) in new[] { ("192.0.2.1", true), ("127.0.0.1", false) })
        {
            office.Listener = office.Listener with { PlaintextLogin = plaintext };
            await using var client = await office.ConnectAsync(address);
            await client.AskAsync("CAPA");
            var capabilities = await client.LinesAsync();
            capabilities.ShouldContain("STLS");
            capabilities.ShouldNotContain("USER");
            capabilities.ShouldNotContain(c => c.StartsWith("SASL"));
            (await client.AskAsync("USER user")).ShouldStartWith("-ERR");
            (await client.AskAsync("PASS pencil")).ShouldStartWith("-ERR");
            (await client.AskAsync("AUTH PLAIN " + Convert.ToBase64String("\0user\0pencil"u8))).ShouldStartWith("-ERR");
        }
        office.Accounts.Asked.ShouldBeEmpty();
    }

    [Fact]
    public async Task Cross_protocol()
    {
        await using var office = await PostOffice.OpenAsync();
        await using (var browser = await office.ConnectAsync())
        {
            await browser.SendAsync("POST / HTTP/1.1\r\nHost: mail.example.test\r\n\r\nUSER user\r\nPASS pencil\r\nDELE 1\r\nQUIT\r\n");
            (await browser.LineAsync()).ShouldStartWith("-ERR");
            (await browser.EndsAsync()).ShouldBeTrue();
        }
        await using (var stranger = await office.ConnectAsync())
        {
            await stranger.SendAsync("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a>\r\nUSER user\r\nPASS pencil\r\n");
            for (var i = 0; i < 3; i++) (await stranger.LineAsync()).ShouldStartWith("-ERR");
            (await stranger.EndsAsync()).ShouldBeTrue();
        }
        office.Accounts.Asked.ShouldBeEmpty();
    }

    [Fact]
    public async Task Password_guessing()
    {
        await using var office = await PostOffice.OpenAsync();
        var answers = new HashSet<string>();
        await using var client = await office.ConnectAsync();
        for (var i = 0; i < 5; i++)
        {
            answers.Add("USER " + await client.AskAsync("USER " + (i % 2 == 0 ? "user" : "nobody")));
            answers.Add("PASS " + await client.AskAsync("PASS guess"));
        }
        answers.Count.ShouldBe(2); // the same words for known and unknown names
        (await client.EndsAsync()).ShouldBeTrue();
        office.Accounts.Asked.Count.ShouldBe(5);
    }

    [Fact]
    public async Task Auth_parser_DoS()
    {
        await using var office = await PostOffice.OpenAsync();
        await using (var client = await office.ConnectAsync())
        {
            (await client.AskAsync("AUTH PLAIN " + new string('A', 12_288))).ShouldStartWith("-ERR");
            (await client.AskAsync("AUTH PLAIN " + new string('A', 100_000))).ShouldStartWith("-ERR");
        }
        await using (var client = await office.ConnectAsync())
        {
            await client.AskAsync("AUTH PLAIN");
            (await client.AskAsync(new string('A', 100_000))).ShouldStartWith("-ERR");
        }
        office.Accounts.Asked.ShouldBeEmpty();
    }

    [Fact]
    public async Task Auth_parser_DoS_any_octets_in_any_state()
    {
        await using var office = await PostOffice.OpenAsync();
        await office.DeliverAsync("Subject: x\r\n\r\nx\r\n");
        var random = new Random(5034);
        string[] words = ["USER user", "PASS pencil", "AUTH", "AUTH PLAIN", "AUTH LOGIN", "AUTH SCRAM-SHA-256 biws", "=", "*", "RETR 1", "TOP 1 1", "LIST", "UIDL 1", "DELE 1", "RSET", "CAPA", "UTF8", "NOOP", "\r\n", "\n", "\0", " ", "ü", "AHVzZXIAcGVuY2ls"];
        for (var run = 0; run < 300; run++)
        {
            await using var client = await office.ConnectAsync(chunk: random.Next(4));
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 60)).Select(_ => words[random.Next(words.Length)] + (random.Next(5) > 0 ? "\r\n" : "")));
            await client.SendAsync(text);
            client.Drop();
            await client.EndsAsync();
        }
        office.Uids().Count.ShouldBe(1);
        await using var after = await office.LoginAsync();
    }

    [Theory]
    [InlineData("USER user\nPASS pencil\r\n")]
    [InlineData("USER us\rer\r\n")]
    [InlineData("USER us\0er\r\n")]
    [InlineData("NOOP\r\r\n")]
    public async Task Smuggling_only_CRLF_ends_a_command(string octets)
    {
        await using var office = await PostOffice.OpenAsync();
        await using var client = await office.ConnectAsync();
        await client.SendAsync(octets);
        (await client.LineAsync()).ShouldBe("-ERR only CRLF ends a line");
        await client.SendAsync(octets + octets);
        await client.LineAsync();
        await client.LineAsync();
        (await client.EndsAsync()).ShouldBeTrue();
        office.Accounts.Asked.ShouldBeEmpty();
    }

    [Fact]
    public async Task Slow_clients_before_login_end_at_the_deadline()
    {
        var clock = new FakeTimeProvider();
        using var watch = new DeadlineWatch(clock);
        await using var office = await PostOffice.OpenAsync(clock);
        await using var client = await office.ConnectAsync(watch: watch);
        for (var i = 0; i < 5; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(11));
            (await client.AskAsync("CAPA")).ShouldStartWith("+OK"); // busy, but no nearer to a login
            await client.LinesAsync();
        }
        await Task.Delay(50, TestContext.Current.CancellationToken);
        clock.Advance(TimeSpan.FromSeconds(11));
        (await client.EndsAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task TLS_close_inside_transfer()
    {
        await using var office = await PostOffice.OpenAsync();
        await office.DeliverAsync("Subject: x\r\n\r\nx\r\n");
        await using var client = await office.ConnectAsync("192.0.2.1");
        await client.StartTlsAsync();
        await client.AskAsync("USER user");
        await client.AskAsync("PASS pencil");
        await client.AskAsync("DELE 1");
        await client.Tls!.ShutdownAsync();
        await client.SendClearAsync("QUIT\r\n");
        await client.Session.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        office.Uids().Count.ShouldBe(1); // what comes in the clear after close_notify is nobody's command
    }
}
