using Posthorn.Smtp.Server;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery;

public class QuotaTests
{
    static readonly string Kilobyte = "A: b\n\n" + new string('x', 992);

    [Fact]
    public async Task A_full_mailbox_is_refused_at_RCPT()
    {
        await using var rig = await Rig.OpenAsync(bobQuota: 3000);
        (await rig.SendAsync(Rig.Stranger(), Rig.From("x@far.example", size: 5000), ["bob@example.test"], "")).Rcpt.Select(Rig.Show).ShouldBe(["452 4.2.2"]);
        (await rig.SendAsync(Rig.Stranger(), Rig.From("x@far.example", size: 5000), ["bob@example.test", "alice@example.test"], Kilobyte)).Rcpt.Select(Rig.Show).ShouldBe(["452 4.2.2", "250 2.1.5"]);
        (await rig.SendAsync("bob@example.test", Kilobyte)).Last.ShouldBe("250 2.0.0");
        (await rig.SendAsync("bob@example.test", Kilobyte)).Last.ShouldBe("250 2.0.0");
        rig.Read("bob").Count.ShouldBe(2);
    }

    [Fact]
    public async Task Over_quota_at_the_end_of_the_data()
    {
        await using var rig = await Rig.OpenAsync(aliceQuota: 100, bobQuota: 100);
        (await rig.SendAsync("bob@example.test", Kilobyte)).Last.ShouldBe("452 4.2.2");
        (await rig.SendAsync("team@example.test", Kilobyte)).Last.ShouldBe("452 4.2.2");
        rig.Read("bob").ShouldBeEmpty();
    }

    [Fact]
    public async Task With_room_in_one_mailbox_the_others_may_be_over_by_one_message()
    {
        await using var rig = await Rig.OpenAsync(bobQuota: 100);
        (await rig.SendAsync("team@example.test", Kilobyte)).Last.ShouldBe("250 2.0.0");
        rig.Read("bob").Count.ShouldBe(1);
        (await rig.SendAsync("bob@example.test", Kilobyte)).Last.ShouldBe("452 4.2.2");
    }

    [Fact]
    public async Task Lmtp_has_one_reply_for_each_recipient_and_exact_quota()
    {
        await using var rig = await Rig.OpenAsync(bobQuota: 100);
        var sent = await rig.SendAsync(Rig.Stranger(SmtpService.Lmtp), Rig.From("x@far.example"), ["alice@example.test", "bob@example.test", "alice+work@example.test", "sales@example.test"], Kilobyte);
        sent.Data.Select(Rig.Show).ShouldBe(["250 2.0.0", "452 4.2.2", "250 2.0.0", "250 2.0.0"]);
        rig.Read("alice").Count.ShouldBe(1);
        rig.Read("alice", "Work").Count.ShouldBe(1);
        rig.Read("bob").ShouldBeEmpty();
        rig.Read("alice")[0].Prefix.ShouldContain("with LMTP id");
    }

    [Fact]
    public async Task A_quota_of_messages_counts_them()
    {
        await using var rig = await Rig.OpenAsync();
        await rig.Store.WriteAsync(u =>
        {
            var bob = u.Directory.Accounts().Single(a => a.LocalPart == "bob");
            u.Directory.UpdateAccount(bob with { MessageQuota = 2 });
            return 0;
        });
        (await rig.SendAsync("bob@example.test", Kilobyte)).Last.ShouldBe("250 2.0.0");
        var lmtp = await rig.SendAsync(Rig.Stranger(SmtpService.Lmtp), Rig.From("x@far.example"), ["bob@example.test", "alice@example.test"], Kilobyte);
        lmtp.Data.Select(Rig.Show).ShouldBe(["250 2.0.0", "250 2.0.0"]);
        (await rig.SendAsync(Rig.Stranger(), Rig.From("x@far.example"), ["bob@example.test"], "")).Rcpt.Select(Rig.Show).ShouldBe(["452 4.2.2"]);
        rig.Read("bob").Count.ShouldBe(2);
    }

    [Fact]
    public async Task Lmtp_answers_a_refusal_for_each_recipient()
    {
        await using var rig = await Rig.OpenAsync();
        var sent = await rig.SendAsync(Rig.Stranger(SmtpService.Lmtp), Rig.From(""), ["alice@example.test", "bob@example.test"], string.Concat(Enumerable.Repeat("Received: x\n", 50)) + "\n");
        sent.Data.Select(Rig.Show).ShouldBe(["554 5.4.6", "554 5.4.6"]);
    }
}
