using Posthorn.Storage.Messages;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>NOTIFY (RFC 5465): what a client hears that says nothing.</summary>
public class NotifyTests
{
    static string Mail(int n) => $"Subject: m{n}\r\n\r\ntext {n}\r\n";

    [Fact]
    public async Task Changes_come_without_a_command()
    {
        await using var room = await MailRoom.OpenAsync();
        await room.DeliverAsync(Mail(1));
        await room.DeliverAsync(Mail(2));
        await using var a = await room.LoginAsync();
        await using var b = await room.LoginAsync();
        await a.ListAsync("CREATE Lists");
        await b.ListAsync("NOTIFY SET (SELECTED (MessageNew (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange)) (PERSONAL (MessageNew MessageExpunge MailboxName SubscriptionChange))");
        await room.DeliverAsync(Mail(3));
        (await b.LineAsync()).ShouldBe("* 3 EXISTS");
        (await b.LineAsync()).ShouldStartWith("* ");
        (await b.LineAsync()).ShouldStartWith("* 3 FETCH (UID 3 BODY[HEADER.FIELDS (SUBJECT)] {");
        await a.ListAsync("STORE 1 +FLAGS.SILENT (\\Flagged)");
        (await b.LineAsync()).ShouldStartWith("* 1 FETCH (");
        await a.ListAsync("UID STORE 2 +FLAGS.SILENT (\\Deleted)");
        (await b.LineAsync()).ShouldContain("\\Deleted");
        await a.ListAsync("EXPUNGE");
        (await b.LineAsync()).ShouldBe("* 2 EXPUNGE");
        await room.DeliverAsync(Mail(4), "Lists");
        (await b.LineAsync()).ShouldBe("* STATUS \"Lists\" (MESSAGES 1 UIDNEXT 2)");
        await a.ListAsync("CREATE New");
        (await b.LineAsync()).ShouldBe("* LIST (\\HasNoChildren) \"/\" \"New\"");
        await a.ListAsync("SUBSCRIBE New");
        (await b.LineAsync()).ShouldBe("* LIST (\\Subscribed \\HasNoChildren) \"/\" \"New\"");
        await a.ListAsync("RENAME New Old");
        // Subscriptions are to names: "New" stays subscribed, without being there.
        (await b.LineAsync()).ShouldBe("* LIST (\\HasNoChildren) \"/\" \"Old\" (\"OLDNAME\" (\"New\"))");
        // A command between is as good as ever.
        (await b.AskAsync("NOOP")).ShouldStartWith("OK");
    }

    [Fact]
    public async Task Delayed_expunges_wait_for_a_command()
    {
        await using var room = await MailRoom.OpenAsync();
        await room.DeliverAsync(Mail(1));
        await room.DeliverAsync(Mail(2));
        await using var a = await room.LoginAsync();
        await using var b = await room.LoginAsync();
        await b.ListAsync("NOTIFY SET (SELECTED-DELAYED (MessageNew MessageExpunge))");
        await a.ListAsync("STORE 1 +FLAGS.SILENT (\\Deleted)");
        await a.ListAsync("EXPUNGE");
        await room.DeliverAsync(Mail(3));
        (await b.LineAsync()).ShouldBe("* 3 EXISTS");
        b.Untagged.Clear();
        (await b.ListAsync("NOOP")).ShouldContain("* 1 EXPUNGE");
        // Flags were not asked for.
        await a.ListAsync("STORE 1 +FLAGS.SILENT (\\Flagged)");
        (await b.ListAsync("NOOP")).ShouldAllBe(l => !l.Contains("FETCH"));
    }

    [Fact]
    public async Task None_means_none_until_it_is_asked_for()
    {
        await using var room = await MailRoom.OpenAsync();
        await room.DeliverAsync(Mail(1));
        await using var b = await room.LoginAsync();
        await b.ListAsync("NOTIFY NONE");
        await room.DeliverAsync(Mail(2));
        (await b.ListAsync("NOOP")).ShouldBeEmpty();
        (await b.ListAsync("FETCH 1 (UID)")).ShouldBe(["* 1 FETCH (UID 1)"]);
        await b.ListAsync("NOTIFY SET (SELECTED (MessageNew MessageExpunge))");
        b.Untagged.ShouldContain("* 2 EXISTS");
    }

    [Fact]
    public async Task Shared_mailboxes_come_into_sight_and_go()
    {
        await using var room = await MailRoom.OpenAsync();
        await using var a = await room.LoginAsync(null);
        await using var b = await room.ConnectAsync();
        await b.AskAsync("LOGIN other pen");
        await b.ListAsync("NOTIFY SET (SUBTREE \"Other Users\" (MessageNew MessageExpunge MailboxName))");
        await a.ListAsync("SETACL INBOX other lr");
        (await b.LineAsync()).ShouldContain("\"Other Users/user@example.test/INBOX\"");
        await room.DeliverAsync(Mail(1));
        var line = await b.LineAsync();
        if (line.StartsWith("* LIST")) line = await b.LineAsync(); // the level of the owner, which has a child now
        line.ShouldBe("* STATUS \"Other Users/user@example.test/INBOX\" (MESSAGES 1 UIDNEXT 2)");
        await a.ListAsync("DELETEACL INBOX other");
        (await b.LineAsync()).ShouldStartWith("* LIST (\\NonExistent) \"/\" \"Other Users/user@example.test/INBOX\"");
    }

    [Fact]
    public async Task In_idle_it_is_the_same()
    {
        await using var room = await MailRoom.OpenAsync();
        await using var a = await room.LoginAsync();
        await using var b = await room.LoginAsync();
        await a.ListAsync("CREATE Lists");
        await b.ListAsync("NOTIFY SET (SELECTED (MessageNew (FLAGS) MessageExpunge)) (MAILBOXES Lists (MessageNew MessageExpunge))");
        await b.SendAsync("i IDLE\r\n");
        (await b.LineAsync()).ShouldBe("+ idling");
        await room.DeliverAsync(Mail(1), "Lists", MessageFlags.Seen);
        (await b.LineAsync()).ShouldBe("* STATUS \"Lists\" (MESSAGES 1 UIDNEXT 2)");
        await room.DeliverAsync(Mail(2));
        (await b.LineAsync()).ShouldBe("* 1 EXISTS");
        await b.SendAsync("DONE\r\n");
        (await b.AnswerAsync("i")).ShouldStartWith("OK");
    }
}
