using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

/// <summary>What IMAP asks of the store, on both engines.</summary>
public abstract class PlaceSuite : StoreSuite
{
    private protected static FlagChange Change(MessageFlags add = MessageFlags.None, bool replace = false, long? since = null, params string[] keywords) =>
        new(add, MessageFlags.None, keywords, [], replace, since);

    [Fact]
    public async Task Places_are_scanned_in_order_and_counted()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        for (var i = 1; i <= 5; i++) await rig.DeliverAsync(alice, inbox, "body " + i);
        await rig.Store.WriteAsync(u => u.Mailboxes.Expunge(alice, inbox, [2], "imap"));
        await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, inbox, [1, 4], Change(MessageFlags.Deleted, keywords: "b")));
        rig.Store.Read(u =>
        {
            var seen = new List<uint>();
            u.Places.Scan(inbox, 3, (in Placement p) => seen.Add(p.Uid));
            seen.ShouldBe([3u, 4u, 5u]);
            u.Places.Find(inbox, 4)!.Value.Keywords.ShouldBe("b");
            u.Places.Find(inbox, 2).ShouldBeNull();
            u.Places.Deleted(inbox).Messages.ShouldBe(2);
            u.Places.CountFrom(inbox, 4).ShouldBe(2);
            u.Places.Structures(inbox, 1, 4).Select(s => s.Uid).ShouldBe([1u, 3u, 4u]);
            return u.Places.Deleted(inbox).Octets;
        }).ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Mailboxes_are_found_by_the_beginning_of_their_names_and_renamed_together()
    {
        await using var rig = await OpenAsync();
        var (alice, _) = await rig.AddAccountAsync("alice");
        var (bob, _) = await rig.AddAccountAsync("bob");
        foreach (var name in (string[])["A/b", "a/b", "a/\U0001F600", "a/\U0001F600/x", "a%/y", "a0", "ab"]) await rig.Store.WriteAsync(u => u.Mailboxes.Create(alice, name));
        rig.Store.Read(u => u.Mailboxes.WithPrefix(alice, "a/").Select(m => m.Name).Order(StringComparer.Ordinal)).ShouldBe(["a/b", "a/\U0001F600", "a/\U0001F600/x"]);
        rig.Store.Read(u => u.Mailboxes.WithPrefix(alice, "a/\U0001F600/")).Count.ShouldBe(1);
        rig.Store.Read(u => (u.Mailboxes.AnyWithPrefix(alice, "a_"), u.Mailboxes.AnyWithPrefix(alice, "a%"), u.Mailboxes.AnyWithPrefix(bob, "a"))).ShouldBe((false, true, false));
        var before = rig.Store.Read(u => (State: u.Mailboxes.State(alice), Validity: u.Mailboxes.List(alice).Max(m => m.UidValidity)));
        await rig.Store.WriteAsync(u =>
        {
            u.Mailboxes.RenameMailboxes(alice, [.. u.Mailboxes.WithPrefix(alice, "a/").Select(m => (m.Id, "z" + m.Name))]);
            u.Mailboxes.RenameMailboxes(alice, []);
            return 0;
        });
        var now = rig.Store.Read(u => u.Mailboxes.List(alice)).Where(m => m.Name.StartsWith("za/", StringComparison.Ordinal)).ToList();
        now.Select(m => m.HighestModSeq).Order().ShouldBe([before.State + 1, before.State + 2, before.State + 3]);
        now.Select(m => m.UidValidity).Distinct().Count().ShouldBe(3);
        now.Min(m => m.UidValidity).ShouldBeGreaterThan(before.Validity);
        rig.Store.Read(u => u.Mailboxes.State(alice)).ShouldBe(before.State + 3);
        rig.Store.Read(u => u.Mailboxes.ChangesSince(alice, before.State)).Select(c => (c.Kind, c.MailboxId)).ShouldBe(now.OrderBy(m => m.HighestModSeq).Select(m => (ChangeKind.MailboxRenamed, m.Id)));
        var made = await rig.Store.WriteAsync(u => u.Mailboxes.Create(alice, "later"));
        made.UidValidity.ShouldBeGreaterThan(now.Max(m => m.UidValidity));
    }

    [Fact]
    public async Task Recent_rises_only()
    {
        await using var rig = await OpenAsync();
        var (_, inbox) = await rig.AddAccountAsync("alice");
        rig.Store.Read(u => u.Places.RecentFrom(inbox)).ShouldBe(1u);
        foreach (var below in (uint[])[4, 2])
            await rig.Store.WriteAsync(u =>
            {
                u.Places.TellRecent(inbox, below);
                return 0;
            });
        rig.Store.Read(u => u.Places.RecentFrom(inbox)).ShouldBe(4u);
    }

    [Fact]
    public async Task Flags_are_replaced_and_kept_where_they_changed_since()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        for (var i = 1; i <= 3; i++) await rig.DeliverAsync(alice, inbox, "body " + i);
        var first = await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, inbox, [1, 2], Change(MessageFlags.Seen, keywords: ["x", "y"])));
        (first.Last - first.First, first.Changed.Count, first.Refused.Count).ShouldBe((1L, 2, 0));
        var second = await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, inbox, [1, 2, 3], Change(MessageFlags.Flagged, replace: true, since: first.First, keywords: "z")));
        second.Changed.ShouldBe([1u, 3u]);
        second.Refused.ShouldBe([2u]);
        rig.Store.Read(u => u.Mailboxes.Placements(alice, inbox)).Select(p => (p.Flags, p.Keywords))
            .ShouldBe([(MessageFlags.Flagged, "z"), (MessageFlags.Seen, "x y"), (MessageFlags.Flagged, "z")]);
        rig.Mailbox(alice, inbox).Unseen.ShouldBe(2);
        (await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, inbox, [1], Change(MessageFlags.Flagged, replace: true, keywords: "z")))).First.ShouldBe(0);
    }

    [Fact]
    public async Task Many_flags_at_once_are_what_one_by_one_would_be()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        for (var i = 1; i <= 100; i++) await rig.DeliverAsync(alice, inbox, "body " + i);
        await rig.Store.WriteAsync(u => u.Mailboxes.Expunge(alice, inbox, [10, 50], "imap"));
        await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, inbox, [20, 21], Change(MessageFlags.Seen, keywords: "k")));
        var before = rig.Store.Read(u => u.Mailboxes.State(alice));
        var heard = new List<Change>();
        FlagResult result;
        using (rig.Store.Changes.Subscribe(alice, heard.AddRange))
            result = await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, inbox, [.. Enumerable.Range(5, 80).Select(n => (uint)n)], new FlagChange(MessageFlags.Seen | MessageFlags.Flagged, MessageFlags.Draft, [], [])));
        (result.First, result.Last, result.Changed.Count).ShouldBe((before + 1, before + 80, 78));
        // Each has a number of its own, in the order of UIDs; those of UIDs that are gone are left out.
        heard.Select(c => c.Number).ShouldBe(heard.Select(c => before + c.Uid - 4));
        rig.Store.Read(u => u.Mailboxes.State(alice)).ShouldBe(before + 80);
        rig.Store.Read(u => u.Mailboxes.ChangesSince(alice, before)).ShouldBe(heard);
        foreach (var place in rig.Store.Read(u => u.Mailboxes.Placements(alice, inbox)))
        {
            place.Flags.ShouldBe(place.Uid is >= 5 and <= 84 ? MessageFlags.Seen | MessageFlags.Flagged : MessageFlags.None);
            place.Keywords.ShouldBe(place.Uid is 20 or 21 ? "k" : null);
            if (heard.Find(c => c.Uid == place.Uid) is { Number: > 0 } told) place.ModSeq.ShouldBe(told.Number);
        }
        (rig.Mailbox(alice, inbox).Unseen, rig.Mailbox(alice, inbox).HighestModSeq).ShouldBe((20L, result.Last));
        // A message in between that is not meant stays as it is.
        await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, inbox, [.. Enumerable.Range(5, 80).Select(n => (uint)n).Where(n => n != 33)], new FlagChange(MessageFlags.Answered, MessageFlags.None, [], [])));
        rig.Store.Read(u => u.Mailboxes.Placements(alice, inbox)).Count(p => p.Flags.HasFlag(MessageFlags.Answered)).ShouldBe(77);
        rig.Store.Read(u => u.Places.Find(inbox, 33))!.Value.Flags.ShouldBe(MessageFlags.Seen | MessageFlags.Flagged);
        // One of the messages elsewhere too: it changes there as well.
        var other = (await rig.Store.WriteAsync(u => u.Mailboxes.Create(alice, "other"))).Id;
        await rig.Store.WriteAsync(u => u.Mailboxes.Copy(alice, inbox, other, [30]));
        await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, inbox, [.. Enumerable.Range(5, 80).Select(n => (uint)n)], new FlagChange(MessageFlags.Deleted, MessageFlags.Seen, [], [])));
        rig.Store.Read(u => u.Places.Find(other, 1))!.Value.Flags.ShouldBe(MessageFlags.Flagged | MessageFlags.Answered);
        rig.Mailbox(alice, inbox).Unseen.ShouldBe(98);
    }

    [Fact]
    public async Task Flags_of_messages_far_apart_leave_those_between_alone()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        for (var i = 1; i <= 120; i++) await rig.DeliverAsync(alice, inbox, "body " + i);
        uint[] third = [.. Enumerable.Range(1, 40).Select(n => (uint)n * 3)];
        var before = rig.Store.Read(u => u.Mailboxes.State(alice));
        await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, inbox, third, new FlagChange(MessageFlags.Deleted, MessageFlags.None, [], [])));
        rig.Store.Read(u => u.Mailboxes.Placements(alice, inbox)).Where(p => p.Flags != MessageFlags.None).Select(p => p.Uid).ShouldBe(third);
        rig.Store.Read(u => u.Mailboxes.ChangesSince(alice, before)).Select(c => c.Uid).ShouldBe(third);
        await rig.Store.WriteAsync(u => u.Mailboxes.Expunge(alice, inbox, third, "imap"));
        rig.Mailbox(alice, inbox).Messages.ShouldBe(80);
    }

    [Fact]
    public async Task Of_many_messages_those_that_lie_elsewhere_too_are_found()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var (other, third) = await rig.Store.WriteAsync(u => (u.Mailboxes.Create(alice, "other").Id, u.Mailboxes.Create(alice, "third").Id));
        // Ids of one mailbox lie between those of another; nothing is at two places.
        for (var i = 1; i <= 80; i++) await rig.DeliverAsync(alice, i % 2 == 0 ? inbox : other, "body " + i);
        uint[] uids = [.. Enumerable.Range(1, 40).Select(n => (uint)n)];
        (await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, inbox, uids, Change(MessageFlags.Seen)))).Changed.Count.ShouldBe(40);
        rig.Store.Read(u => u.Mailboxes.Placements(alice, other)).ShouldAllBe(p => p.Flags == MessageFlags.None);
        // Copies lie in another order than their ids, and the first has a third place.
        await rig.Store.WriteAsync(u => u.Mailboxes.Copy(alice, other, third, [30]));
        await rig.Store.WriteAsync(u => u.Mailboxes.Copy(alice, inbox, third, uids));
        uint[] copies = [.. Enumerable.Range(1, 41).Select(n => (uint)n)];
        (await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, third, copies, Change(MessageFlags.Answered)))).Changed.Count.ShouldBe(41);
        rig.Store.Read(u => u.Mailboxes.Placements(alice, inbox)).ShouldAllBe(p => p.Flags == (MessageFlags.Seen | MessageFlags.Answered));
        rig.Store.Read(u => u.Mailboxes.Placements(alice, other)).Count(p => p.Flags == MessageFlags.Answered).ShouldBe(1);
    }

    [Fact]
    public async Task Deleted_belongs_to_the_place()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var other = (await rig.Store.WriteAsync(u => u.Mailboxes.Create(alice, "other"))).Id;
        await rig.DeliverAsync(alice, inbox, "x");
        await rig.Store.WriteAsync(u => u.Mailboxes.Copy(alice, inbox, other, [1]));
        var heard = new List<Change>();
        using (rig.Store.Changes.Subscribe(alice, heard.AddRange))
            await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, inbox, [1], Change(MessageFlags.Deleted)));
        // Who watches gets the new state with the event, and only the place that changed.
        heard.ShouldHaveSingleItem().MailboxId.ShouldBe(inbox);
        heard[0].Place!.Flags.ShouldBe(MessageFlags.Deleted);
        await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, other, [1], Change(MessageFlags.Seen)));
        rig.Store.Read(u => u.Places.Find(inbox, 1))!.Value.Flags.ShouldBe(MessageFlags.Deleted | MessageFlags.Seen);
        rig.Store.Read(u => u.Places.Find(other, 1))!.Value.Flags.ShouldBe(MessageFlags.Seen);
        (rig.Mailbox(alice, inbox).Unseen, rig.Mailbox(alice, other).Unseen).ShouldBe((0L, 0L));
    }

    [Fact]
    public async Task A_subscription_outlives_its_mailbox()
    {
        await using var rig = await OpenAsync();
        var (alice, _) = await rig.AddAccountAsync("alice");
        var made = await rig.Store.WriteAsync(u => u.Mailboxes.Create(alice, "box", subscribed: false));
        made.Subscribed.ShouldBeFalse();
        await Do(rig, u => u.Mailboxes.Subscribe(alice, made.Id, true));
        await Do(rig, u => u.Mailboxes.DeleteMailbox(alice, made.Id, "imap"));
        rig.Store.Read(u => u.Subscriptions.Names(alice)).ShouldBe(["box"]);
        (await rig.Store.WriteAsync(u => u.Mailboxes.Create(alice, "box", subscribed: false))).Subscribed.ShouldBeTrue();
        rig.Store.Read(u => u.Subscriptions.Names(alice)).ShouldBeEmpty();
        await Do(rig, u => u.Subscriptions.Add(alice, "gone"));
        await Do(rig, u => u.Subscriptions.Add(alice, "gone"));
        (await rig.Store.WriteAsync(u => u.Subscriptions.Remove(alice, "gone"))).ShouldBeTrue();
        (await rig.Store.WriteAsync(u => u.Subscriptions.Remove(alice, "gone"))).ShouldBeFalse();
    }

    [Fact]
    public async Task A_role_is_held_once()
    {
        await using var rig = await OpenAsync();
        var (alice, _) = await rig.AddAccountAsync("alice");
        var one = (await rig.Store.WriteAsync(u => u.Mailboxes.Create(alice, "one", MailboxRole.Trash))).Id;
        var two = (await rig.Store.WriteAsync(u => u.Mailboxes.Create(alice, "two"))).Id;
        await Should.ThrowAsync<StoreException>(async () => await Do(rig, u => u.Mailboxes.SetRole(alice, two, MailboxRole.Trash)));
        await Do(rig, u => u.Mailboxes.SetRole(alice, one, MailboxRole.None));
        await Do(rig, u => u.Mailboxes.SetRole(alice, two, MailboxRole.Trash));
        rig.Mailbox(alice, two).Role.ShouldBe(MailboxRole.Trash);
    }

    static async Task Do(StoreRig rig, Action<WriteUnit> act) => await rig.Store.WriteAsync(u =>
    {
        act(u);
        return 0;
    });
}
