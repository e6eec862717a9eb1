using System.Net;
using System.Text.Json.Nodes;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>A server that retries every few seconds, and places at 127.0.0.22 to .24 where nothing listens so far.</summary>
public sealed class ImpatientHost : IAsyncLifetime
{
    readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("posthorn-retry-");
    NsdServer? _names;

    public const string Alice = "alice@a.test";

    public MailHost Host { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        if (NsdServer.Missing is not null) return;
        var ct = CancellationToken.None;
        _names = await NsdServer.StartAsync(new Dictionary<string, string>
        {
            ["test"] = NsdServer.Zone("test", """
                a A 127.0.0.21
                stopped MX 10 mx.stopped
                mx.stopped A 127.0.0.22
                back MX 10 mx.back
                mx.back A 127.0.0.23
                """),
        }, ct);
        Host = new MailHost(_home.FullName, "mx.a.test", "127.0.0.21", Ports.FreeUdpAndTcp());
        Host.Sections["delivery"] = new JsonObject { ["retryFirst"] = "1 s", ["retryGrowth"] = 50, ["delayNotice"] = "4 s", ["giveUp"] = "10 s" };
        await Host.CreateAsync(_names.EndPoint, [Alice], ct);
        await Host.StartAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        if (Host is not null) await Host.DisposeAsync();
        if (_names is not null) await _names.DisposeAsync();
        _home.Delete(recursive: true);
    }
}

/// <summary>What the scheduler's tests see with a moved clock, seen once with a real one.</summary>
public sealed class RetryInRealTime(ImpatientHost rig) : IClassFixture<ImpatientHost>
{
    const string Alice = ImpatientHost.Alice;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    static string Message(string to, string subject) => $"From: <{Alice}>\nTo: <{to}>\nSubject: {subject}\nMessage-ID: <{subject}@client.test>\n\nOne line.\n";

    [Fact]
    public async Task A_server_that_stays_away()
    {
        Assert.SkipWhen(NsdServer.Missing is not null, NsdServer.Missing ?? "");
        const string to = "bob@stopped.test";
        var id = await rig.Host.SubmitAsync(Alice, Alice, [to], Message(to, "nobody-there"), Ct);

        // It waits, and the queue says why.
        await rig.Host.EventAsync(id, "deferred", Ct);
        var waiting = (await rig.Host.JsonAsync(["queue", "list", "--recipient", to], Ct))["recipients"]!.AsArray().Single()!;
        Assert.Equal(id, waiting["id"]!.GetValue<string>());
        Assert.Contains("refused", waiting["lastReply"]!.GetValue<string>(), StringComparison.Ordinal);

        var bounced = await rig.Host.EventAsync(id, "bounced", Ct, seconds: 90);
        var events = (await rig.Host.JsonAsync(["trace", id], Ct))["events"]!.AsArray();
        var deferred = events.Where(e => e!["kind"]!.GetValue<string>() == "deferred").ToList();
        // A slow machine makes them fewer and later, never more or earlier: 0, 1, 2.5, 4 (the notice), 7.5, 10 s.
        Assert.True(deferred.Count is >= 2 and <= 6, events.ToJsonString());
        for (var i = 1; i < deferred.Count; i++)
            Assert.True(deferred[i]!["at"]!.GetValue<DateTimeOffset>() >= deferred[i - 1]!["detail"]!["next"]!.GetValue<DateTimeOffset>(), events.ToJsonString());
        Assert.Equal(deferred.Count + 1, bounced["attempts"]!.GetValue<int>());

        // One word that it is late, one that it is given up, both in the sender's mailbox and beside the message.
        var notices = (await rig.Host.FindAsync(Alice, "Status: 4.4.7", Ct)).Concat(await rig.Host.FindAsync(Alice, "Action: delayed", Ct)).ToList();
        Assert.Equal(2, notices.Count);
        var (given, late) = (notices[0], notices[1]);
        Assert.Equal(["Your message could not be delivered"], given.Header("Subject"));
        Assert.Contains("is given up now", given.Text.Replace("\r\n", " ", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("Action: failed", given.Text, StringComparison.Ordinal);
        Assert.Equal(["Your message is late"], late.Header("Subject"));
        Assert.Contains("It will be tried again and again until ", late.Text.Replace("\r\n", " ", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("Will-Retry-Until: ", late.Text, StringComparison.Ordinal);
        foreach (var notice in notices)
        {
            Assert.Equal(["<nobody-there@client.test>"], notice.Header("In-Reply-To"));
            Assert.True(notice.Text.Replace("\r\n", " ", StringComparison.Ordinal).Contains("No server of stopped.test could be reached", StringComparison.Ordinal), notice.Text);
        }
        await rig.Host.IdleAsync(Ct);
        Assert.Equal(2, (await rig.Host.FindAsync(Alice, "nobody-there@client.test", Ct)).Count);
        Assert.Equal(2, (await rig.Host.StoryAsync(id, Ct)).Count(e => e.Kind == "notified"));
    }

    [Fact]
    public async Task A_server_that_comes_back_in_time()
    {
        Assert.SkipWhen(NsdServer.Missing is not null, NsdServer.Missing ?? "");
        const string to = "bob@back.test";
        var id = await rig.Host.SubmitAsync(Alice, Alice, [to], Message(to, "back-soon"), Ct);
        await rig.Host.EventAsync(id, "deferred", Ct);
        await using var sink = new RecordingSink(IPAddress.Parse("127.0.0.23"), rig.Host.Smtp.Port);
        var taken = Assert.Single(await sink.WaitAsync(1, Ct));
        Assert.Equal((Alice, to), (taken.ReversePath, Assert.Single(taken.Recipients)));
        var delivered = await rig.Host.EventAsync(id, "delivered", Ct);
        Assert.True(delivered["attempts"]!.GetValue<int>() >= 2);
        await rig.Host.IdleAsync(Ct);
        Assert.DoesNotContain(await rig.Host.StoryAsync(id, Ct), e => e.Kind == "bounced");
        Assert.Single(sink.Taken);
    }
}
