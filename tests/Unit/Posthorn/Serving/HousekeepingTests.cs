using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Serving;
using Posthorn.Tests.Testing.Time;
using Posthorn.Tests.Unit.Storage;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Serving;

public class HousekeepingTests
{
    [Fact]
    public async Task The_space_of_deleted_mail_comes_back_within_the_hour()
    {
        await using var rig = await StoreRig.OpenAsync(packSize: 40_000);
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        for (var i = 0; i < 30; i++) await rig.DeliverAsync(alice, inbox, RandomNumberGenerator.GetBytes(4000));
        var packs = () => Directory.EnumerateFiles(Path.Combine(rig.Root, "blobs"), "pack-*").Count();
        var before = packs();
        before.ShouldBeGreaterThan(2);
        await rig.Store.WriteAsync(u => u.Mailboxes.Expunge(alice, inbox, [.. Enumerable.Range(1, 30).Select(n => (uint)n)], "pop3"));

        var time = new FakeTimeProvider();
        await using (new Housekeeping(rig.Store, time, NullLogger.Instance))
        {
            time.Advance(TimeSpan.FromMinutes(59));
            packs().ShouldBe(before);
            time.Advance(TimeSpan.FromMinutes(1));
            for (var i = 0; i < 200 && packs() > 1; i++) await Task.Delay(50);
        }
        packs().ShouldBe(1);
    }
}
