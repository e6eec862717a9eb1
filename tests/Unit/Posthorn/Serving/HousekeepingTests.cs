using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Mime.Structure;
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

    [Fact]
    public async Task What_ties_threads_to_deleted_mail_is_forgotten()
    {
        await using var rig = await StoreRig.OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        await using var blob = rig.Store.NewBlob();
        blob.Write("x"u8);
        await rig.Store.WriteAsync(u =>
        {
            var body = u.Store(blob);
            for (var i = 1; i <= 600; i++) u.Mailboxes.Deliver(alice, inbox, StoreRig.Message(body, default) with { Links = [i] });
            return u.Mailboxes.Expunge(alice, inbox, [.. Enumerable.Range(1, 600).Where(static n => n != 7).Select(static n => (uint)n)], "pop3");
        });
        var time = new FakeTimeProvider();
        await using (new Housekeeping(rig.Store, time, NullLogger.Instance))
        {
            time.Advance(TimeSpan.FromHours(1));
            for (var i = 0; i < 400 && rig.Store.Read(u => u.Threads.Loose(1)).Count > 0; i++) await Task.Delay(50);
        }
        rig.Store.Read(u => u.Threads.Loose(1)).ShouldBeEmpty();
        await rig.Store.WriteAsync(u => u.Mailboxes.Expunge(alice, inbox, [7], "pop3"));
        rig.Store.Read(u => u.Threads.Loose(10)).ShouldHaveSingleItem().Link.ShouldBe(7);
    }

    [Fact]
    public async Task Mail_from_before_there_were_threads_gets_them()
    {
        await using var rig = await StoreRig.OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var ids = new List<long>();
        for (var i = 0; i < 120; i++)
        {
            var octets = Encoding.ASCII.GetBytes($"Message-ID: <{i}@x>\r\nSubject: Re: a\r\n{(i < 10 ? "" : $"References: <{i - 10}@x>\r\n")}\r\nbody");
            await using var blob = rig.Store.NewBlob();
            blob.Write(octets);
            ids.Add(await rig.Store.WriteAsync(u => u.Mailboxes.Deliver(alice, inbox, StoreRig.Message(u.Store(blob), default) with { Structure = PartTree.Encode(PartTree.Read(octets)) }).MessageId));
        }
        await rig.Store.WriteAsync(u => { u.Session.RunScript($"UPDATE accounts SET thread_next = id * 1099511627776, thread_end = {ids[^5]}"); return 0; });
        var time = new FakeTimeProvider();
        await using (new ThreadKeeping(rig.Store, time, NullLogger.Instance))
            for (var i = 0; i < 1000 && rig.Store.Read(u => u.Threads.Unfinished()).Count > 0; i++)
            {
                time.Advance(TimeSpan.FromSeconds(1));
                await Task.Delay(10);
            }
        rig.Store.Read(u => u.Threads.Unfinished()).ShouldBeEmpty();
        var threads = rig.Store.Read(u => ids.Select(i => u.Threads.Of(i)!.Value).ToList());
        for (var i = 0; i < 115; i++) threads[i].ShouldBe(ids[i % 10]);
        for (var i = 115; i < 120; i++) threads[i].ShouldBe(ids[i]); // not of before
    }
}
