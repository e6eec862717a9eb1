using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Posthorn.Dns;
using Posthorn.Tests.Interop.Peers;
using Posthorn.Tests.Testing.Dns;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>A server of ours whose resolver breaks as the test wants, and a sink at the address to which all domains' exchangers lead.</summary>
public sealed class DnsTroublesFixture : IAsyncLifetime
{
    readonly DirectoryInfo _scratch = Directory.CreateTempSubdirectory("posthorn-dns-");

    public ScriptedDnsServer Dns { get; } = ScriptedDnsServer.Start();
    public RecordingSink Sink { get; private set; } = null!;
    public MailHost Host { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var ct = CancellationToken.None;
        Sink = new RecordingSink(IPAddress.Parse(Addresses.Own()));
        Host = new MailHost(Path.Combine(_scratch.FullName, "here"), "here.test", Addresses.Own(), Ports.FreeUdpAndTcp());
        // The sink's port is the one of other mail servers.
        Host.Sections["delivery"] = new JsonObject { ["port"] = Sink.Port };
        await Host.CreateAsync(Dns.EndPoint, ["me@here.test"], ct);
        await Host.StartAsync(ct);
    }

    /// <summary>A domain with an exchanger at the sink.</summary>
    public void Add(string domain, IPAddress? at = null)
    {
        Dns.Add(domain, DnsType.Mx, "10 mx." + domain, ttl: 1);
        Dns.Add("mx." + domain, DnsType.A, (at ?? Sink.Address).ToString(), ttl: 1);
    }

    public async ValueTask DisposeAsync()
    {
        if (Host is not null) await Host.DisposeAsync();
        if (Sink is not null) await Sink.DisposeAsync();
        await Dns.DisposeAsync();
        _scratch.Delete(recursive: true);
    }
}

/// <summary>A DNS that is down, slow or lies: mail waits, nobody gets a bounce, and it goes when the DNS is well again.</summary>
public sealed class DnsTroubles(DnsTroublesFixture fixture) : IClassFixture<DnsTroublesFixture>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    MailHost Host => fixture.Host;

    async Task<(string Trace, string Id, string Text)> SubmitAsync(string domain)
    {
        var id = Texts.NewId();
        var text = Texts.Dots("me@here.test", "you@" + domain, id);
        return (await Host.SubmitAsync("me@here.test", "me@here.test", ["you@" + domain], text, Ct), id, text);
    }

    /// <summary>It waits for its next attempt, and says why.</summary>
    async Task WaitsAsync(string trace, string reason)
    {
        var deferred = await Host.EventAsync(trace, "deferred", Ct, seconds: 120);
        Assert.StartsWith("4.", deferred["status"]!.GetValue<string>());
        Assert.Contains(reason, deferred["reply"]!.GetValue<string>());
        var shown = (await Host.JsonAsync(["queue", "show", trace], Ct)).ToJsonString();
        Assert.Contains("\"due\"", shown);
        Assert.DoesNotContain(await Host.StoryAsync(trace, Ct), e => e.Kind is "bounced" or "notified");
    }

    /// <summary>After a flush, or a few where what was heard before is still kept for a moment, it arrives as it was sent, once.</summary>
    async Task ArrivesAsync((string Trace, string Id, string Text) sent)
    {
        for (var clock = Stopwatch.StartNew(); ;)
        {
            if (!fixture.Sink.Taken.Any(m => m.Field("Message-ID") == $"<{sent.Id}@client.test>")) await Host.VerbAsync(["queue", "flush"], Ct);
            for (var waited = 0; waited < 2000; waited += 50)
            {
                if (fixture.Sink.Taken.FirstOrDefault(m => m.Field("Message-ID") == $"<{sent.Id}@client.test>") is { } message)
                {
                    Texts.CheckExact(sent.Text, message.Octets);
                    await Host.EventAsync(sent.Trace, "delivered", Ct);
                    Assert.Single(fixture.Sink.Taken, m => m.Field("Message-ID") == $"<{sent.Id}@client.test>");
                    Assert.DoesNotContain(await Host.StoryAsync(sent.Trace, Ct), e => e.Kind is "bounced" or "notified");
                    return;
                }
                await Task.Delay(50, Ct);
            }
            if (clock.Elapsed.TotalSeconds > 60) throw new TimeoutException($"nothing came in 60 s\n{string.Join('\n', await Host.StoryAsync(sent.Trace, Ct))}\n{Host.Server!.Tail}");
        }
    }

    [Fact]
    public async Task Broken_in_many_ways_and_then_well()
    {
        (DnsFault Fault, string Domain)[] faults = [(DnsFault.Silence, "down.test"), (DnsFault.Slow, "slow.test"), (DnsFault.ServFail, "failing.test"), (DnsFault.Refused, "refusing.test"),
            (DnsFault.WrongId, "ids.test"), (DnsFault.WrongQuestion, "questions.test"), (DnsFault.Garbage, "garbage.test")];
        fixture.Dns.Delay = TimeSpan.FromSeconds(30);
        var sent = new List<(string Trace, string Id, string Text)>();
        foreach (var (fault, domain) in faults)
        {
            fixture.Add(domain);
            fixture.Dns.Break(domain, fault);
            sent.Add(await SubmitAsync(domain));
        }
        for (var i = 0; i < faults.Length; i++) await WaitsAsync(sent[i].Trace, faults[i].Domain);
        foreach (var (_, domain) in faults) fixture.Dns.Break(domain, DnsFault.None);
        foreach (var one in sent) await ArrivesAsync(one);
    }

    [Fact]
    public async Task No_resolver_at_all_until_the_configuration_names_one()
    {
        fixture.Add("unheard.test");
        await ResolverAsync(Ports.Loopback(Ports.FreeUdpAndTcp()));
        var sent = await SubmitAsync("unheard.test");
        await WaitsAsync(sent.Trace, "unheard.test");
        await ResolverAsync(fixture.Dns.EndPoint);
        await ArrivesAsync(sent);
    }

    /// <summary>Starts the server anew with this resolver.</summary>
    async Task ResolverAsync(IPEndPoint resolver)
    {
        var config = JsonNode.Parse(await File.ReadAllTextAsync(Host.ConfigFile, Ct))!;
        config["dns"]!["servers"] = new JsonArray(resolver.ToString());
        await File.WriteAllTextAsync(Host.ConfigFile, config.ToJsonString(), Ct);
        await Host.StartAsync(Ct);
    }

    [Fact]
    public async Task A_domain_that_is_not_there_for_a_moment()
    {
        fixture.Dns.NegativeTtl = 1;
        var sent = await SubmitAsync("gone.test"); // NXDOMAIN
        await WaitsAsync(sent.Trace, "gone.test");
        fixture.Add("gone.test");
        await ArrivesAsync(sent);
    }

    [Fact]
    public async Task An_exchanger_without_an_address_for_a_moment()
    {
        fixture.Dns.NegativeTtl = 1;
        fixture.Dns.Add("bare.test", DnsType.Mx, "10 mx.bare.test", ttl: 1);
        var sent = await SubmitAsync("bare.test");
        await WaitsAsync(sent.Trace, "bare.test");
        fixture.Dns.Add("mx.bare.test", DnsType.A, fixture.Sink.Address.ToString(), ttl: 1);
        await ArrivesAsync(sent);
    }

    [Fact]
    public async Task A_forged_answer_is_not_believed()
    {
        fixture.Add("forged.test");
        fixture.Dns.Break("mx.forged.test", DnsFault.Forged);
        await ArrivesAsync(await SubmitAsync("forged.test"));
    }
}
