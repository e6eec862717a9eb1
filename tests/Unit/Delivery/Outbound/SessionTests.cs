using System.Net.Sockets;
using System.Text;
using Posthorn.Accounts.Routes;
using Posthorn.Delivery.Outbound;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery.Outbound;

/// <summary>Sessions with other hosts: which are kept, how long, and what becomes of a message when one dies.</summary>
public sealed class SessionTests(OutboundStore store) : IClassFixture<OutboundStore>
{
    static void AllDelivered(DeliveryReport report) => report.Results.ShouldAllBe(r => r.Status == AttemptStatus.Delivered, string.Join(", ", report.Results.Select(r => r.Reply)));

    [Fact]
    public async Task One_session_carries_one_message_after_another()
    {
        await using var rig = new OutboundRig(store);
        for (var i = 0; i < 3; i++) AllDelivered(await rig.DeliverAsync(await rig.JobAsync()));
        rig.First.Connections.ShouldBe(1);
        rig.First.Messages.Count.ShouldBe(3);
        rig.First.Commands.Count(c => c.StartsWith("EHLO", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task A_session_carries_a_hundred_messages_and_no_more()
    {
        await using var rig = new OutboundRig(store);
        var job = await rig.JobAsync();
        for (var i = 0; i < 101; i++) AllDelivered(await rig.DeliverAsync(job));
        rig.First.Connections.ShouldBe(2);
    }

    [Fact]
    public async Task A_session_waits_for_half_a_minute()
    {
        await using var rig = new OutboundRig(store);
        var job = await rig.JobAsync();
        AllDelivered(await rig.DeliverAsync(job));
        rig.Clock.Advance(TimeSpan.FromSeconds(29));
        AllDelivered(await rig.DeliverAsync(job));
        rig.First.Connections.ShouldBe(1);
        rig.Clock.Advance(TimeSpan.FromSeconds(31));
        while (!rig.First.Commands.Contains("QUIT")) await Task.Delay(5, TestContext.Current.CancellationToken);
        AllDelivered(await rig.DeliverAsync(job));
        rig.First.Connections.ShouldBe(2);
    }

    [Fact]
    public async Task Sessions_that_are_kept_are_closed_with_a_word_when_delivery_ends()
    {
        var rig = new OutboundRig(store);
        AllDelivered(await rig.DeliverAsync(await rig.JobAsync()));
        await rig.Agent.DisposeAsync();
        rig.First.Commands.ShouldContain("QUIT");
        await rig.DisposeAsync();
    }

    [Theory]
    [InlineData("mail=ok|drop|ok")]
    [InlineData("mail=ok|421 4.4.2 idle too long|ok")]
    public async Task A_kept_session_that_dies_before_MAIL_is_replaced_without_a_word(string script)
    {
        await using var rig = new OutboundRig(store, script);
        var job = await rig.JobAsync();
        AllDelivered(await rig.DeliverAsync(job));
        AllDelivered(await rig.DeliverAsync(job));
        rig.First.Connections.ShouldBe(2);
        rig.Second.Connections.ShouldBe(0);
        rig.Log.Lines.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_kept_session_that_the_peer_has_closed_is_not_used()
    {
        await using var rig = new OutboundRig(store);
        var job = await rig.JobAsync();
        AllDelivered(await rig.DeliverAsync(job));
        rig.First.DropAll();
        AllDelivered(await rig.DeliverAsync(job));
        (rig.First.Connections, rig.Second.Connections).ShouldBe((2, 0));
    }

    [Fact]
    public async Task Sessions_of_one_policy_or_login_do_not_serve_another()
    {
        await using var rig = new OutboundRig(store, certificate: store.Certificate);
        var job = await rig.JobAsync();
        AllDelivered(await rig.DeliverAsync(job with { Route = RouteBook.Mx with { Settings = new(Tls: TlsPolicy.None) } }));
        var secured = await rig.DeliverAsync(job with { Route = RouteBook.Mx with { Settings = new(Tls: TlsPolicy.Required) } });
        secured.Results[0].Tls.ShouldNotBeNull().ShouldStartWith("TLS1.");
        rig.First.Connections.ShouldBe(2);
    }

    [Fact]
    public async Task A_host_whose_TLS_is_broken_is_remembered_for_ten_minutes()
    {
        await using var rig = new OutboundRig(store, "tls=broken|broken|ok", certificate: store.Certificate);
        var job = await rig.JobAsync();
        (await rig.DeliverAsync(job)).Results[0].Tls.ShouldBeNull();
        rig.First.Connections.ShouldBe(2); // with TLS, then in clear
        rig.First.DropAll();
        (await rig.DeliverAsync(job)).Results[0].Tls.ShouldBeNull();
        rig.First.Connections.ShouldBe(3); // in clear at once
        rig.First.DropAll();
        rig.Clock.Advance(TimeSpan.FromMinutes(10));
        (await rig.DeliverAsync(job)).Results[0].Tls.ShouldBeNull();
        rig.First.Connections.ShouldBe(5); // tried again
        rig.First.Commands.Count(c => c == "STARTTLS").ShouldBe(2);
    }

    [Fact]
    public async Task Results_name_the_host_its_words_and_its_TLS()
    {
        await using var rig = new OutboundRig(store, certificate: store.Certificate);
        var result = (await rig.DeliverAsync(await rig.JobAsync())).Results[0];
        result.Relay.ShouldBe($"mx1.peer.example[127.0.0.1]:{rig.First.Port}");
        result.Tls.ShouldNotBeNull().ShouldStartWith("TLS1.");
        (result.FromPeer, result.DsnPassed, result.Reply).ShouldBe((true, true, "250 2.0.0 taken as 77"));
    }

    [Fact]
    public async Task The_journal_hears_of_the_dot_before_and_of_the_answer_after()
    {
        await using var rig = new OutboundRig(store, "rcpt=ok|ok|550 5.1.1 no");
        await rig.DeliverAsync(await rig.JobAsync(["a@peer.example", "b@peer.example", "c@peer.example"]));
        rig.Journal.Notes.ShouldBe(["dot a@peer.example,b@peer.example,c@peer.example", "taken a@peer.example: 250 2.0.0 taken as 77", "taken b@peer.example: 250 2.0.0 taken as 77"]);
    }

    [Fact]
    public async Task The_journal_hears_nothing_where_no_text_was_sent()
    {
        await using var rig = new OutboundRig(store, "rcpt=550 5.1.1 no");
        await rig.DeliverAsync(await rig.JobAsync());
        rig.Journal.Notes.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("banner=silent")]
    [InlineData("mail=silent")]
    [InlineData("data=silent")]
    public async Task Stopping_breaks_off_what_has_not_sent_its_dot(string script)
    {
        await using var rig = new OutboundRig(store, script);
        using var stop = new CancellationTokenSource();
        var delivery = rig.Agent.DeliverAsync(await rig.JobAsync(), stop.Token).AsTask();
        while (!rig.First.Stalled) await Task.Delay(5, TestContext.Current.CancellationToken);
        await stop.CancelAsync();
        var result = (await delivery).Results[0];
        (result.Status, result.Enhanced).ShouldBe((AttemptStatus.Deferred, "4.3.2"));
        rig.Second.Connections.ShouldBe(0);
    }

    [Fact]
    public async Task Stopping_waits_for_the_answer_to_a_dot_that_was_sent()
    {
        await using var rig = new OutboundRig(store, "dot=silent");
        using var stop = new CancellationTokenSource();
        var delivery = rig.Agent.DeliverAsync(await rig.JobAsync(), stop.Token).AsTask();
        while (!rig.First.Stalled) await Task.Delay(5, TestContext.Current.CancellationToken);
        await stop.CancelAsync();
        delivery.IsCompleted.ShouldBeFalse();
        rig.First.DropAll();
        (await delivery).Results[0].NotBefore.ShouldBe(TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task LMTP_by_a_Unix_socket()
    {
        var path = Path.Combine(store.Rig.Root, "lmtp.sock");
        await using var peer = new ScriptedPeer(new UnixDomainSocketEndPoint(path), "dot=ok|450 4.2.2 full", lmtp: true);
        await using var rig = new OutboundRig(store);
        var job = await rig.JobAsync(["a@peer.example", "b@peer.example"], route: OutboundRig.Route(new Transport(TransportKind.Lmtp, Path: path)));
        var report = await rig.DeliverAsync(job);
        report.Results.Select(r => (r.Status, r.Enhanced, r.Relay)).ShouldBe([(AttemptStatus.Delivered, "2.0.0", path), (AttemptStatus.Deferred, "4.2.2", path)]);
        peer.Commands[0].ShouldBe("LHLO us.example");
    }

    [Fact]
    public async Task A_damaged_body_is_deferred_with_an_alarm()
    {
        await using var rig = new OutboundRig(store);
        var job = await rig.JobAsync();
        var bad = job with { Message = job.Message with { Blob = job.Message.Blob with { Hash = new byte[32] } } };
        var result = (await rig.DeliverAsync(bad)).Results[0];
        (result.Status, result.Enhanced).ShouldBe((AttemptStatus.Deferred, "4.3.0"));
        rig.Log.Lines.ShouldContain(l => l.Contains("cannot be read from the store"));
        rig.First.Messages.ShouldBeEmpty();
    }

    [Fact]
    public async Task Discard_delivers_to_nobody_and_hold_waits()
    {
        await using var rig = new OutboundRig(store);
        var discarded = (await rig.DeliverAsync(await rig.JobAsync(route: OutboundRig.Route(new Transport(TransportKind.Discard))))).Results[0];
        (discarded.Status, discarded.Enhanced, discarded.Relay).ShouldBe((AttemptStatus.Delivered, "2.0.0", null));
        (await rig.DeliverAsync(await rig.JobAsync(route: OutboundRig.Route(new Transport(TransportKind.Hold))))).Results[0].Status.ShouldBe(AttemptStatus.Deferred);
        rig.First.Connections.ShouldBe(0);
    }

    [Fact]
    public async Task What_is_sent_is_the_prefix_and_the_body_as_stored()
    {
        await using var rig = new OutboundRig(store);
        var text = "Subject: dots\r\n\r\n.\r\n..\r\nFrom here\r\n" + string.Concat(Enumerable.Range(0, 30_000).Select(i => $".line {i} of a long text to fill windows\r\n"));
        AllDelivered(await rig.DeliverAsync(await rig.JobAsync(text: Encoding.ASCII.GetBytes(text), prefix: "Received: from here\r\n")));
        rig.First.Message(0).ShouldBe("Received: from here\r\n" + text);
    }

    [Fact]
    public async Task A_weaker_peer_gets_encoded_parts_and_the_truth_about_them()
    {
        await using var rig = new OutboundRig(store, "offer=PIPELINING");
        var text = Encoding.UTF8.GetBytes("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\u00fc\u00dfe an alle, die es lesen\r\n");
        AllDelivered(await rig.DeliverAsync(await rig.JobAsync(text: text, body: "8BITMIME")));
        rig.First.Message(0).ShouldBe("Received: by us.example\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe an alle, die es lesen\r\n");
        rig.First.Commands.ShouldContain("MAIL FROM:<a@sender.example>");
    }

    [Theory]
    [InlineData("8BITMIME")]
    [InlineData("7BIT")]
    public async Task Octets_over_127_are_declared_whoever_forgot_it(string declared)
    {
        await using var rig = new OutboundRig(store, "offer=8BITMIME");
        AllDelivered(await rig.DeliverAsync(await rig.JobAsync(text: Encoding.UTF8.GetBytes("Subject: x\r\n\r\nGr\u00fc\u00dfe\r\n"), body: declared)));
        rig.First.Commands.ShouldContain("MAIL FROM:<a@sender.example> BODY=8BITMIME");
    }

    [Fact]
    public async Task The_words_of_a_peer_are_one_line_of_bounded_length()
    {
        await using var rig = new OutboundRig(store, "rcpt=550-5.1.1 first\u0007\u009b31m~550-5.1.1 " + new string('w', 1900) + "~550 5.1.1 last");
        var reply = (await rig.DeliverAsync(await rig.JobAsync())).Results[0].Reply;
        reply.ShouldStartWith("550 5.1.1 first?");
        reply.Length.ShouldBeLessThanOrEqualTo(1000);
        reply.ShouldNotContain(c => char.IsControl(c));
    }
}
