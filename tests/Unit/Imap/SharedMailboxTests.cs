using Posthorn.Storage.Messages;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>What others may do with a mailbox (RFC 4314 §4), under the Other Users namespace.</summary>
public class SharedMailboxTests
{
    const string Shared = "\"Other Users/user@example.test/Team\"", Inbox = "\"Other Users/user@example.test/INBOX\"";

    static async Task<(MailRoom Room, ImapClient Owner, ImapClient Guest)> OpenAsync(string rights)
    {
        var room = await MailRoom.OpenAsync();
        var owner = await room.LoginAsync(null);
        await owner.ListAsync("CREATE Team");
        (await owner.AppendAsync("Team", "Subject: a\r\n\r\nx\r\n")).ShouldStartWith("OK");
        (await owner.AppendAsync("Team", "Subject: b\r\n\r\nx\r\n")).ShouldStartWith("OK");
        if (rights.Length > 0) await owner.ListAsync($"SETACL Team other {rights}");
        return (room, owner, await OtherAsync(room));
    }

    static async Task<ImapClient> OtherAsync(MailRoom room)
    {
        var client = await room.ConnectAsync();
        (await client.AskAsync("LOGIN other pen")).ShouldStartWith("OK");
        client.Untagged.Clear();
        return client;
    }

    [Fact]
    public async Task Without_rights_there_is_nothing()
    {
        var (room, owner, guest) = await OpenAsync("");
        await using var _ = room;
        await using var a = owner;
        await using var b = guest;
        foreach (var command in new[] { $"SELECT {Shared}", $"STATUS {Shared} (MESSAGES)", $"DELETE {Shared}", $"SUBSCRIBE {Shared}", $"GETACL {Shared}", $"MYRIGHTS {Shared}",
            $"GETMETADATA {Shared} /shared/comment", $"GETQUOTAROOT {Shared}", $"RENAME {Shared} x", "SELECT \"Other Users/nobody@example.test/INBOX\"", "SELECT \"Other Users\"" })
            (await b.AskAsync(command)).ShouldStartWith("NO [NONEXISTENT]", customMessage: command);
        (await b.AskAsync($"CREATE {Shared[..^1]}/x\"")).ShouldStartWith("NO [NOPERM]");
        (await b.ListAsync("LIST \"\" *")).ShouldAllBe(l => !l.Contains("Other Users"));
        (await b.ListAsync("ESEARCH IN (mailboxes " + Shared + ") ALL")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Reading_shows_and_changes_nothing()
    {
        var (room, owner, guest) = await OpenAsync("lr");
        await using var _ = room;
        await using var a = owner;
        await using var b = guest;
        var list = await b.ListAsync("LIST \"\" \"Other Users/*\" RETURN (MYRIGHTS)");
        list.ShouldContain("* LIST (\\HasNoChildren) \"/\" \"Other Users/user@example.test/Team\"");
        list.ShouldContain("* MYRIGHTS \"Other Users/user@example.test/Team\" lr");
        (await b.AskAsync($"SELECT {Shared}")).ShouldStartWith("OK [READ-ONLY]");
        (await b.ListAsync("FETCH 1 (BODY[])"))[0].ShouldContain("Subject: a");
        (await b.ListAsync("FETCH 1 (FLAGS)"))[0].ShouldNotContain("\\Seen");
        (await b.AskAsync("STORE 1 +FLAGS (\\Deleted)")).ShouldStartWith("NO");
        (await b.AskAsync("EXPUNGE")).ShouldStartWith("NO");
        (await b.AskAsync("MOVE 1 INBOX")).ShouldStartWith("NO");
        (await b.AskAsync($"DELETE {Shared}")).ShouldStartWith("NO [NOPERM]");
        (await b.AskAsync($"SETACL {Shared} anyone lr")).ShouldStartWith("NO [NOPERM]");
        await b.SendAsync($"x APPEND {Shared} {{20}}\r\n");
        (await b.AnswerAsync("x")).ShouldStartWith("NO [NOPERM]");
    }

    [Fact]
    public async Task A_copy_goes_from_one_account_to_the_other()
    {
        var (room, owner, guest) = await OpenAsync("lrswi");
        await using var _ = room;
        await using var a = owner;
        await using var b = guest;
        (await b.AskAsync($"SELECT {Shared}")).ShouldStartWith("OK [READ-WRITE]");
        b.Untagged.ShouldContain(l => l.Contains("PERMANENTFLAGS (") && l.Contains("\\Seen") && !l.Contains("\\Deleted"));
        (await b.AskAsync("COPY 1:2 INBOX")).ShouldStartWith("OK [COPYUID ");
        (await b.AskAsync("SELECT INBOX")).ShouldStartWith("OK");
        (await b.ListAsync("FETCH 2 (BODY.PEEK[])"))[0].ShouldContain("Subject: b");
        // RFC 4314 §4: \Deleted is lost on the way, since "t" is wanting.
        await b.ListAsync("STORE 1 FLAGS (\\Deleted \\Answered $Label)");
        (await b.AskAsync($"COPY 1 {Shared}")).ShouldStartWith("OK [COPYUID ");
        (await b.AskAsync($"SELECT {Shared}")).ShouldStartWith("OK");
        (await b.ListAsync("FETCH 3 (FLAGS)"))[0].ShouldContain("(\\Answered $Label");
        (await b.AskAsync("STORE 3 +FLAGS (\\Deleted)")).ShouldStartWith("NO [NOPERM]");
        (await b.AskAsync("STORE 3 FLAGS (\\Deleted \\Seen)")).ShouldStartWith("OK");
        (await b.ListAsync("FETCH 3 (FLAGS)"))[0].ShouldContain("FLAGS (\\Seen \\Recent)");
        room.Mailbox("Team").Messages.ShouldBe(3);
    }

    [Fact]
    public async Task With_all_rights_a_guest_makes_renames_and_deletes()
    {
        var (room, owner, guest) = await OpenAsync("lrswipkxtea");
        await using var _ = room;
        await using var a = owner;
        await using var b = guest;
        await b.ListAsync($"CREATE {Shared[..^1]}/Sub\"");
        (await a.ListAsync("GETACL Team/Sub"))[0].ShouldContain("\"other@example.test\" lrswipkxteacd");
        await b.ListAsync($"RENAME {Shared[..^1]}/Sub\" {Shared[..^1]}/Low\"");
        (await a.ListAsync("LIST \"\" Team/*")).ShouldHaveSingleItem().ShouldContain("\"Team/Low\"");
        (await b.AskAsync($"RENAME {Shared[..^1]}/Low\" mine")).ShouldStartWith("NO [CANNOT]");
        await b.ListAsync($"SUBSCRIBE {Shared[..^1]}/Low\"");
        (await b.ListAsync("LIST (SUBSCRIBED) \"\" *")).ShouldContain(l => l.Contains("Team/Low"));
        (await a.ListAsync("LIST (SUBSCRIBED) \"\" *")).ShouldAllBe(l => !l.Contains("Team/Low"));
        await b.ListAsync($"UNSUBSCRIBE {Shared[..^1]}/Low\"");
        await b.ListAsync($"DELETE {Shared[..^1]}/Low\"");
        (await a.ListAsync("LIST \"\" Team/*")).ShouldBeEmpty();
        await b.ListAsync($"SELECT {Shared}");
        (await b.AskAsync("MOVE 1 INBOX")).ShouldStartWith("OK");
        b.Untagged.ShouldContain("* 1 EXPUNGE");
        room.Mailbox("Team").Messages.ShouldBe(1);
        await b.ListAsync($"SETMETADATA {Shared} (/shared/comment \"ours\" /private/comment \"mine\")");
        (await a.ListAsync("GETMETADATA Team (/shared/comment /private/comment)")).ShouldBe(["* METADATA \"Team\" (/shared/comment \"ours\" /private/comment NIL)"]);
    }

    [Fact]
    public async Task What_is_taken_back_is_gone_at_once()
    {
        var (room, owner, guest) = await OpenAsync("lr");
        await using var _ = room;
        await using var a = owner;
        await using var b = guest;
        await a.ListAsync("SETACL INBOX anyone l");
        (await b.ListAsync("LIST \"\" \"Other Users/*\"")).Count.ShouldBe(3);
        (await b.AskAsync($"SELECT {Inbox}")).ShouldStartWith("NO [NOPERM]");
        await a.ListAsync("DELETEACL Team other");
        await a.ListAsync("DELETEACL INBOX anyone");
        (await b.AskAsync($"SELECT {Shared}")).ShouldStartWith("NO [NONEXISTENT]");
        // An account that goes takes along what it was granted.
        await a.ListAsync("SETACL Team other lr");
        await room.Store.WriteAsync(unit => { unit.Directory.RemoveAccount(room.Accounts.Users["other"].Id); return 0; });
        (await a.ListAsync("GETACL Team")).ShouldHaveSingleItem().ShouldNotContain("other");
        room.Store.Read(unit => unit.Rights.List(room.Mailbox("Team").Id)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_full_account_takes_no_copies()
    {
        var (room, owner, guest) = await OpenAsync("lri");
        await using var _ = room;
        await using var a = owner;
        await using var b = guest;
        await room.Store.WriteAsync(unit => { unit.Directory.UpdateAccount(unit.Directory.Account(room.User)! with { Quota = 2048 }); return 0; });
        (await b.AppendAsync("INBOX", "Subject: big\r\n\r\n" + new string('x', 3000) + "\r\n")).ShouldStartWith("OK");
        (await b.AskAsync("SELECT INBOX")).ShouldStartWith("OK");
        var before = room.Mailbox("Team").Messages;
        (await b.AskAsync($"COPY 1 {Shared}")).ShouldStartWith("NO [OVERQUOTA]");
        (await b.AskAsync($"MOVE 1 {Shared}")).ShouldStartWith("NO [OVERQUOTA]");
        room.Mailbox("Team").Messages.ShouldBe(before);
        (await b.ListAsync("FETCH 1 (UID)")).ShouldHaveSingleItem();
        (await a.ListAsync("GETQUOTAROOT INBOX"))[1].ShouldBe("* QUOTA \"#user/user@example.test\" (STORAGE 1 2)");
        (await b.ListAsync($"GETQUOTAROOT {Shared}"))[1].ShouldBe("* QUOTA \"#user/user@example.test\" (STORAGE 1 2)");
    }

    [Fact]
    public async Task A_quota_of_messages_bounds_what_makes_more_of_them()
    {
        var (room, owner, guest) = await OpenAsync("lri");
        await using var _ = room;
        await using var a = owner;
        await using var b = guest;
        var used = room.Store.Read(unit => unit.Directory.Account(room.User)!.Messages);
        await room.Store.WriteAsync(unit => { unit.Directory.UpdateAccount(unit.Directory.Account(room.User)! with { MessageQuota = used + 1 }); return 0; });
        using var directory = new Posthorn.Accounts.AccountDirectory(room.Store, new());
        room.UseDirectory(directory);
        await using var c = await room.LoginAsync();
        (await c.ListAsync("GETQUOTAROOT INBOX"))[1].ShouldBe($"* QUOTA \"#user/user@example.test\" (MESSAGE {used} {used + 1})");
        (await c.AppendAsync("INBOX", "Subject: a\r\n\r\n")).ShouldStartWith("OK");
        (await c.AppendAsync("INBOX", "Subject: b\r\n\r\n")).ShouldStartWith("NO [OVERQUOTA]");
        (await c.AskAsync("COPY 1 Team")).ShouldStartWith("OK"); // the same message in another place
        (await c.AskAsync("COPY 1 Team")).ShouldStartWith("NO [OVERQUOTA]"); // there it has to be another one
        (await b.AskAsync("SELECT INBOX")).ShouldStartWith("OK");
        if ((await b.ListAsync("SEARCH ALL"))[0] == "* SEARCH") (await b.AppendAsync("INBOX", "Subject: c\r\n\r\n")).ShouldStartWith("OK");
        (await b.AskAsync($"COPY 1 {Shared}")).ShouldStartWith("NO [OVERQUOTA]");
        await room.Store.WriteAsync(unit => { unit.Directory.UpdateAccount(unit.Directory.Account(room.User)! with { Quota = 1 << 20 }); return 0; });
        (await c.ListAsync("GETQUOTAROOT INBOX"))[1].ShouldBe($"* QUOTA \"#user/user@example.test\" (STORAGE 1 1024 MESSAGE {used + 1} {used + 1})");
    }
}
