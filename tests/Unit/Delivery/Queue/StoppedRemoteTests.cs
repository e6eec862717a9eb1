using System.Net;
using System.Text;
using Posthorn.Accounts;
using Posthorn.Delivery.Dsn;
using Posthorn.Delivery.Inbound;
using Posthorn.Delivery.Outbound;
using Posthorn.Dns;
using Posthorn.Storage.Events;
using Posthorn.Storage.Queue;
using Posthorn.Tests.Unit.Delivery.Outbound;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery.Queue;

/// <summary>
/// The other server is stopped: the story of a message of alice's, with the real store, agent, sockets and notices. Only the
/// clock is the test's, and the DNS: peer.example has one host, of which the test says at which address it is.
/// </summary>
public sealed class StoppedRemoteTests : IAsyncLifetime
{
    const string Stopped = "127.0.0.1", Running = "127.0.0.2";

    readonly FakeResolver _dns = new();
    SchedulerRig _rig = null!;
    ScriptedPeer _stopped = null!, _running = null!;
    Connector _connector = null!;
    DeliveryAgent _agent = null!;
    AccountDirectory _accounts = null!;
    long _alice;

    public async ValueTask InitializeAsync()
    {
        (_stopped, _running) = OutboundRig.Listen(p => new ScriptedPeer(p, "connect=refuse"), p => new ScriptedPeer(p, "good"));
        var options = SchedulerRig.Plain with { Port = _stopped.Port, PrivateNetworks = [IPNetwork.Parse("127.0.0.0/8")] };
        _rig = await SchedulerRig.OpenAsync(options, start: false);
        _alice = await _rig.Store.WriteAsync(u => u.Directory.AddAccount(u.Directory.AddDomain("example.test", null).Id, "alice", "Alice", null, 0, "en").Id);
        _accounts = new AccountDirectory(_rig.Store, new AccountOptions { DefaultDomain = "example.test" });
        _connector = new Connector(_rig.Clock);
        _rig.RealAgent = _agent = new DeliveryAgent(_dns, _rig.Store, _connector, options, new Random(7), _rig.Clock, _rig.Log);
        _rig.RealNotices = new NoticeMaker(_rig.Store, _accounts, new DeliveryOptions { Hostname = options.Hostname }, _rig.Clock, _rig.Log).MakeAsync;
        _rig.NewQueue();
        _dns.Mx("peer.example", (10, "mx1.peer.example"));
        _dns.Host("mx1.peer.example", Stopped);
        await _rig.Queue.StartAsync();
    }

    [Fact]
    public async Task It_waits_is_tried_at_the_configured_times_alice_is_told_after_4_hours_and_gets_it_back_after_5_days()
    {
        await _rig.AddAsync("alice@example.test", ["bob@peer.example"]);
        await _rig.SettleAsync();
        Attempts().ShouldBe([0]);
        _rig.Row("bob@peer.example").LastReply.ShouldContain("refused");

        await NextAsync(5);
        Attempts().ShouldBe([0, 15, 37.5, 71.25, 121.875, 197.812]);
        Notices().ShouldBeEmpty();

        await NextAsync();
        Attempts()[^1].ShouldBe(4 * 60);
        var late = Notices().ShouldHaveSingleItem();
        late.ShouldContain("Subject: Your message is late");
        late.ShouldContain("Action: delayed");
        late.ShouldContain("Will-Retry-Until: Thu, 26 Nov 2026 08:00:00 +0000");

        while (_rig.Row("bob@peer.example").State == RecipientState.Due) await NextAsync();
        var minutes = Attempts();
        minutes[6..9].ShouldBe([240, 410.859, 650.859]);
        for (var i = 8; i < minutes.Length - 1; i++) (minutes[i] - minutes[i - 1]).ShouldBe(4 * 60, 0.001);
        minutes[^1].ShouldBe(5 * 24 * 60);

        Notices().Count.ShouldBe(2);
        var back = Notices()[1];
        back.ShouldContain("Subject: Your message could not be delivered");
        back.ShouldContain("It was tried for 5 days and is given up now.");
        back.ShouldContain("Action: failed");
        back.ShouldContain("Final-Recipient: rfc822; bob@peer.example");
        var row = _rig.Row("bob@peer.example");
        (row.State, row.Attempts).ShouldBe((RecipientState.Failed, minutes.Length));
        var story = _rig.Story(row.Trace);
        story.Count(e => e.Kind == EventKind.Deferred).ShouldBe(minutes.Length - 1);
        story.Count(e => e.Kind == EventKind.Notified).ShouldBe(2);
        story.Count(e => e.Kind == EventKind.Bounced).ShouldBe(1);

        await _rig.LeapAsync(TimeSpan.FromHours(12));
        Attempts().Length.ShouldBe(minutes.Length);
        Notices().Count.ShouldBe(2);
        _running.Connections.ShouldBe(0);
    }

    [Fact]
    public async Task It_arrives_once_when_the_server_is_there_again_and_nobody_is_told_more()
    {
        await _rig.AddAsync("alice@example.test", ["bob@peer.example"]);
        await _rig.SettleAsync();
        await NextAsync(6);
        Notices().Count.ShouldBe(1);
        _dns.Host("mx1.peer.example", Running);
        await NextAsync();
        _rig.Row("bob@peer.example").State.ShouldBe(RecipientState.Delivered);
        _running.Messages.Count.ShouldBe(1);
        await _rig.LeapAsync(TimeSpan.FromHours(12));
        _running.Messages.Count.ShouldBe(1);
        Notices().Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_bounce_ends_after_2_days_with_one_word_to_the_postmaster_and_none_before()
    {
        await _rig.AddAsync("", ["bob@peer.example"]);
        await _rig.SettleAsync();
        while (_rig.Row("bob@peer.example").State == RecipientState.Due) await NextAsync();
        Attempts()[^1].ShouldBe(2 * 24 * 60);
        _rig.Row("bob@peer.example").State.ShouldBe(RecipientState.Failed);
        // With one account on the server, it is alice who reads the postmaster's mail.
        Notices().ShouldHaveSingleItem().ShouldContain("To: <postmaster@mail.example.test>");
    }

    /// <summary>To a second before the next attempt, when nothing may happen, and then to it.</summary>
    async Task NextAsync(int times = 1)
    {
        for (var n = 0; n < times; n++)
        {
            var before = Attempts().Length;
            await _rig.LeapAsync(_rig.Row("bob@peer.example").Due - _rig.Clock.GetUtcNow() - TimeSpan.FromSeconds(1));
            Attempts().Length.ShouldBe(before);
            await _rig.LeapAsync(TimeSpan.FromSeconds(1));
            Attempts().Length.ShouldBe(before + 1);
        }
    }

    /// <summary>When each attempt ended, by its story, in minutes since the message came.</summary>
    double[] Attempts() => [.. _rig.Story(_rig.Row("bob@peer.example").Trace)
        .Where(e => e.Kind is EventKind.Deferred or EventKind.Bounced or EventKind.Delivered)
        .Select(e => Math.Round((e.At - SchedulerRig.Start).TotalMinutes, 3))];

    /// <summary>What lies in alice's mailbox.</summary>
    List<string> Notices() => _rig.Store.Read(u =>
    {
        var inbox = u.Mailboxes.Find(_alice, "INBOX").ShouldNotBeNull();
        var texts = new List<string>();
        foreach (var message in u.Mailboxes.Load(_alice, [.. u.Mailboxes.Maildrop(_alice, inbox.Id).Select(e => e.MessageId)]))
        {
            using var body = _rig.Store.OpenBlob(message.Blob);
            var octets = new byte[body.Length];
            body.Read(0, octets).ShouldBe(octets.Length);
            texts.Add(Encoding.UTF8.GetString(octets));
        }
        return texts;
    });

    public async ValueTask DisposeAsync()
    {
        await _rig.DisposeAsync();
        await _agent.DisposeAsync();
        await _stopped.DisposeAsync();
        await _running.DisposeAsync();
        _connector.Dispose();
        _accounts.Dispose();
    }
}
