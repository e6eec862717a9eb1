using System.Text.Json.Nodes;
using Posthorn.Dns;
using Posthorn.Tests.Interop.Peers;
using Posthorn.Tests.Testing.Dns;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>A server that hands all its mail to another of ours, smart.test, which relays for those who log in; behind that a sink.</summary>
public sealed class SmartHostsFixture : IAsyncLifetime
{
    readonly DirectoryInfo _scratch = Directory.CreateTempSubdirectory("posthorn-smart-");

    public ScriptedDnsServer Dns { get; } = ScriptedDnsServer.Start();
    public RecordingSink Sink { get; } = new();
    public MailHost Client { get; private set; } = null!;
    public MailHost Smart { get; private set; } = null!;

    /// <summary>A file with a secret, readable for its owner only.</summary>
    public string Secret(string name, string text)
    {
        var file = Path.Combine(_scratch.FullName, name);
        File.WriteAllText(file, text + "\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return file;
    }

    public async ValueTask InitializeAsync()
    {
        var ct = CancellationToken.None;
        var port = Ports.FreeUdpAndTcp();
        Client = new MailHost(Path.Combine(_scratch.FullName, "client"), "client.test", Addresses.Own(), port);
        Smart = new MailHost(Path.Combine(_scratch.FullName, "smart"), "smart.test", Addresses.Own(), port);
        foreach (var name in (string[])["smart.test", "alias.test"]) Dns.Add(name, DnsType.A, Smart.Submission.Address.ToString());
        Client.Sections["relay"] = new JsonObject { ["trustedNetworks"] = new JsonArray("127.0.0.0/8") };
        await Client.CreateAsync(Dns.EndPoint, [], ct);
        await Smart.CreateAsync(Dns.EndPoint, ["relay@smart.test"], ct);
        await Smart.VerbAsync(["route", "default", $"smtp:127.0.0.1:{Sink.Port}"], ct);
        await Smart.StartAsync(ct);
        await Client.StartAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        if (Client is not null) await Client.DisposeAsync();
        if (Smart is not null) await Smart.DisposeAsync();
        await Dns.DisposeAsync();
        await Sink.DisposeAsync();
        _scratch.Delete(recursive: true);
    }
}

/// <summary>Smart hosts with a login and TLS.</summary>
public sealed class SmartHosts(SmartHostsFixture fixture) : IClassFixture<SmartHostsFixture>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>The account at the smart host; it may send as nobody else.</summary>
    const string Login = "relay@smart.test";

    MailHost Client => fixture.Client;

    async Task<(string Trace, string Id, string Text)> SendAsync(string to)
    {
        var id = Texts.NewId();
        var text = Texts.Dots(Login, to, id);
        return (await Client.SendAsync(Login, [to], text, Ct), id, text);
    }

    async Task<TakenMessage> ArrivedAsync(string id)
    {
        for (var waited = 0; ; waited += 50)
        {
            if (fixture.Sink.Taken.FirstOrDefault(m => m.Field("Message-ID") == $"<{id}@client.test>") is { } message) return message;
            if (waited > 30_000) throw new TimeoutException($"nothing came in 30 s\n{Client.Server!.Tail}\n{fixture.Smart.Server!.Tail}");
            await Task.Delay(50, Ct);
        }
    }

    Task RouteAsync(string domain, string host, string tls, string password = MailHost.Password) =>
        Client.VerbAsync(["route", "add", domain, $"smtp:{host}:{fixture.Smart.Submission.Port}", "--tls", tls, "--login", Login, "--password-file", fixture.Secret(domain, password)], Ct);

    /// <summary>What waits is shown with this reason by the list, by the message itself and by its story.</summary>
    async Task WaitsAsync(string trace, string reason)
    {
        var deferred = await Client.EventAsync(trace, "deferred", Ct);
        Assert.Contains(reason, deferred["reply"]!.GetValue<string>());
        foreach (var verb in (string[][])[["queue", "list"], ["queue", "show", trace], ["trace", trace]])
            Assert.Contains(reason, (await Client.VerbAsync(verb, Ct)).ReplaceLineEndings(" "));
    }

    [Fact]
    public async Task A_login_and_required_TLS()
    {
        await RouteAsync("required.test", "smart.test", "required");
        var (trace, id, text) = await SendAsync("you@required.test");
        var arrived = await ArrivedAsync(id);
        Texts.CheckExact(text, arrived.Octets);
        Assert.Equal((Login, "you@required.test"), (arrived.ReversePath, Assert.Single(arrived.Recipients)));
        Assert.StartsWith("TLS1.", (await Client.EventAsync(trace, "delivered", Ct))["tls"]!.GetValue<string>());
        // The smart host knows who brought it, and how.
        var story = (await fixture.Smart.JsonAsync(["trace", $"<{id}@client.test>"], Ct)).ToJsonString();
        Assert.Contains($"\"login\":\"{Login}\"", story);
        Assert.Contains("ESMTPSA", story);
    }

    [Fact]
    public async Task A_wrong_password_waits()
    {
        await RouteAsync("password.test", "smart.test", "required", password: "wrong");
        var (trace, _, _) = await SendAsync("you@password.test");
        await WaitsAsync(trace, "535 5.7.8");
        // Once the administrator has mended it, it goes.
        fixture.Secret("password.test", MailHost.Password);
        await Client.VerbAsync(["queue", "flush"], Ct);
        await Client.EventAsync(trace, "delivered", Ct);
    }

    [Fact]
    public async Task A_certificate_that_nobody_vouches_for_and_then_one_with_a_root()
    {
        await RouteAsync("verified.test", "smart.test", "verified");
        var (trace, id, text) = await SendAsync("you@verified.test");
        await WaitsAsync(trace, "certificate");
        Assert.DoesNotContain(fixture.Sink.Taken, m => m.Field("Message-ID") == $"<{id}@client.test>");

        // The administrator trusts the self-signed certificate of the smart host.
        var config = JsonNode.Parse(await File.ReadAllTextAsync(Client.ConfigFile, Ct))!;
        config["delivery"]!["roots"] = Directory.GetFiles(fixture.Smart.Directory, "self-signed.pem", SearchOption.AllDirectories).Single();
        await File.WriteAllTextAsync(Client.ConfigFile, config.ToJsonString(), Ct);
        await Client.StartAsync(Ct);
        await Client.VerbAsync(["queue", "flush"], Ct);
        Texts.CheckExact(text, (await ArrivedAsync(id)).Octets);
        Assert.EndsWith(", verified", (await Client.EventAsync(trace, "delivered", Ct))["tls"]!.GetValue<string>());

        // Another name of the same host is not in it.
        await RouteAsync("misnamed.test", "alias.test", "verified");
        var (misnamed, _, _) = await SendAsync("you@misnamed.test");
        await WaitsAsync(misnamed, "not alias.test");
    }

    [Fact]
    public async Task A_token_from_a_file()
    {
        Assert.SkipWhen(Peer.Missing("oauth") is not null, Peer.Missing("oauth") ?? "");
        await using var peer = await Peer.StartAsync("oauth", new PeerPlan(fixture.Sink.Port, null, 1_000_000), Ct);
        var token = fixture.Secret("token", "an-old-token");
        await Client.VerbAsync(["route", "add", "token.test", $"smtp:127.0.0.1:{peer.Port}", "--tls", "required", "--login", "me", "--token-file", token], Ct);
        var (trace, id, text) = await SendAsync("you@token.test");
        await WaitsAsync(trace, "535 5.7.8");
        fixture.Secret("token", PeerPlan.Token);
        await Client.VerbAsync(["queue", "flush"], Ct);
        Texts.CheckExact(text, (await ArrivedAsync(id)).Octets);
        Assert.Contains("\"tls\": true", peer.Log);
    }
}
