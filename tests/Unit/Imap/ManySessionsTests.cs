using Posthorn.Storage.Messages;
using Posthorn.Tests.Testing.Time;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>What one session hears of another's changes, and when (RFC 9051 §7.5.1, RFC 2180).</summary>
public class ManySessionsTests
{
    static string Mail(int n) => $"Subject: m{n}\r\n\r\ntext {n}\r\n";

    static async Task<MailRoom> RoomAsync(int messages)
    {
        var room = await MailRoom.OpenAsync();
        for (var i = 1; i <= messages; i++) await room.DeliverAsync(Mail(i));
        return room;
    }

    [Fact]
    public async Task Changes_of_others_are_told_with_the_next_command()
    {
        await using var room = await RoomAsync(3);
        await using var a = await room.LoginAsync();
        await using var b = await room.LoginAsync();
        (await a.AskAsync("STORE 2 +FLAGS.SILENT (\\Flagged Blue)")).ShouldStartWith("OK");
        await room.DeliverAsync(Mail(4));
        var told = await b.ListAsync("NOOP");
        told[0].ShouldBe("* 4 EXISTS");
        told[1].ShouldStartWith("* 1 RECENT");
        told[2].ShouldStartWith("* FLAGS (");
        told[2].ShouldEndWith(" Blue)");
        told[^1].ShouldBe("* 2 FETCH (FLAGS (\\Flagged Blue))");
        (await b.ListAsync("NOOP")).ShouldBeEmpty();
        (await a.ListAsync("NOOP")).ShouldBe(["* 4 EXISTS", "* 3 RECENT"]);
    }

    [Fact]
    public async Task Very_many_changes_are_told_each_once()
    {
        await using var room = await MailRoom.OpenAsync();
        await room.DeliverAsync(2500, Mail);
        await using var a = await room.LoginAsync();
        await using var b = await room.LoginAsync();
        await a.ListAsync("STORE 1:* +FLAGS.SILENT (\\Flagged)");
        await a.ListAsync("STORE 2000 +FLAGS.SILENT (\\Deleted)");
        // Numbers stay: what is gone is told later, and flags by the numbers of now.
        await a.AskAsync("EXPUNGE");
        var told = await b.ListAsync("FETCH 1 (UID)");
        told.Where(static l => l.Contains("\\Flagged", StringComparison.Ordinal)).Select(static l => l.Split(' ')[1]).ShouldBe(
            Enumerable.Range(1, 2500).Where(static n => n != 2000).Select(static n => $"{n}"));
        (await b.ListAsync("NOOP")).ShouldBe(["* 2000 EXPUNGE"]);
        await a.ListAsync("STORE 1:* -FLAGS.SILENT (\\Flagged)");
        (await b.ListAsync("NOOP")).Count.ShouldBe(2499);
        (await b.ListAsync("NOOP")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Numbers_stay_during_fetch_store_and_search()
    {
        await using var room = await RoomAsync(5);
        await using var a = await room.LoginAsync();
        await using var b = await room.LoginAsync();
        await a.ListAsync("STORE 2,4 +FLAGS.SILENT (\\Deleted)");
        await a.ListAsync("EXPUNGE");
        // b counts five still: what is gone is where it was, and no EXPUNGE comes.
        (await b.ListAsync("FETCH 5 (UID)")).ShouldContain("* 5 FETCH (UID 5)");
        (await b.ListAsync("SEARCH UID 5")).ShouldContain("* SEARCH 5");
        (await b.ListAsync("FETCH 4 (FLAGS)")).ShouldContain(r => r.StartsWith("* 4 FETCH (FLAGS"));
        b.Untagged.ShouldNotContain(r => r.Contains("EXPUNGE"));
        (await b.AskAsync("FETCH 1:5 (BODY.PEEK[TEXT])")).ShouldStartWith("NO [EXPUNGEISSUED]");
        b.Untagged.Count(r => r.Contains("BODY[TEXT]")).ShouldBe(3);
        (await b.AskAsync("STORE 2 +FLAGS (\\Seen)")).ShouldStartWith("NO [EXPUNGEISSUED]");
        // A UID command may tell (RFC 3501 §7.4.1).
        (await b.ListAsync("UID FETCH 5 (FLAGS)")).ShouldBe(["* 5 FETCH (UID 5 FLAGS ())", "* 2 EXPUNGE", "* 3 EXPUNGE"]);
        (await b.ListAsync("FETCH 3 (UID)")).ShouldBe(["* 3 FETCH (UID 5)"]);
    }

    [Fact]
    public async Task New_mail_while_numbers_stay_comes_behind_what_is_gone()
    {
        await using var room = await RoomAsync(3);
        await using var a = await room.LoginAsync();
        await using var b = await room.LoginAsync();
        await a.ListAsync("STORE 3 +FLAGS.SILENT (\\Deleted)");
        await a.ListAsync("EXPUNGE");
        await room.DeliverAsync(Mail(4));
        (await b.ListAsync("FETCH 3:4 (UID)")).ShouldBe(["* 4 EXISTS", "* 1 RECENT", "* 3 FETCH (UID 3)", "* 4 FETCH (UID 4)"]);
        (await b.ListAsync("NOOP")).ShouldBe(["* 3 EXPUNGE"]);
        (await b.ListAsync("FETCH 3 (UID)")).ShouldBe(["* 3 FETCH (UID 4)"]);
    }

    [Fact]
    public async Task Idle_tells_at_once()
    {
        await using var room = await RoomAsync(1);
        await using var a = await room.LoginAsync();
        await a.SendAsync("i IDLE\r\n");
        (await a.LineAsync()).ShouldBe("+ idling");
        await room.DeliverAsync(Mail(2));
        (await a.LineAsync()).ShouldBe("* 2 EXISTS");
        (await a.LineAsync()).ShouldBe("* 2 RECENT");
        await using (var b = await room.LoginAsync()) await b.ListAsync("STORE 1 +FLAGS (\\Deleted)");
        (await a.LineAsync()).ShouldBe("* 1 FETCH (FLAGS (\\Deleted \\Recent))");
        await using (var b = await room.LoginAsync()) await b.ListAsync("EXPUNGE");
        (await a.LineAsync()).ShouldBe("* 1 EXPUNGE");
        await a.SendAsync("DO");
        await a.SendAsync("NE\r\n");
        (await a.LineAsync()).ShouldBe("i OK IDLE terminated");
    }

    [Fact]
    public async Task Idle_tells_nothing_in_one_piece_with_its_plus()
    {
        var time = new FakeTimeProvider();
        await using var room = await MailRoom.OpenAsync(time);
        await using var a = await room.LoginAsync();
        await room.DeliverAsync(Mail(1));
        var before = a.Server.BytesOut;
        await a.SendAsync("i IDLE\r\n");
        (await a.LineAsync()).ShouldBe("+ idling");
        await Task.Delay(50); // the clock stands: nothing may come, however long this is
        (a.Server.BytesOut - before).ShouldBe("+ idling\r\n".Length);
        var told = a.LineAsync();
        while (!told.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(5);
        }
        (await told).ShouldBe("* 1 EXISTS");
        (await a.LineAsync()).ShouldBe("* 1 RECENT");
        await a.SendAsync("DONE\r\n");
        (await a.AnswerAsync("i")).ShouldStartWith("OK");
        await room.DeliverAsync(Mail(2));
        await a.SendAsync("j IDLE\r\nDONE\r\n");
        (await a.LineAsync()).ShouldBe("+ idling");
        (await a.LineAsync()).ShouldBe("* 2 EXISTS");
    }

    [Fact]
    public async Task A_message_is_recent_for_one_session()
    {
        await using var room = await RoomAsync(2);
        await using (var looks = await room.LoginAsync(null)) (await looks.ListAsync("EXAMINE INBOX")).ShouldContain("* 2 RECENT");
        await using (var takes = await room.LoginAsync(null)) (await takes.ListAsync("SELECT INBOX")).ShouldContain("* 2 RECENT");
        await using (var late = await room.LoginAsync(null)) (await late.ListAsync("SELECT INBOX")).ShouldContain("* 0 RECENT");
        await room.DeliverAsync(Mail(3));
        await using var last = await room.LoginAsync(null);
        (await last.ListAsync("STATUS INBOX (RECENT)")).ShouldHaveSingleItem().ShouldBe("* STATUS \"INBOX\" (RECENT 1)");
        (await last.ListAsync("SELECT INBOX")).ShouldContain("* 1 RECENT");
    }

    [Fact]
    public async Task A_mailbox_that_is_deleted_looks_empty()
    {
        await using var room = await MailRoom.OpenAsync();
        await using var a = await room.LoginAsync(null);
        await a.ListAsync("CREATE box");
        await room.DeliverAsync(Mail(1), "box");
        await using var b = await room.LoginAsync("box");
        await a.ListAsync("DELETE box");
        (await b.ListAsync("NOOP")).ShouldBe(["* 1 EXPUNGE"]);
        (await b.AskAsync("FETCH 1:* FLAGS")).ShouldStartWith("OK");
    }

    [Fact]
    public async Task Qresync_brings_a_client_up_to_date()
    {
        await using var room = await RoomAsync(6);
        var known = room.Mailbox("INBOX");
        await using var a = await room.LoginAsync();
        await a.ListAsync("STORE 2,5 +FLAGS.SILENT (\\Deleted)");
        await a.ListAsync("EXPUNGE");
        await a.ListAsync("STORE 1 +FLAGS.SILENT (\\Seen)");
        await room.DeliverAsync(Mail(7));
        await using var b = await room.LoginAsync(null);
        await b.ListAsync("ENABLE QRESYNC");
        var told = await b.ListAsync($"SELECT INBOX (QRESYNC ({known.UidValidity} {known.HighestModSeq} 1:6))");
        told.ShouldContain("* VANISHED (EARLIER) 2,5");
        told.Where(r => r.Contains(" FETCH ")).Select(r => r[..r.IndexOf(" MODSEQ", StringComparison.Ordinal)]).ShouldBe(["* 1 FETCH (UID 1 FLAGS (\\Seen)"]);
        told = await b.ListAsync($"SELECT INBOX (QRESYNC ({known.UidValidity} {known.HighestModSeq}))");
        told.Count(r => r.Contains(" FETCH ")).ShouldBe(2);
        told = await b.ListAsync($"SELECT INBOX (QRESYNC ({known.UidValidity + 1} {known.HighestModSeq}))");
        told.ShouldNotContain(r => r.Contains("VANISHED") || r.Contains(" FETCH "));
    }

    [Fact]
    public async Task A_client_of_qresync_is_told_how_far_its_picture_is_whole()
    {
        await using var room = await RoomAsync(4);
        await using var a = await room.LoginAsync(null);
        await a.ListAsync("ENABLE QRESYNC");
        await a.ListAsync("SELECT INBOX");
        var whole = room.Mailbox("INBOX").HighestModSeq;
        await using var b = await room.LoginAsync();
        await b.ListAsync("STORE 2 +FLAGS.SILENT (\\Deleted)");
        await b.ListAsync("EXPUNGE");
        // The message that is gone, and one that has changed since, in one conditional STORE.
        await b.ListAsync("STORE 2 +FLAGS.SILENT (\\Seen)");
        (await a.AskAsync($"STORE 1:3 (UNCHANGEDSINCE {whole}) +FLAGS.SILENT (\\Seen)")).ShouldStartWith("NO [MODIFIED 3]");
        a.Untagged.ShouldContain(r => r.StartsWith($"* OK [HIGHESTMODSEQ {whole}]"));
        a.Untagged.ShouldNotContain(r => r.StartsWith("* VANISHED"));
        (await a.ListAsync("NOOP")).ShouldBe(["* VANISHED 2"]);
        (await a.ListAsync("FETCH 1 (FLAGS)")).ShouldHaveSingleItem().ShouldStartWith("* 1 FETCH (FLAGS (\\Seen");
    }

    [Fact]
    public async Task The_highest_change_number_is_one_however_it_is_asked_for()
    {
        await using var room = await RoomAsync(3);
        await using var a = await room.LoginAsync(null);
        await a.ListAsync("CREATE box");
        foreach (var act in (string[])["SELECT INBOX", "COPY 1:3 box", "STORE 2:3 +FLAGS (\\Seen)", "UNSUBSCRIBE INBOX", "MOVE 2 box", "STORE 1 +FLAGS (\\Deleted)", "EXPUNGE", "SUBSCRIBE INBOX"])
        {
            await a.ListAsync(act);
            foreach (var name in (string[])["INBOX", "box"])
            {
                await using var b = await room.LoginAsync(null);
                var status = (await b.ListAsync($"STATUS {name} (HIGHESTMODSEQ)")).Single();
                var number = status[(status.IndexOf("HIGHESTMODSEQ ", StringComparison.Ordinal) + 14)..^1];
                (await b.ListAsync($"SELECT {name}")).ShouldContain(r => r.StartsWith($"* OK [HIGHESTMODSEQ {number}]"), $"{act}, {name}");
            }
        }
    }

    [Fact]
    public async Task Ids_stay_with_what_they_name()
    {
        await using var room = await RoomAsync(1);
        await using var a = await room.LoginAsync(null);
        await a.ListAsync("CREATE one");
        var box = (await a.ListAsync("STATUS one (MAILBOXID)")).Single()[^6..];
        await a.ListAsync("RENAME one two");
        (await a.ListAsync("STATUS two (MAILBOXID)")).Single().ShouldEndWith(box);
        await a.ListAsync("SELECT INBOX");
        var id = (await a.ListAsync("FETCH 1 (EMAILID)")).Single();
        await a.ListAsync("COPY 1 two");
        await a.ListAsync("MOVE 1 Inbox");
        (await a.ListAsync("FETCH 1 (EMAILID)")).Single().ShouldBe(id);
        (await a.ListAsync($"SEARCH EMAILID {id[(id.LastIndexOf('(') + 1)..^2]}")).Single().ShouldBe("* SEARCH 1");
        await a.ListAsync("SELECT two");
        (await a.ListAsync("FETCH 1 (EMAILID)")).Single().ShouldBe(id);
        // A second copy in one mailbox is a message of its own.
        await a.ListAsync("COPY 1 two");
        (await a.ListAsync("FETCH 2 (EMAILID)")).Single().ShouldNotBe(id.Replace("* 1 ", "* 2 "));
    }

    [Fact]
    public async Task A_view_is_shared_and_goes_when_nobody_needs_it()
    {
        var time = new Posthorn.Tests.Testing.Time.FakeTimeProvider();
        await using var room = await MailRoom.OpenAsync(time);
        await room.DeliverAsync(Mail(1));
        await using (var a = await room.LoginAsync())
        await using (var b = await room.LoginAsync()) room.Server.Views.Count.ShouldBe(1);
        room.Server.Views.Count.ShouldBe(1);
        time.Advance(TimeSpan.FromMinutes(10));
        room.Server.Views.Count.ShouldBe(0);
        await using var c = await room.LoginAsync();
        (await c.ListAsync("FETCH 1 (FLAGS)")).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Flags_of_a_copy_are_those_of_the_message_but_for_deleted()
    {
        await using var room = await RoomAsync(1);
        await using var a = await room.LoginAsync();
        await a.ListAsync("CREATE box");
        await a.ListAsync("COPY 1 box");
        await using var b = await room.LoginAsync("box");
        await a.ListAsync("STORE 1 +FLAGS (\\Deleted \\Answered)");
        (await b.ListAsync("NOOP")).ShouldBe(["* 1 FETCH (FLAGS (\\Answered \\Recent))"]);
        room.Store.Read(unit => unit.Places.Find(room.Mailbox("box").Id, 1))!.Value.Flags.ShouldBe(MessageFlags.Answered);
    }
}
