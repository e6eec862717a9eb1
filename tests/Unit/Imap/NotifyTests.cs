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

    [Fact]
    public async Task What_a_client_does_itself_it_is_not_told()
    {
        await using var room = await MailRoom.OpenAsync();
        await room.DeliverAsync(Mail(1));
        await using var a = await room.LoginAsync();
        await using var b = await room.LoginAsync();
        await a.ListAsync("NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge FlagChange)) (PERSONAL (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange))");
        foreach (var command in new[] { "CREATE Deep/New", "SUBSCRIBE Deep/New", "COPY 1 Deep/New", "RENAME Deep Low", "SETMETADATA INBOX (/shared/comment \"x\")", "NOOP" })
            (await a.ListAsync(command)).ShouldBeEmpty(command);
        (await a.AppendAsync("Low/New", Mail(2))).ShouldStartWith("OK");
        (await a.AppendAsync("INBOX", Mail(3))).ShouldStartWith("OK");
        a.Untagged.ShouldBe(["* 2 EXISTS", "* 2 RECENT"]);
        a.Untagged.Clear();
        (await a.ListAsync("DELETE Low/New")).ShouldBeEmpty();
        // What somebody else does comes as ever, and what both have done too.
        (await b.AppendAsync("INBOX", Mail(4))).ShouldStartWith("OK");
        (await a.LineAsync()).ShouldBe("* 3 EXISTS");
        (await a.LineAsync()).ShouldStartWith("* ");
        (await a.LineAsync()).ShouldBe("* 3 FETCH (UID 3)");
        await b.ListAsync("CREATE Else");
        (await a.LineAsync()).ShouldBe("* LIST (\\HasNoChildren) \"/\" \"Else\"");
        await b.ListAsync("STORE 1 +FLAGS.SILENT (\\Flagged)");
        (await a.LineAsync()).ShouldStartWith("* 1 FETCH (UID 1 FLAGS (\\Flagged"); // RFC 5465 §5.1
    }

    [Fact]
    public async Task New_messages_that_a_command_finds_are_shown_as_asked_for()
    {
        await using var room = await MailRoom.OpenAsync();
        await room.DeliverAsync(Mail(1));
        await using var a = await room.LoginAsync();
        await a.ListAsync("NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge))");
        await room.DeliverAsync(Mail(2));
        await a.AskAsync("UID SEARCH 1:*"); // it may be told before, on the way or behind
        await a.AskAsync("NOOP");
        a.Untagged.Where(static l => l.EndsWith("FETCH (UID 2)", StringComparison.Ordinal)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_mailbox_that_is_renamed_has_another_UIDVALIDITY()
    {
        await using var room = await MailRoom.OpenAsync();
        await using var a = await room.LoginAsync();
        await using var b = await room.LoginAsync();
        await a.ListAsync("CREATE Old/Sub");
        await b.ListAsync("NOTIFY SET (PERSONAL (MessageNew MessageExpunge FlagChange))");
        await a.ListAsync("RENAME Old New");
        (await b.LineAsync()).ShouldBe($"* STATUS \"New\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY {room.Mailbox("New").UidValidity})");
        (await b.LineAsync()).ShouldBe($"* STATUS \"New/Sub\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY {room.Mailbox("New/Sub").UidValidity})");
    }

    [Fact]
    public async Task A_watched_search_shows_what_comes_into_it()
    {
        await using var room = await MailRoom.OpenAsync();
        await room.DeliverAsync(Mail(1));
        await using var a = await room.LoginAsync();
        await using var b = await room.LoginAsync();
        (await a.ListAsync("SEARCH RETURN (COUNT UPDATE (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])) SUBJECT boss"))[0].ShouldEndWith("COUNT 0");
        await room.DeliverAsync("Subject: from the boss\r\n\r\n");
        await room.DeliverAsync(Mail(3));
        var told = await a.ListAsync("NOOP");
        told[0].ShouldBe("* 3 EXISTS");
        told.FindIndex(static l => l.Contains("ADDTO (0 2)", StringComparison.Ordinal)).ShouldBeGreaterThan(0);
        told.FindIndex(static l => l.StartsWith("* 2 FETCH (UID 2 BODY[HEADER.FIELDS (SUBJECT)]", StringComparison.Ordinal)).ShouldBeGreaterThan(told.FindIndex(static l => l.Contains("ADDTO", StringComparison.Ordinal)));
        told.ShouldAllBe(static l => !l.StartsWith("* 3 FETCH", StringComparison.Ordinal));
        // One that another flag brings is only named.
        (await a.ListAsync("SEARCH RETURN (UPDATE (UID)) FLAGGED")).Count.ShouldBe(1);
        await b.AskAsync("STORE 1 +FLAGS (\\Flagged)");
        told = await a.ListAsync("NOOP");
        told.ShouldContain(static l => l.Contains("ADDTO (0 1)", StringComparison.Ordinal));
        told.ShouldAllBe(static l => !l.EndsWith("FETCH (UID 1)", StringComparison.Ordinal));
        // With NOTIFY there is one FETCH with all that is wanted.
        await a.ListAsync("NOTIFY SET (SELECTED (MessageNew (RFC822.SIZE) MessageExpunge FlagChange))");
        await room.DeliverAsync("Subject: the boss again\r\n\r\n");
        await a.AskAsync("NOOP");
        a.Untagged.Where(static l => l.StartsWith("* 4 FETCH", StringComparison.Ordinal)).ShouldHaveSingleItem().ShouldStartWith("* 4 FETCH (RFC822.SIZE ");
    }

    [Fact]
    public async Task Annotations_of_others_are_told_once_that_is_enabled()
    {
        await using var room = await MailRoom.OpenAsync();
        await using var a = await room.LoginAsync();
        await using var b = await room.LoginAsync();
        await a.ListAsync("SETMETADATA INBOX (/shared/comment \"before\")");
        (await b.ListAsync("ENABLE METADATA")).ShouldBe(["* ENABLED METADATA"]);
        await a.ListAsync("SETMETADATA INBOX (/shared/comment \"x\" /private/comment \"y\")");
        (await b.ListAsync("NOOP")).ShouldBe(["* METADATA \"INBOX\" /shared/comment", "* METADATA \"INBOX\" /private/comment"]);
        await b.SendAsync("i IDLE\r\n");
        (await b.LineAsync()).ShouldStartWith("+");
        await a.ListAsync("SETMETADATA \"\" (/private/vendor/x/y NIL)");
        (await b.LineAsync()).ShouldBe("* METADATA \"\" /private/vendor/x/y");
        await b.SendAsync("DONE\r\n");
        (await b.LineAsync()).ShouldStartWith("i OK");
        (await b.ListAsync("SETMETADATA INBOX (/shared/comment NIL)")).ShouldBeEmpty();
        (await a.ListAsync("NOOP")).ShouldBeEmpty();
        // With NOTIFY nothing is told twice.
        await b.ListAsync("NOTIFY SET (PERSONAL (MailboxMetadataChange))");
        await a.ListAsync("SETMETADATA INBOX (/shared/comment \"z\")");
        (await b.LineAsync()).ShouldBe("* METADATA \"INBOX\" /shared/comment");
        await b.AskAsync("UNAUTHENTICATE");
        await b.AskAsync("LOGIN user pencil");
        b.Untagged.Clear();
        await a.ListAsync("SETMETADATA INBOX (/shared/comment NIL)");
        (await b.ListAsync("NOOP")).ShouldBeEmpty();
    }
}
