using System.Text;
using Posthorn.Smtp.Server;
using Posthorn.Tests.Unit.Storage;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery;

/// <summary>What a client is told when the disk is full or fails: never a 250, and nothing of the message is there.</summary>
public class FaultTests
{
    const int NoSpace = 28, IoError = 5;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(5_000)] // found at the commit
    [InlineData(300_000)] // found while the data comes, in the temporary file
    [InlineData(3_000_000)]
    public async Task A_full_disk_is_452_4_3_1_and_heals(int size)
    {
        var disk = new TestDisk();
        await using var rig = await Rig.OpenAsync(disk: disk);
        var text = "A: b\n\n" + string.Concat(Enumerable.Repeat(new string('x', 98) + "\n", size / 100));
        disk.WriteError = NoSpace;
        (await rig.SendAsync("bob@example.test", text)).Last.ShouldBe("452 4.3.1");
        (await rig.SendAsync(Rig.Stranger(SmtpService.Lmtp), Rig.From("x@far.example"), ["bob@example.test", "alice@example.test"], text)).Data.Select(Rig.Show).ShouldBe(["452 4.3.1", "452 4.3.1"]);
        disk.WriteError = 0;
        rig.Read("bob").ShouldBeEmpty();
        (await rig.SendAsync("bob@example.test", text)).Last.ShouldBe("250 2.0.0");
        rig.Read("bob").ShouldHaveSingleItem().Body.Length.ShouldBe(Encoding.UTF8.GetByteCount(text.ReplaceLineEndings("\r\n")));
    }

    [Fact]
    public async Task A_disk_that_is_full_for_the_notice_takes_the_message_neither()
    {
        var disk = new TestDisk();
        await using var rig = await Rig.OpenAsync(disk: disk);
        disk.WriteError = NoSpace;
        var sent = await rig.SendAsync(rig.Login("alice"), Rig.From("alice@example.test"), [Rig.To("bob@example.test") with { Notify = "SUCCESS" }], "From: alice@example.test\n\n");
        sent.Last.ShouldBe("452 4.3.1");
        disk.WriteError = 0;
        rig.Read("bob").ShouldBeEmpty();
        rig.Read("alice").ShouldBeEmpty();
    }

    [Theory]
    [InlineData(5_000)]
    [InlineData(3_000_000)]
    public async Task A_failed_sync_is_451_4_3_0_and_nothing_is_accepted_after_it(int size)
    {
        var disk = new TestDisk();
        await using var rig = await Rig.OpenAsync(disk: disk);
        var text = "A: b\n\n" + string.Concat(Enumerable.Repeat(new string('x', 98) + "\n", size / 100));
        // Two transactions that were under way before: one before its data, one with some of it.
        var (early, _) = await rig.Backend.MailAsync(Rig.Stranger(), Rig.From("a@far.example"), Ct);
        var (late, _) = await rig.Backend.MailAsync(Rig.Stranger(), Rig.From("b@far.example"), Ct);
        await using var first = early.ShouldNotBeNull();
        await using var second = late.ShouldNotBeNull();
        await first.RecipientAsync(Rig.To("bob@example.test"), Ct);
        await second.RecipientAsync(Rig.To("bob@example.test"), Ct);
        second.BeginData().ShouldBeNull();
        await second.WriteAsync("A: b\r\n\r\n"u8.ToArray(), Ct);

        disk.SyncError = IoError;
        (await rig.SendAsync("bob@example.test", text)).Last.ShouldBe("451 4.3.0");
        // The disk may say anything now: what the kernel has dropped is gone.
        disk.SyncError = 0;
        rig.Store.Poisoned.IsCompleted.ShouldBeTrue();
        Rig.Show((await rig.Backend.MailAsync(Rig.Stranger(), Rig.From("c@far.example"), Ct)).Refusal.ShouldNotBeNull()).ShouldBe("451 4.3.0");
        Rig.Show(first.BeginData().ShouldNotBeNull()).ShouldBe("451 4.3.0");
        await second.WriteAsync("more\r\n"u8.ToArray(), Ct);
        (await second.CommitAsync(false, Ct)).Select(Rig.Show).ShouldBe(["451 4.3.0"]);
        rig.Log.Lines.Count(l => l.Contains("could not be stored")).ShouldBe(2);
    }
}
