using System.Net;
using System.Text.Json;
using Posthorn.Tests.Testing.Running;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Interop;

/// <summary>Routes and forwarding as an administrator types them, on a running server.</summary>
public sealed class ForwardedMail(ConfiguredFixture fixture) : IClassFixture<ConfiguredFixture>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    async Task<string> VerbAsync(params string[] arguments) => (await fixture.Installation.VerbAsync(arguments, Ct)).Output;

    async Task<string> SendAsync(string from, string to, string message = "Subject: hi\r\n\r\nhello")
    {
        await using var client = await LineClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, fixture.Installation.Smtp), Ct);
        await client.ReplyAsync(Ct);
        await client.CommandAsync("EHLO client.example", Ct);
        (await client.CommandAsync($"MAIL FROM:<{from}>", Ct)).ShouldStartWith("250");
        var rcpt = await client.CommandAsync($"RCPT TO:<{to}>", Ct);
        if (!rcpt.StartsWith("250", StringComparison.Ordinal)) return rcpt;
        (await client.CommandAsync("DATA", Ct)).ShouldStartWith("354");
        foreach (var line in message.Split("\r\n")) await client.SendAsync(line, Ct);
        return await client.CommandAsync(".", Ct);
    }

    [Fact]
    public async Task The_routes_of_the_handbook()
    {
        (await VerbAsync("route", "add", "*.corp.example", "smtp:relay.corp.example:25")).ShouldContain("Added the route *.corp.example: smtp:relay.corp.example:25.");
        await VerbAsync("route", "add", "--sender", "*@shop.example", "smtp:out.shop.example:587");
        (await VerbAsync("address", "explain", "x@a.corp.example")).ShouldContain("x@a.corp.example: route *.corp.example: smtp:relay.corp.example:25");
        (await VerbAsync("address", "explain", "x@far.example", "--sender", "me@shop.example")).ShouldContain("route sender shop.example: smtp:out.shop.example:587");
        (await VerbAsync("address", "explain", "x@far.example")).ShouldContain("no route: mail exchangers of far.example by DNS");
        await VerbAsync("route", "remove", "*.corp.example");
        await VerbAsync("route", "remove", "--sender", "*@shop.example");
    }

    [Fact]
    public async Task An_alias_to_two_foreign_addresses_and_the_way_back()
    {
        await VerbAsync("route", "add", "far.example", "hold");
        await VerbAsync("route", "add", "sender.example", "hold");
        await VerbAsync("alias", "add", "friends@example.test", "a@far.example", "b@far.example");
        (await SendAsync("s@sender.example", "friends@example.test")).ShouldStartWith("250 2.0.0");
        var path = await PathAsync("a@far.example");
        path.ShouldMatch("^SRS0=[A-Z2-7]{6}=[A-Z2-7]{2}=sender\\.example=s@example\\.test$");
        (await PathAsync("b@far.example")).ShouldBe(path);

        (await SendAsync("", path)).ShouldStartWith("250 2.0.0");
        (await PathAsync("s@sender.example")).ShouldBe("");
        (await SendAsync("x@far.example", path)).ShouldStartWith("550 5.7.1");
        (await SendAsync("", "SRS0=AAAAAA" + path[11..])).ShouldStartWith("550 5.1.1");
        (await VerbAsync("address", "explain", path)).ShouldContain("bounces to it go to s@sender.example");
        await VerbAsync("srs", "rotate");
        (await SendAsync("", path.ToLowerInvariant())).ShouldStartWith("250 2.0.0"); // the key before is believed
    }

    [Fact]
    public async Task A_forward_and_a_loop()
    {
        await VerbAsync("route", "add", "away.example", "hold");
        await VerbAsync("account", "forward", "user1@example.test", "--to", "user1@away.example", "--no-keep");
        (await SendAsync("s@sender.example", "user1@example.test")).ShouldStartWith("250 2.0.0");
        (await PathAsync("user1@away.example")).ShouldStartWith("SRS0=");
        (await VerbAsync("account", "show", "user1@example.test")).ShouldContain("user1@away.example, keeping nothing");
        (await SendAsync("s@sender.example", "user1@example.test", "Delivered-To: user1@example.test\r\nSubject: back again\r\n\r\nhello")).ShouldStartWith("250 2.0.0");
        (await VerbAsync("account", "show", "user1@example.test")).ShouldContain("1 messages");
        await VerbAsync("account", "forward", "user1@example.test", "--off");
    }

    /// <summary>The reverse-path of what waits for an address.</summary>
    async Task<string> PathAsync(string address)
    {
        using var list = JsonDocument.Parse(await VerbAsync("queue", "list", "--all", "--recipient", address, "--json"));
        return list.RootElement.GetProperty("recipients")[0].GetProperty("sender").GetString()!;
    }
}
