using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Serving;
using Posthorn.Storage.Archives;
using Posthorn.Tests.Testing.Time;
using Posthorn.Tests.Unit.Storage;
using Posthorn.Transfer.Archives;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Transfer;

/// <summary>Archives have what they say they have, and rules remove nothing else.</summary>
public sealed class ArchiveTests : IDisposable
{
    readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("posthorn-archive-");

    public void Dispose() => _home.Delete(recursive: true);

    static async Task<(StoreRig Rig, long Account, long Inbox)> RigAsync(int messages)
    {
        var rig = await StoreRig.OpenAsync();
        var (account, inbox) = await rig.AddAccountAsync("alice");
        for (var i = 0; i < messages; i++) await rig.DeliverAsync(account, inbox, $"Subject: {i}\r\n\r\nFrom {i}\r\n");
        return (rig, account, inbox);
    }

    Task<ArchiveRow> AddAsync(StoreRig rig, long account, ArchiveFormat format, TimeSpan every) =>
        rig.Store.WriteAsync(u => u.Archives.Set(account, Path.Combine(_home.FullName, format.ToString()), format, every, DateTimeOffset.UnixEpoch)).AsTask();

    string[] Files(ArchiveFormat format) => Directory.GetFiles(Path.Combine(_home.FullName, format.ToString(), format == ArchiveFormat.Maildir ? "cur" : ""));

    [Theory]
    [InlineData(ArchiveFormat.Maildir)]
    [InlineData(ArchiveFormat.Mbox)]
    public async Task Only_what_an_archive_has_is_removed(ArchiveFormat format)
    {
        var (rig, account, inbox) = await RigAsync(5);
        await using var _ = rig;
        var archive = await AddAsync(rig, account, format, TimeSpan.Zero);
        var (archiver, retention) = (new Archiver(rig.Store, rig.Clock), new Retention(rig.Store, rig.Clock));
        (await archiver.RunAsync(archive, default)).Written.ShouldBe(5);
        (await archiver.RunAsync(archive, default)).Known.ShouldBe(5);
        await rig.DeliverAsync(account, inbox, "Subject: late\r\n\r\n");
        await rig.Store.WriteAsync(u => { u.Retentions.Set(account, "INBOX", TimeSpan.FromDays(30), archived: true); return true; });
        var rule = rig.Store.Read(u => u.Retentions.All()).ShouldHaveSingleItem();

        (await retention.RunAsync(rule, default)).ShouldBe(new RetentionReport(rule, 0, 0));
        rig.Clock.Offset = TimeSpan.FromDays(31);
        // One octet of one message is another one: its archive proves nothing any more.
        var file = Files(format)[0];
        var octets = File.ReadAllBytes(file);
        octets[^3] ^= 1;
        File.WriteAllBytes(file, octets);
        (await retention.RunAsync(rule, default)).ShouldBe(new RetentionReport(rule, 4, 2));
        rig.Mailbox(account, inbox).Messages.ShouldBe(2);

        if (format == ArchiveFormat.Mbox) File.Delete(file);
        (await archiver.RunAsync(archive, default)).Written.ShouldBe(2);
        (await retention.RunAsync(rule, default)).ShouldBe(new RetentionReport(rule, 2, 0));
        rig.Mailbox(account, inbox).Messages.ShouldBe(0);
    }

    [Fact]
    public async Task A_rule_without_an_archive_removes_by_age_alone_and_only_in_its_mailbox()
    {
        var (rig, account, inbox) = await RigAsync(3);
        await using var _ = rig;
        var sent = (await rig.Store.WriteAsync(u => u.Mailboxes.Create(account, "Sent"))).Id;
        await rig.DeliverAsync(account, sent, "Subject: x\r\n\r\n");
        await rig.Store.WriteAsync(u => { u.Retentions.Set(account, "INBOX", TimeSpan.FromDays(30), archived: false); return true; });
        var rule = rig.Store.Read(u => u.Retentions.All())[0];
        rig.Clock.Offset = TimeSpan.FromDays(20);
        await rig.DeliverAsync(account, inbox, "Subject: young\r\n\r\n");
        rig.Clock.Offset = TimeSpan.FromDays(31);
        (await new Retention(rig.Store, rig.Clock).RunAsync(rule, default)).Removed.ShouldBe(3);
        (rig.Mailbox(account, inbox).Messages, rig.Mailbox(account, sent).Messages).ShouldBe((1, 1));
        // A rule that was taken away while it ran removes nothing.
        await rig.Store.WriteAsync(u => u.Retentions.Remove(account, "INBOX"));
        rig.Clock.Offset = TimeSpan.FromDays(99);
        (await new Retention(rig.Store, rig.Clock).RunAsync(rule, default)).Removed.ShouldBe(0);
    }

    [Fact]
    public async Task The_running_server_archives_when_it_is_time_and_goes_with_the_account()
    {
        var (rig, account, inbox) = await RigAsync(2);
        await using var _ = rig;
        var archive = await AddAsync(rig, account, ArchiveFormat.Maildir, TimeSpan.FromDays(1));
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        await using (new MailKeeping(rig.Store, time, NullLogger.Instance))
        {
            time.Advance(TimeSpan.FromMinutes(1));
            for (var i = 0; i < 400 && rig.Store.Read(u => u.Archives.All())[0].Finished is null; i++) await Task.Delay(25);
        }
        var row = rig.Store.Read(u => u.Archives.All())[0];
        row.Finished.ShouldNotBeNull();
        row.Due.ShouldBe(row.Finished.Value.AddDays(1));
        Files(ArchiveFormat.Maildir).Length.ShouldBe(2);
        await rig.Store.WriteAsync(u => { u.Directory.RemoveAccount(account); return true; });
        rig.Store.Read(u => u.Archives.All()).ShouldBeEmpty();
        Files(ArchiveFormat.Maildir).Length.ShouldBe(2);
    }

    [Fact]
    public async Task A_directory_that_cannot_be_written_to_is_told_of()
    {
        var (rig, account, _) = await RigAsync(1);
        await using var guard = rig;
        var archive = await AddAsync(rig, account, ArchiveFormat.Maildir, TimeSpan.FromDays(1));
        File.WriteAllText(archive.Directory, "a file");
        await Should.ThrowAsync<IOException>(() => new Archiver(rig.Store, rig.Clock).RunAsync(archive, default));
        var row = rig.Store.Read(u => u.Archives.All())[0];
        row.Failure.ShouldNotBeEmpty();
        row.Due.ShouldBeLessThan(rig.Clock.GetUtcNow().AddHours(2));
    }
}
