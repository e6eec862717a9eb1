using Posthorn.Imap.Session;
using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>Accounts of many folders: everything works on them, and what touches one folder does not cost all of them.</summary>
public class ManyFoldersTests
{
    const int Branches = 30, Leaves = 100;

    static async Task<MailRoom> OpenAsync(int branches = Branches)
    {
        var room = await MailRoom.OpenAsync(inMemory: true);
        await room.Store.WriteAsync(unit =>
        {
            for (var b = 0; b < branches; b++)
            {
                unit.Mailboxes.Create(room.User, $"b{b:00}", subscribed: false);
                for (var l = 0; l < Leaves; l++) unit.Mailboxes.Create(room.User, $"b{b:00}/l{l:00}", subscribed: l == 7);
            }
            return 0;
        });
        return room;
    }

    /// <summary>Octets that a read of the store allocates once its code has run: a measure of how many rows it looks at.</summary>
    static long Allocated(MailRoom room, Action<ReadUnit> look)
    {
        var allocated = 0L;
        for (var i = 0; i < 3; i++)
            room.Store.Read(unit =>
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                look(unit);
                allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                return 0;
            });
        return allocated;
    }

    [Fact]
    public async Task Lists_show_them_all()
    {
        await using var room = await OpenAsync();
        await using var client = await room.LoginAsync();
        var own = room.Store.Read(unit => unit.Mailboxes.List(room.User)).Count;
        var all = await client.ListAsync("LIST \"\" *");
        all.Count.ShouldBe(own);
        all[0].ShouldEndWith("\"INBOX\"");
        all.Count(static l => l.Contains("\\HasChildren")).ShouldBe(Branches);
        (await client.ListAsync("LIST \"\" %")).Count.ShouldBe(own - Branches * Leaves);
        (await client.ListAsync("LIST \"\" b05/%")).ShouldBe(Enumerable.Range(0, Leaves).Select(static l => $"* LIST (\\HasNoChildren) \"/\" \"b05/l{l:00}\""));
        (await client.ListAsync("LIST \"\" b05/* RETURN (STATUS (MESSAGES))")).Count.ShouldBe(2 * Leaves);
        (await client.ListAsync("LSUB \"\" b*")).Count.ShouldBe(Branches);
        (await client.ListAsync("LIST (SUBSCRIBED RECURSIVEMATCH) \"\" b%")).Count(static l => l.Contains("CHILDINFO")).ShouldBe(Branches);
    }

    [Fact]
    public async Task A_branch_is_renamed_with_all_below_and_each_has_numbers_of_its_own()
    {
        await using var room = await OpenAsync();
        await using var client = await room.LoginAsync();
        var before = room.Store.Read(unit => unit.Mailboxes.State(room.User));
        (await client.AskAsync("RENAME b05 new/place")).ShouldStartWith("OK");
        var now = room.Store.Read(unit => unit.Mailboxes.List(room.User)).Where(static m => m.Name.StartsWith("new/place", StringComparison.Ordinal)).ToList();
        now.Count.ShouldBe(Leaves + 1);
        now.Select(static m => m.UidValidity).Distinct().Count().ShouldBe(Leaves + 1);
        now.Select(static m => m.HighestModSeq).Distinct().Count().ShouldBe(Leaves + 1);
        now.ShouldAllBe(m => m.HighestModSeq > before);
        var log = room.Store.Read(unit => unit.Mailboxes.ChangesSince(room.User, before));
        log.Count(static c => c.Kind == ChangeKind.MailboxRenamed).ShouldBe(Leaves + 1);
        log.Where(static c => c.Kind == ChangeKind.MailboxRenamed).Select(static c => (c.MailboxId, c.Number)).ShouldBe(now.Select(static m => (m.Id, m.HighestModSeq)), ignoreOrder: true);
        (await client.ListAsync("LIST \"\" b05*")).ShouldBeEmpty();
        (await client.AskAsync("CREATE fresh")).ShouldStartWith("OK");
        var later = room.Mailbox("fresh").UidValidity;
        now.ShouldAllBe(m => m.UidValidity < later);
        (await client.AskAsync("DELETE new")).ShouldStartWith("NO [HASCHILDREN]");
        (await client.AskAsync("RENAME b06 b07")).ShouldStartWith("NO [ALREADYEXISTS]");
    }

    [Theory]
    [InlineData("a_", "ab")]
    [InlineData("p&-q", "p&-qr")]
    [InlineData("\\u00fc\\ud83d\\ude00", "\\u00fc\\ud83d\\ude00x")]
    public async Task Names_that_only_begin_alike_are_not_below(string name, string other)
    {
        (name, other) = (System.Text.RegularExpressions.Regex.Unescape(name), System.Text.RegularExpressions.Regex.Unescape(other));
        await using var room = await MailRoom.OpenAsync(inMemory: true);
        await room.Store.WriteAsync(unit =>
        {
            foreach (var made in (string[])[name, other, other + "/below"]) unit.Mailboxes.Create(room.User, made);
            return 0;
        });
        room.Store.Read(unit => unit.Mailboxes.AnyWithPrefix(room.User, name + "/")).ShouldBeFalse();
        room.Store.Read(unit => unit.Mailboxes.WithPrefix(room.User, other + "/")).ShouldBe([(room.Mailbox(other + "/below").Id, other + "/below")]);
        room.Store.Read(unit => unit.Mailboxes.AnyWithPrefix(room.Accounts.Users["other"].Id, other)).ShouldBeFalse();
    }

    [Fact]
    public async Task What_touches_one_folder_does_not_read_the_others()
    {
        await using var few = await OpenAsync(1);
        await using var many = await OpenAsync();
        foreach (var look in (Action<MailRoom, ReadUnit>[])
                 [(room, unit) => unit.Mailboxes.AnyWithPrefix(room.User, "b00/x"), (room, unit) => MailboxTree.ReadPart(unit, room.User, [room.Mailbox("b00").Id], ["b00/gone"])])
            Allocated(many, unit => look(many, unit)).ShouldBeLessThan(Allocated(few, unit => look(few, unit)) + 1000);
        // The measure measures.
        Allocated(many, unit => MailboxTree.Read(unit, many.User)).ShouldBeGreaterThan(10 * Allocated(few, unit => MailboxTree.Read(unit, few.User)));
    }

    [Fact]
    public async Task A_watcher_of_all_hears_of_the_few_that_change()
    {
        await using var room = await OpenAsync();
        await using var writer = await room.LoginAsync();
        await using var watcher = await room.LoginAsync(select: null);
        await watcher.ListAsync("NOTIFY SET (PERSONAL (MessageNew MessageExpunge MailboxName SubscriptionChange))");
        await room.DeliverAsync("Subject: x\r\n\r\n", "b03/l04");
        (await watcher.LineAsync()).ShouldBe("* STATUS \"b03/l04\" (MESSAGES 1 UIDNEXT 2)");
        await writer.ListAsync("CREATE b03/l04/deep");
        (await watcher.LineAsync()).ShouldBe("* LIST (\\HasNoChildren) \"/\" \"b03/l04/deep\"");
        (await watcher.LineAsync()).ShouldBe("* LIST (\\HasChildren) \"/\" \"b03/l04\"");
        await writer.ListAsync("RENAME b03/l04 moved");
        (await watcher.LineAsync()).ShouldBe("* LIST (\\HasChildren) \"/\" \"moved\" (\"OLDNAME\" (\"b03/l04\"))");
        await writer.ListAsync("SUBSCRIBE moved/deep");
        (await watcher.LineAsync()).ShouldBe("* LIST (\\Subscribed \\HasNoChildren) \"/\" \"moved/deep\"");
        await writer.ListAsync("DELETE moved/deep");
        (await watcher.LineAsync()).ShouldBe("* LIST (\\NonExistent \\Subscribed) \"/\" \"moved/deep\"");
        (await watcher.LineAsync()).ShouldBe("* LIST (\\HasNoChildren) \"/\" \"moved\"");
        await room.DeliverAsync("Subject: x\r\n\r\n", "moved");
        (await watcher.LineAsync()).ShouldBe("* STATUS \"moved\" (MESSAGES 2 UIDNEXT 3)");
        // A branch of more than are looked at one by one: told once, for what is above the rest.
        await writer.ListAsync("RENAME b10 b90");
        (await watcher.LineAsync()).ShouldBe("* LIST (\\HasChildren) \"/\" \"b90\" (\"OLDNAME\" (\"b10\"))");
        await room.DeliverAsync("Subject: x\r\n\r\n", "b90/l99");
        (await watcher.LineAsync()).ShouldBe("* STATUS \"b90/l99\" (MESSAGES 1 UIDNEXT 2)");
    }
}
