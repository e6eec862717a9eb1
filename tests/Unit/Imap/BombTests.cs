using System.Text;
using Posthorn.Imap.Access;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Imap.Views;
using Posthorn.Storage.Messages;
using Posthorn.Tests.Testing.Time;
using Posthorn.Wire.Connections;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>Commands that are small and mean much: memory and work stay bounded (docs/threats.md).</summary>
public class BombTests
{
    static string Many(string one, int count) => string.Concat(Enumerable.Repeat(one, count));

    static FetchArguments Fetch(string text)
    {
        var reader = new ImapReader(Encoding.ASCII.GetBytes(text), ImapLimits.User);
        return FetchArguments.Read(ref reader);
    }

    [Fact]
    public async Task IMAP_sequence_set_bombs()
    {
        await using var room = await MailRoom.OpenAsync(inMemory: true);
        await room.DeliverAsync(2_000, i => $"Subject: {i}\r\n\r\n");
        await using var client = await room.LoginAsync();
        // All that a line holds: ranges that say the same are one.
        var same = Many("1:*,", 16_000) + "1";
        (await client.ListAsync($"UID FETCH {same[32_000..]} UID")).Count.ShouldBe(2_000);
        (await client.AskAsync($"UID FETCH {Many("1,", 10_001)}1 UID")).ShouldStartWith("BAD too many words");
        (await client.ListAsync("UID SEARCH RETURN (COUNT) UID 1:4294967295 NOT UID 4294967295:3 1:*")).ShouldHaveSingleItem().ShouldEndWith(" COUNT 2");
        var odd = string.Join(',', Enumerable.Range(0, 1_000).Select(static i => 2 * i + 1));
        (await client.ListAsync($"UID STORE {odd} +FLAGS.SILENT (\\Deleted)")).ShouldBeEmpty();
        (await client.ListAsync($"UID EXPUNGE {odd}")).Count(static l => l.EndsWith(" EXPUNGE")).ShouldBe(1_000);
        (await client.ListAsync("UID SEARCH RETURN (SAVE COUNT MIN) ALL")).ShouldHaveSingleItem().ShouldEndWith(" MIN 2 COUNT 1000");
        // What was saved is held once, however often it is named.
        (await client.ListAsync("UID SEARCH RETURN (COUNT) " + Many("$ ", 990) + "$")).ShouldHaveSingleItem().ShouldEndWith(" COUNT 1000");
    }

    [Fact]
    public void IMAP_sequence_set_bombs_a_message_is_found_in_logarithmic_time()
    {
        // What would be 10,000,000,000 looks at ranges if they were gone through.
        const int Messages = 400_000;
        var builder = new SnapshotBuilder(new KeywordSets(), 1, 0);
        for (var uid = 1u; uid <= Messages; uid++) builder.Append(new Row { Uid = uid });
        var shown = builder.Build();
        var picked = new Picked([.. Enumerable.Range(0, Messages / 2).Select(static i => (2 * i, 2 * i))]);
        var found = 0;
        for (var uid = 1u; uid <= Messages; uid++)
            if (picked.Contains(shown, uid)) found++;
        found.ShouldBe(Messages / 2);
    }

    [Fact]
    public async Task IMAP_wildcard_bombs()
    {
        await using var room = await MailRoom.OpenAsync(inMemory: true);
        await room.Store.WriteAsync(unit =>
        {
            for (var i = 0; i < 1_000; i++) unit.Mailboxes.Create(room.User, $"{Many("a", 200)}{i}", subscribed: false);
            return 0;
        });
        await using var client = await room.LoginAsync(null);
        (await client.ListAsync($"LIST \"\" {Many("%*", 15_000)}")).Count.ShouldBe(1_001);
        (await client.ListAsync($"LIST \"\" {Many("%a", 250)}b")).ShouldBeEmpty();
        (await client.ListAsync($"LIST \"\" {Many("*a%", 10_000)}b")).ShouldBeEmpty();
        (await client.ListAsync($"LIST \"\" ({Many("*a*a*b ", 255)}x)")).ShouldBeEmpty();
        (await client.AskAsync($"LIST \"\" ({Many("*a*a*b ", 256)}x)")).ShouldStartWith("BAD too many patterns");
        (await client.AskAsync($"LIST \"\" * RETURN (METADATA ({Many("/private/comment ", 256)}/private/x))")).ShouldStartWith("BAD too many entries");
        (await client.ListAsync($"ESEARCH IN (MAILBOXES ({Many("a ", 4_000)}INBOX) SUBTREE ({Many("b ", 4_000)}c)) ALL")).ShouldBeEmpty();
        var pattern = new ListPattern(Many("%a", 5_000), '/');
        pattern.Matches(Many("a", 1_000)).ShouldBeFalse();
        pattern.Work.ShouldBe(0);
    }

    [Fact]
    public async Task IMAP_search_bombs()
    {
        await using var room = await MailRoom.OpenAsync(inMemory: true);
        await room.DeliverAsync(100, i => $"Subject: {i}\r\n\r\ntext\r\n");
        await using var client = await room.LoginAsync();
        (await client.AskAsync("SEARCH " + Many("SEEN ", 1_000) + "SEEN")).ShouldStartWith("NO [LIMIT]");
        (await client.AskAsync("SEARCH " + Many("OR SEEN ", 33) + "SEEN")).ShouldStartWith("BAD too deep");
        (await client.AskAsync("SEARCH " + Many("(", 33) + "SEEN" + Many(")", 33))).ShouldStartWith("BAD too many parentheses");
        (await client.ListAsync("SEARCH " + Many("NOT TEXT nowhere ", 490) + "ALL")).ShouldHaveSingleItem().ShouldEndWith(" 100");
        // Each word of a fuzzy text is a key.
        (await client.AskAsync($"SEARCH FUZZY TEXT \"{Many("a b ", 600)}\"")).ShouldStartWith("NO [LIMIT]");
        (await client.AskAsync($"SEARCH FUZZY TEXT \"{Many("a b ", 100)}\"")).ShouldStartWith("OK");
    }

    [Fact]
    public void IMAP_search_bombs_criteria_that_sort_nothing_are_not_held()
    {
        var reader = new ImapReader(Encoding.ASCII.GetBytes($"({Many("SUBJECT REVERSE DATE ", 3_000)}SIZE) UTF-8 ALL"), ImapLimits.User);
        SortArguments.Read(ref reader).Criteria.ShouldBe([new(SortKey.Subject, false), new(SortKey.Date, true), new(SortKey.Size, false)]);
    }

    [Theory]
    [InlineData("BODY.PEEK[] ")]
    [InlineData("BINARY.SIZE[1] ")]
    [InlineData("PREVIEW ")]
    public void IMAP_fetch_bombs(string item)
    {
        Fetch($"1 ({Many(item, 255)}UID)").Items.Count.ShouldBe(256);
        Should.Throw<BadSyntax>(() => Fetch($"1 ({Many(item, 256)}UID)")).Message.ShouldBe("too many items");
    }

    [Fact]
    public void IMAP_fetch_bombs_sections()
    {
        Fetch($"1 BODY[HEADER.FIELDS ({Many("a ", 255)}b)]").Items.Count.ShouldBe(1);
        Should.Throw<BadSyntax>(() => Fetch($"1 BODY[HEADER.FIELDS ({Many("a ", 256)}b)]")).Message.ShouldBe("too many field names");
        Should.Throw<BadSyntax>(() => Fetch($"1 BODY[{Many("1.", 130)}1]")).Message.ShouldBe("no part lies so deep");
        Should.Throw<BadSyntax>(() => Fetch($"1 BINARY[{Many("1.", 130)}1]")).Message.ShouldBe("no part lies so deep");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task IMAP_literals_a_line_without_end(bool compressed)
    {
        await using var room = await MailRoom.OpenAsync();
        await using var client = await room.LoginAsync(null);
        if (compressed) await client.CompressAsync();
        var line = new string('x', 100_000);
        await client.SendAsync("a ");
        for (var i = 0; i < 300; i++) await client.SendAsync(line);
        (await client.LineAsync()).ShouldStartWith("a BAD [TOOBIG]");
        (await client.LineAsync()).ShouldStartWith("* BYE");
        await client.Session.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        client.Server.BytesIn.ShouldBeLessThan(2 << 20);
    }

    [Fact]
    public async Task IMAP_literals_a_flood_whose_answers_nobody_reads()
    {
        var time = new FakeTimeProvider();
        await using var room = await MailRoom.OpenAsync(time);
        await room.DeliverAsync("Subject: a\r\n\r\n" + Many("0123456789abcdef\r\n", 20_000));
        using var watch = new DeadlineWatch(time);
        await using var client = await room.ConnectAsync(watch: watch, unread: 64 << 10);
        (await client.AskAsync("LOGIN user pencil")).ShouldStartWith("OK");
        (await client.AskAsync("SELECT INBOX")).ShouldStartWith("OK");
        await client.SendAsync(Many("f FETCH 1 BODY.PEEK[]\r\n", 5_000));
        // The session waits for the client, and is cut off when that has taken too long.
        while (!client.Session.IsCompleted)
        {
            time.Advance(TimeSpan.FromMinutes(6));
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
        client.Server.BytesOut.ShouldBeLessThan(1 << 20);
        client.Server.BytesIn.ShouldBeLessThan(100_000);
    }

    [Fact]
    public async Task IMAP_catenate_bombs()
    {
        await using var room = await MailRoom.OpenAsync(inMemory: true);
        room.UseOptions(new Posthorn.Imap.ImapOptions { Hostname = "mail.example.test", MaxMessageSize = 100_000 });
        await room.DeliverAsync("Subject: a\r\n\r\n" + Many("0123456789abcdef\r\n", 5_000));
        await using var client = await room.LoginAsync();
        (await client.AskAsync($"APPEND INBOX CATENATE ({Many("URL \"/INBOX/;UID=1\" ", 2)}URL \"/INBOX/;UID=1\")")).ShouldStartWith("NO [TOOBIG]");
        (await client.AskAsync($"APPEND INBOX{Many(" CATENATE (URL \"/INBOX/;UID=1\")", 12)}")).ShouldStartWith("NO [LIMIT]");
        (await client.AskAsync($"APPEND INBOX{Many(" CATENATE (URL \"/INBOX/;UID=1\")", 10)}")).ShouldStartWith("OK [APPENDUID");
    }

    [Fact]
    public async Task IMAP_views_of_mailboxes_that_are_passed_through()
    {
        await using var room = await MailRoom.OpenAsync(inMemory: true);
        var ids = await room.Store.WriteAsync(unit => Enumerable.Range(0, 6_000).Select(i => unit.Mailboxes.Create(room.User, $"m{i}", subscribed: false).Id).ToList());
        var views = room.Server.Views;
        foreach (var id in ids) views.Release(views.Take(room.User, id));
        // No minute has passed: who searches all of his mailboxes shall not have them all in memory.
        views.Count.ShouldBeLessThan(5_700);
    }
}
