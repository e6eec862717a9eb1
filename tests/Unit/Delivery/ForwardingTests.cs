using System.Text.Json.Nodes;
using Posthorn.Delivery.Routing;
using Posthorn.Smtp.Server;
using Posthorn.Storage.Events;
using Posthorn.Wire.Addresses;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery;

/// <summary>What happens to a message that one of our addresses sends on: "away" is bob and friend@far.example.</summary>
public sealed class ForwardingTests
{
    const string Letter = "From: s@sender.example\nSubject: hi\n\nhello\n";

    static SmtpClientInfo Stranger(SmtpService service = SmtpService.Relay) => Rig.Stranger(service);

    static Task SetForward(Rig rig, string user, bool keep, params string[] to) => rig.Store.WriteAsync(u =>
    {
        u.Directory.UpdateAccount(u.Directory.Account(rig.Id(user))! with { Forward = to, KeepsForwarded = keep });
        return 0;
    }).AsTask();

    static Task<string> SenderOf(Rig rig, string address) => Task.FromResult(rig.Queued().Single(q => q.Address == address).ReversePath);

    [Fact]
    public async Task A_strangers_mail_is_sent_on_with_a_reverse_path_of_ours_and_its_bounce_goes_to_him()
    {
        await using var rig = await Rig.OpenAsync();
        var sent = await rig.SendAsync(Stranger(), Rig.From("s@sender.example"), ["away@example.test"], Letter);
        sent.Last.ShouldBe("250 2.0.0");
        var path = await SenderOf(rig, "friend@far.example");
        path.ShouldMatch("^SRS0=.{6}=..=sender\\.example=s@example\\.test$");
        rig.Read("bob").ShouldHaveSingleItem().Prefix.ShouldStartWith("Return-Path: <s@sender.example>\r\n"); // filed as it came
        rig.Story(sent.Id).Select(e => e.Kind).ShouldBe([EventKind.Received, EventKind.Filed, EventKind.Forwarded, EventKind.Queued]);
        var detail = JsonNode.Parse(rig.Story(sent.Id)[2].Detail)!.AsObject();
        (detail["to"]!.ToString(), detail["by"]!.ToString(), detail["address"]!.ToString(), detail["from"]!.ToString()).ShouldBe(("away@example.test", "away@example.test", "friend@far.example", path));

        var back = await rig.SendAsync(Stranger(), Rig.From(""), [path], "Subject: undelivered\n\n");
        back.Last.ShouldBe("250 2.0.0");
        var bounce = rig.Queued().Single(q => q.Address == "s@sender.example");
        (bounce.ReversePath, bounce.Original).ShouldBe(("", path));
    }

    [Fact]
    public async Task A_rewritten_address_takes_bounces_only_and_none_that_were_made_up()
    {
        await using var rig = await Rig.OpenAsync();
        await rig.SendAsync(Stranger(), Rig.From("s@sender.example"), ["away@example.test"], Letter);
        var path = await SenderOf(rig, "friend@far.example");
        (await rig.SendAsync(Stranger(), Rig.From("x@far.example"), [path], Letter)).Last.ShouldBe("550 5.7.1");
        (await rig.SendAsync(Stranger(), Rig.From(""), ["SRS0=AAAAAA" + path[11..]], Letter)).Last.ShouldBe("550 5.1.1");
        (await rig.SendAsync(Stranger(), Rig.From(""), [path.Replace("s@example.test", "victim@example.test")], Letter)).Last.ShouldBe("550 5.1.1");
        (await rig.SendAsync(Stranger(), Rig.From(""), [path.Replace("@example.test", "@other.test")], Letter)).Last.ShouldBe("250 2.0.0"); // a domain of ours is as good as another
        (await rig.SendAsync(Stranger(), Rig.From(""), [path.Replace("@example.test", "@far.example")], Letter)).Last.ShouldBe("550 5.7.1"); // relaying
    }

    [Theory]
    [InlineData("")]
    [InlineData("bob@example.test")]
    [InlineData("mallory@other.test")]
    public async Task Our_own_senders_and_the_null_sender_are_not_rewritten(string sender)
    {
        await using var rig = await Rig.OpenAsync();
        await rig.SendAsync(Stranger(), Rig.From(sender), ["away@example.test"], Letter);
        (await SenderOf(rig, "friend@far.example")).ShouldBe(sender);
    }

    [Fact]
    public async Task What_was_sent_to_an_address_itself_is_not_rewritten()
    {
        await using var rig = await Rig.OpenAsync();
        var client = Stranger();
        client.Trusted = true;
        await rig.SendAsync(client, Rig.From("s@sender.example"), ["away@example.test", "direct@far.example"], Letter);
        (await SenderOf(rig, "direct@far.example")).ShouldBe("s@sender.example");
        (await SenderOf(rig, "friend@far.example")).ShouldStartWith("SRS0=");
        rig.Queued().Select(q => q.MessageId).Distinct().Count().ShouldBe(2);
    }

    [Fact]
    public async Task An_account_sends_on_with_a_copy_or_without()
    {
        await using var rig = await Rig.OpenAsync();
        await SetForward(rig, "alice", false, "a@far.example");
        await SetForward(rig, "bob", true, "b@far.example", "b2@far.example");
        (await rig.SendAsync(Stranger(), Rig.From("s@sender.example"), ["alice@example.test", "bob@example.test"], Letter)).Last.ShouldBe("250 2.0.0");
        rig.Read("alice").ShouldBeEmpty();
        rig.Read("bob").ShouldHaveSingleItem();
        var queued = rig.Queued();
        queued.Select(q => q.Address).Order().ShouldBe(["a@far.example", "b2@far.example", "b@far.example"]);
        queued.Single(q => q.Address == "b@far.example").MessageId.ShouldBe(queued.Single(q => q.Address == "b2@far.example").MessageId);
        queued.Single(q => q.Address == "a@far.example").MessageId.ShouldNotBe(queued.Single(q => q.Address == "b@far.example").MessageId);
        Prefix(rig, "a@far.example").ShouldStartWith("Delivered-To: alice@example.test\r\nReceived: ");
    }

    static string Prefix(Rig rig, string address) => rig.Store.Read(r => System.Text.Encoding.UTF8.GetString(r.Queue.Message(rig.Queued().Single(q => q.Address == address).MessageId)!.Prefix));

    [Fact]
    public async Task What_comes_back_to_an_account_is_kept()
    {
        await using var rig = await Rig.OpenAsync();
        await SetForward(rig, "alice", false, "a@far.example");
        var sent = await rig.SendAsync(Stranger(), Rig.From("s@sender.example"), ["alice@example.test"], "Delivered-To: Alice@Example.test\n" + Letter);
        sent.Last.ShouldBe("250 2.0.0");
        rig.Read("alice").ShouldHaveSingleItem();
        rig.Queued().ShouldBeEmpty();
        (await rig.SendAsync(Stranger(), Rig.From("s@sender.example"), ["alice@example.test"], "Delivered-To: bob@example.test\n" + Letter)).Last.ShouldBe("250 2.0.0");
        rig.Queued().ShouldHaveSingleItem(); // somebody else's
    }

    [Fact]
    public async Task Loops_back_scatter_what_comes_back_to_an_alias_goes_nowhere()
    {
        await using var rig = await Rig.OpenAsync();
        await rig.Store.WriteAsync(u => u.Directory.AddAlias("out@example.test", ["o@far.example"]));
        var again = "Delivered-To: out@example.test\n" + Letter;
        (await rig.SendAsync(Stranger(), Rig.From("s@sender.example"), ["out@example.test"], again)).Last.ShouldBe("554 5.4.6");
        (await rig.SendAsync(Stranger(SmtpService.Lmtp), Rig.From("s@sender.example"), ["out@example.test"], again)).Last.ShouldBe("554 5.4.6");
        rig.Queued().ShouldBeEmpty();

        var mixed = await rig.SendAsync(Stranger(), Rig.From("s@sender.example"), ["out@example.test", "alice@example.test"], again, verbose: true);
        mixed.Last.ShouldBe("250 2.0.0");
        mixed.Data[^1].Lines[0].ShouldBe("<out@example.test>: not sent on to o@far.example again");
        rig.Queued().ShouldBeEmpty();
        rig.Read("alice").ShouldHaveSingleItem();
        rig.Story(mixed.Id).Select(e => e.Kind).ShouldBe([EventKind.Received, EventKind.Refused, EventKind.Filed]);
    }

    [Fact]
    public async Task A_route_takes_the_mail_of_a_domain_of_ours_unchanged()
    {
        await using var rig = await Rig.OpenAsync();
        await rig.Store.WriteAsync(u => u.Directory.AddRoute(1, "other.test", "lmtp:unix:/run/lists", ""));
        (await rig.SendAsync(Stranger(), Rig.From("s@sender.example"), ["anybody@other.test"], Letter)).Last.ShouldBe("250 2.0.0");
        (await SenderOf(rig, "anybody@other.test")).ShouldBe("s@sender.example");
        rig.Directory.Routes.Find(EmailAddress.TryParse("anybody@other.test")!, null).Transport.ToString().ShouldBe("lmtp:unix:/run/lists");
    }

    [Fact]
    public async Task A_notice_about_what_was_sent_on_goes_to_the_sender()
    {
        await using var rig = await Rig.OpenAsync();
        await rig.SendAsync(Stranger(), Rig.From("s@sender.example"), ["away@example.test"], Letter);
        var path = EmailAddress.TryParse(await SenderOf(rig, "friend@far.example"))!;
        rig.Backend.Router.SenderBehind(path).ShouldBe(EmailAddress.TryParse("s@sender.example"));
        rig.Backend.Router.RouteNotice(path).ShouldHaveSingleItem().ShouldBe(new Posthorn.Accounts.Destination.Foreign(EmailAddress.TryParse("s@sender.example")!));
        Srs.HasForm(path).ShouldBeTrue();
    }
}
