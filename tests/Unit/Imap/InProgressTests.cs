using Posthorn.Imap;
using Posthorn.Tests.Testing.Time;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>INPROGRESS (RFC 9585): commands that take long say how far they are.</summary>
public class InProgressTests
{
    /// <summary>Time goes on by so much at each look, once somebody says so.</summary>
    sealed class LookedAtTime : TimeProvider
    {
        long _passed;

        public TimeSpan Step { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Add(ref _passed, Step.Ticks);
    }

    static async Task<(MailRoom Room, ImapClient Client, LookedAtTime Time)> BeginAsync(int messages)
    {
        var time = new LookedAtTime();
        var room = await MailRoom.OpenAsync(time, inMemory: true);
        await room.DeliverAsync(messages, i => $"Subject: m{i}\r\n\r\nsome text\r\n");
        return (room, await room.LoginAsync(), time);
    }

    [Fact]
    public async Task A_search_counts_what_it_has_read()
    {
        var (room, client, time) = await BeginAsync(400);
        await using (room)
        await using (client)
        {
            time.Step = TimeSpan.FromSeconds(4);
            var lines = await client.ListAsync("SEARCH TEXT \"some text\"");
            lines.Count.ShouldBeGreaterThan(2);
            lines[^1].ShouldStartWith("* SEARCH 1 2 3 ");
            var done = 0;
            foreach (var line in lines[..^1])
            {
                line.ShouldMatch("^\\* OK \\[INPROGRESS \\(\"t[0-9]+\" [0-9]+ 400\\)\\] ");
                var now = int.Parse(line.Split(' ')[4]);
                now.ShouldBeInRange(done + 64, 399);
                done = now;
            }
        }
    }

    [Fact]
    public async Task Nothing_is_said_before_ten_seconds_or_after_the_end()
    {
        var (room, client, time) = await BeginAsync(400);
        await using (room)
        await using (client)
        {
            time.Step = TimeSpan.FromMilliseconds(100);
            (await client.ListAsync("SEARCH TEXT \"some text\"")).ShouldHaveSingleItem();
            time.Step = TimeSpan.FromSeconds(11);
            // The last batch ends the command: its answer says more.
            (await client.ListAsync("SEARCH 1:64 TEXT \"some text\"")).ShouldNotContain(static l => l.Contains("64 64"));
        }
    }

    [Fact]
    public async Task A_second_goal_is_told_of_without_numbers()
    {
        var (room, client, time) = await BeginAsync(400);
        await using (room)
        await using (client)
        {
            time.Step = TimeSpan.FromSeconds(4);
            var lines = (await client.ListAsync("SORT (SUBJECT) UTF-8 SUBJECT m1")).FindAll(static l => l.Contains("INPROGRESS"));
            lines.ShouldContain(static l => l.Contains(" 400)]"));
            lines.ShouldAllBe(static l => l.Contains(" 400)]") || l.Contains(" NIL NIL)]"));
        }
    }

    [Theory]
    [InlineData("FETCH 1:* (UID ENVELOPE BODY.PEEK[])")]
    [InlineData("FETCH 1:* ENVELOPE")]
    [InlineData("SORT (SUBJECT) UTF-8 ALL")]
    [InlineData("THREAD REFERENCES UTF-8 ALL")]
    [InlineData("ESEARCH IN (PERSONAL) BODY text")]
    public async Task Lines_stand_between_whole_responses(string command)
    {
        var (room, client, time) = await BeginAsync(400);
        await using (room)
        await using (client)
        {
            var plain = await client.ListAsync(command);
            time.Step = TimeSpan.FromSeconds(11);
            var told = await client.ListAsync(command);
            time.Step = TimeSpan.Zero;
            told.ShouldContain(static l => l.StartsWith("* OK [INPROGRESS (\"t"));
            // The tag is in the answer of a search.
            told.FindAll(static l => !l.Contains("INPROGRESS")).ConvertAll(Untagged).ShouldBe(plain.ConvertAll(Untagged));
        }

        static string Untagged(string line) => System.Text.RegularExpressions.Regex.Replace(line, "TAG \"t[0-9]+\"", "");
    }

    [Fact]
    public async Task A_tag_with_a_bracket_is_not_said()
    {
        var (room, client, time) = await BeginAsync(400);
        await using (room)
        await using (client)
        {
            time.Step = TimeSpan.FromSeconds(11);
            await client.SendAsync("a] SEARCH TEXT \"some text\"\r\n");
            (await client.LineAsync()).ShouldStartWith("* OK [INPROGRESS (NIL 64 400)] ");
        }
    }

    [Fact]
    public async Task Nobody_hears_of_it_for_whom_it_is_switched_off()
    {
        var time = new LookedAtTime();
        await using var room = await MailRoom.OpenAsync(time, inMemory: true);
        room.UseOptions(new ImapOptions { Hostname = "mail.example.test", SwitchedOff = [new("INPROGRESS", "", "")] });
        await room.DeliverAsync(400, i => $"Subject: m{i}\r\n\r\nsome text\r\n");
        await using var client = await room.LoginAsync();
        time.Step = TimeSpan.FromSeconds(11);
        (await client.ListAsync("SEARCH TEXT \"some text\"")).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Who_waits_for_the_store_hears_that_it_goes_on()
    {
        var time = new FakeTimeProvider();
        await using var room = await MailRoom.OpenAsync(time, inMemory: true);
        await room.DeliverAsync("Subject: a\r\n\r\n");
        await using var client = await room.LoginAsync();
        using var blocked = new ManualResetEventSlim();
        var other = room.Store.WriteAsync(_ =>
        {
            blocked.Wait();
            return 0;
        }).AsTask();
        try
        {
            await client.SendAsync("s STORE 1 +FLAGS (\\Seen)\r\n");
            for (var i = 0; i < 3; i++)
            {
                while (time.NextTimer is not { TotalSeconds: > 9 and <= 10 }) await Task.Delay(5, TestContext.Current.CancellationToken);
                time.Advance(TimeSpan.FromSeconds(10));
                (await client.LineAsync()).ShouldStartWith("* OK [INPROGRESS (\"s\" NIL NIL)] ");
            }
        }
        finally
        {
            // Or the store's writer would wait for ever, and the run with it.
            blocked.Set();
            await other;
        }
        (await client.AnswerAsync("s")).ShouldStartWith("OK");
        client.Untagged.ShouldHaveSingleItem().ShouldStartWith("* 1 FETCH (FLAGS (\\Seen");
    }
}
