using Posthorn.Storage.Messages;
using Posthorn.Storage.Sharing;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

/// <summary>Rights, annotations and keys of URLs, on both engines.</summary>
public abstract class SharingSuite : StoreSuite
{
    [Fact]
    public async Task Rights_are_granted_found_and_go_with_what_they_are_about()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var (bob, _) = await rig.AddAccountAsync("bob");
        await DoAsync(rig, u =>
        {
            u.Rights.Set(inbox, bob, "lr");
            u.Rights.Set(inbox, bob, "lrs");
            u.Rights.Set(inbox, RightsTable.Anyone, "l");
        });
        rig.Store.Read(u =>
        {
            u.Rights.List(inbox).ShouldBe([(RightsTable.Anyone, "l"), (bob, "lrs")]);
            u.Rights.Of(inbox, bob).Order().ShouldBe("lrsl".Order());
            u.Rights.With(bob).ShouldHaveSingleItem().Mailbox.Id.ShouldBe(inbox);
            u.Rights.With(alice).ShouldBeEmpty();
            var address = u.Rights.Address(alice)!;
            address.ShouldStartWith("alice@");
            u.Rights.Account(address).ShouldBe(alice);
            u.Rights.Account("alice").ShouldBeNull();
            return u.Rights.Account("nobody" + address["alice".Length..]);
        }).ShouldBeNull();
        await DoAsync(rig, u => u.Rights.Set(inbox, RightsTable.Anyone, ""));
        await DoAsync(rig, u => u.Directory.RemoveAccount(bob));
        rig.Store.Read(u => u.Rights.List(inbox)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Annotations_and_keys_belong_to_a_mailbox_and_an_account()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var (bob, _) = await rig.AddAccountAsync("bob");
        var box = (await rig.Store.WriteAsync(u => u.Mailboxes.Create(alice, "box"))).Id;
        await DoAsync(rig, u =>
        {
            u.Annotations.Set(inbox, bob, "/comment", [0, 1, 255]);
            u.Annotations.Set(inbox, AnnotationTable.Shared, "/comment", "a"u8.ToArray());
            u.Annotations.Set(inbox, AnnotationTable.Shared, "/comment", "b"u8.ToArray());
            u.Annotations.Set(AnnotationTable.Server, bob, "/x", []);
            u.Annotations.Copy(inbox, box);
            u.UrlKeys.Set(box, bob, [1]);
            u.UrlKeys.Set(box, bob, [2]);
            u.UrlKeys.Set(inbox, alice, [3]);
        });
        rig.Store.Read(u => u.Annotations.List(box, bob)).ShouldHaveSingleItem().Value.ShouldBe([0, 1, 255]);
        rig.Store.Read(u => u.Annotations.List(box, AnnotationTable.Shared)).ShouldHaveSingleItem().Value.ShouldBe("b"u8.ToArray());
        rig.Store.Read(u => u.UrlKeys.Find(box, bob)).ShouldBe([2]);
        await DoAsync(rig, u => u.Mailboxes.DeleteMailbox(alice, box, "imap"));
        rig.Store.Read(u => u.Annotations.List(box, bob)).ShouldBeEmpty();
        rig.Store.Read(u => u.UrlKeys.Find(box, bob)).ShouldBeNull();
        await DoAsync(rig, u => u.Annotations.Remove(inbox, AnnotationTable.Shared, "/comment"));
        rig.Store.Read(u => u.Annotations.List(inbox, AnnotationTable.Shared)).ShouldBeEmpty();
        await DoAsync(rig, u => u.UrlKeys.Remove(null, alice));
        rig.Store.Read(u => u.UrlKeys.Find(inbox, alice)).ShouldBeNull();
        await DoAsync(rig, u => u.Directory.RemoveAccount(bob));
        rig.Store.Read(u => u.Annotations.List(inbox, bob)).ShouldBeEmpty();
        rig.Store.Read(u => u.Annotations.List(AnnotationTable.Server, bob)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Flags_that_may_not_change_stay()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        for (var i = 0; i < 40; i++) await rig.DeliverAsync(alice, inbox, "body " + i);
        uint[] all = [.. Enumerable.Range(1, 40).Select(i => (uint)i)];
        var change = new FlagChange(MessageFlags.Seen | MessageFlags.Deleted, MessageFlags.None, [], []) { May = MessageFlags.Seen, MayKeywords = false };
        await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, inbox, all, change));
        rig.Store.Read(u => u.Mailboxes.Placements(alice, inbox)).ShouldAllBe(p => p.Flags == MessageFlags.Seen);
        await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, inbox, [1], change with { AddKeywords = ["k"], Replace = true, Add = MessageFlags.Flagged, May = MessageFlags.Flagged }));
        var one = rig.Store.Read(u => u.Places.Find(inbox, 1)!.Value);
        (one.Flags, one.Keywords).ShouldBe((MessageFlags.Seen | MessageFlags.Flagged, null));
    }

    static async Task DoAsync(StoreRig rig, Action<Posthorn.Storage.WriteUnit> act) => await rig.Store.WriteAsync(u =>
    {
        act(u);
        return 0;
    });
}
