using System.Text;
using Posthorn.Storage;
using Posthorn.Tests.Testing.Time;
using Posthorn.Wire.Connections;
using Posthorn.Wire.Sasl;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Pop3;

public class SessionTests
{
    [Fact]
    public async Task Two_sessions_exclude_each_other()
    {
        await using var office = await PostOffice.OpenAsync();
        await using var first = await office.LoginAsync();
        await using var second = await office.ConnectAsync();
        await second.AskAsync("USER user");
        (await second.AskAsync("PASS pencil")).ShouldStartWith("-ERR [IN-USE]");
        await using var neighbour = await office.LoginAsync("other", "pen"); // another maildrop is not concerned
        (await first.AskAsync("QUIT")).ShouldStartWith("+OK");
        await first.Session;
        await second.AskAsync("USER user");
        (await second.AskAsync("PASS pencil")).ShouldStartWith("+OK");
    }

    [Fact]
    public async Task Many_logins_at_once_open_one_maildrop()
    {
        await using var office = await PostOffice.OpenAsync();
        var clients = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => office.ConnectAsync()));
        var answers = await Task.WhenAll(clients.Select(async c =>
        {
            await c.AskAsync("USER user");
            return await c.AskAsync("PASS pencil");
        }));
        answers.Count(a => a.StartsWith("+OK")).ShouldBe(1);
        foreach (var client in clients) await client.DisposeAsync();
        await using var next = await office.LoginAsync();
    }

    [Theory]
    [InlineData("drop")]
    [InlineData("quit")]
    [InlineData("abort")]
    [InlineData("http after login")]
    public async Task The_lock_goes_on_every_way_out(string way)
    {
        await using var office = await PostOffice.OpenAsync();
        await using (var client = await office.LoginAsync())
        {
            if (way == "drop") client.Drop();
            if (way == "quit") await client.SendAsync("QUIT\r\n");
            if (way == "abort") client.Server.Abort();
            if (way == "http after login") await client.SendAsync(string.Concat(Enumerable.Repeat("GET / HTTP/1.1\r\n", 20)));
            await client.Session.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        }
        await using var next = await office.LoginAsync();
    }

    [Fact]
    public async Task New_mail_does_not_disturb_a_session()
    {
        await using var office = await PostOffice.OpenAsync();
        await office.DeliverAsync("Subject: one\r\n\r\n1\r\n");
        await using var client = await office.LoginAsync();
        var stat = await client.AskAsync("STAT");
        var late = await office.DeliverAsync("Subject: two\r\n\r\n2\r\n");
        (await client.AskAsync("STAT")).ShouldBe(stat);
        (await client.AskAsync("RETR 2")).ShouldStartWith("-ERR");
        await client.AskAsync("DELE 1");
        await client.AskAsync("RSET");
        (await client.AskAsync("STAT")).ShouldBe(stat);
        await client.AskAsync("DELE 1");
        (await client.AskAsync("QUIT")).ShouldStartWith("+OK");
        office.Uids().ShouldBe([late]);
    }

    [Fact]
    public async Task Deletions_are_durable_before_the_OK_of_QUIT()
    {
        await using var office = await PostOffice.OpenAsync();
        var kept = await office.DeliverAsync("Subject: one\r\n\r\n1\r\n");
        await office.DeliverAsync("Subject: two\r\n\r\n2\r\n");
        await using var client = await office.LoginAsync();
        await client.AskAsync("DELE 2");
        office.Uids().Count.ShouldBe(2); // nothing before QUIT
        (await client.AskAsync("QUIT")).ShouldStartWith("+OK");
        // What a crash at this moment would leave: the files as they are, opened by another process.
        var copy = Directory.CreateTempSubdirectory("posthorn-pop3-copy-").FullName;
        foreach (var file in Directory.EnumerateFiles(office.Directory, "*", SearchOption.AllDirectories))
        {
            if (Path.GetFileName(file) is "lock" || file.EndsWith("-shm")) continue;
            var to = Path.Combine(copy, Path.GetRelativePath(office.Directory, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            if (File.Exists(file)) File.Copy(file, to);
        }
        await using (var store = await MailStore.OpenAsync(new StoreOptions { Directory = copy }, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance))
            store.Read(unit => unit.Mailboxes.Maildrop(office.User, unit.Mailboxes.Find(office.User, "INBOX")!.Id).Select(e => e.Uid).ToArray()).ShouldBe([kept]);
        Directory.Delete(copy, true);
    }

    [Fact]
    public async Task A_dropped_connection_deletes_nothing()
    {
        await using var office = await PostOffice.OpenAsync();
        await office.DeliverAsync("Subject: one\r\n\r\n1\r\n");
        await using (var client = await office.LoginAsync())
        {
            (await client.AskAsync("DELE 1")).ShouldStartWith("+OK");
            client.Drop();
            await client.Session;
        }
        office.Uids().Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_failing_store_removes_nothing_and_says_so()
    {
        await using var office = await PostOffice.OpenAsync();
        await office.DeliverAsync("Subject: one\r\n\r\n1\r\n");
        await using var client = await office.LoginAsync();
        await client.AskAsync("DELE 1");
        await office.Store.DisposeAsync(); // what comes after fails
        (await client.AskAsync("QUIT")).ShouldStartWith("-ERR [SYS/TEMP]");
        (await client.EndsAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task A_drain_ends_waiting_sessions_without_deleting()
    {
        await using var office = await PostOffice.OpenAsync();
        await office.DeliverAsync("Subject: one\r\n\r\n1\r\n");
        await using var client = await office.LoginAsync();
        await client.AskAsync("DELE 1");
        await Task.Delay(50, TestContext.Current.CancellationToken);
        client.Server.Drain(false);
        (await client.LineAsync()).ShouldBe("-ERR [SYS/TEMP] server shutting down");
        (await client.EndsAsync()).ShouldBeTrue();
        office.Uids().Count.ShouldBe(1);
    }

    [Fact]
    public async Task Autologout_is_silent_and_deletes_nothing()
    {
        var clock = new FakeTimeProvider();
        using var watch = new DeadlineWatch(clock);
        await using var office = await PostOffice.OpenAsync(clock);
        await office.DeliverAsync("Subject: one\r\n\r\n1\r\n");
        await using var client = await office.ConnectAsync(watch: watch);
        await client.AskAsync("USER user");
        await client.AskAsync("PASS pencil");
        await client.AskAsync("DELE 1");
        clock.Advance(TimeSpan.FromMinutes(9));
        (await client.AskAsync("NOOP")).ShouldBe("+OK"); // RFC 1939 §3: any command resets the timer
        var end = client.EndsAsync();
        while (!end.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMinutes(11));
            await Task.WhenAny(end, Task.Delay(20, TestContext.Current.CancellationToken));
        }
        (await end).ShouldBeTrue();
        office.Uids().Count.ShouldBe(1);
    }

    [Fact]
    public async Task Large_messages_are_streamed_octet_for_octet()
    {
        await using var office = await PostOffice.OpenAsync();
        var random = new Random(4);
        var texts = new List<string>();
        foreach (var lines in new[] { 900, 1800, 40_000 })
        {
            var text = new StringBuilder("Subject: big\r\n\r\n");
            for (var i = 0; i < lines; i++) text.Append(random.Next(5) == 0 ? "." : "").Append('x', random.Next(78)).Append("\r\n");
            texts.Add(text.ToString());
            await office.DeliverAsync(text.ToString(), "");
        }
        await using var client = await office.LoginAsync();
        for (var i = 0; i < texts.Count; i++)
        {
            (await client.AskAsync($"LIST {i + 1}")).ShouldBe($"+OK {i + 1} {texts[i].Length}");
            (await client.RetrieveAsync(i + 1)).ShouldBe(texts[i]);
        }
        (await client.AskAsync("TOP 3 20000")).ShouldBe("+OK");
        (await client.LinesAsync()).ShouldBe(texts[2].Split("\r\n").Take(20002).ToList());
    }

    [Fact]
    public async Task Pipelined_commands_are_answered_in_order()
    {
        await using var office = await PostOffice.OpenAsync();
        for (var i = 1; i <= 200; i++) await office.DeliverAsync($"Subject: {i}\r\n\r\nbody {i}\r\n", "");
        await using var client = await office.LoginAsync();
        await client.SendAsync("UIDL\r\n" + string.Concat(Enumerable.Range(1, 200).Select(i => $"RETR {i}\r\n{(i % 3 == 0 ? $"DELE {i}\r\n" : "")}TOP {i % 7 + 190} 0\r\n")) + "QUIT\r\n");
        (await client.LineAsync()).ShouldBe("+OK");
        (await client.LinesAsync()).Count.ShouldBe(200);
        for (var i = 1; i <= 200; i++)
        {
            (await client.LineAsync()).ShouldStartWith("+OK");
            (await client.LinesAsync()).ShouldBe([$"Subject: {i}", "", $"body {i}"]);
            if (i % 3 == 0) (await client.LineAsync()).ShouldStartWith("+OK");
            var top = await client.LineAsync();
            if (top.StartsWith("+OK")) (await client.LinesAsync()).ShouldBe([$"Subject: {i % 7 + 190}", ""]);
            else ((i % 7 + 190) % 3).ShouldBe(0);
        }
        (await client.LineAsync()).ShouldStartWith("+OK");
        office.Uids().Count.ShouldBe(134);
    }

    [Fact]
    public async Task Messages_removed_by_another_program_are_missing_not_wrong()
    {
        await using var office = await PostOffice.OpenAsync();
        await office.DeliverAsync("Subject: one\r\n\r\n1\r\n");
        var gone = await office.DeliverAsync("Subject: two\r\n\r\n2\r\n");
        await using var client = await office.LoginAsync();
        await office.Store.WriteAsync(unit => unit.Mailboxes.Expunge(office.User, unit.Mailboxes.Find(office.User, "INBOX")!.Id, [gone], "imap"), TestContext.Current.CancellationToken);
        (await client.AskAsync("RETR 2")).ShouldStartWith("-ERR");
        (await client.RetrieveAsync(1)).ShouldEndWith("\r\n1\r\n");
        await client.AskAsync("DELE 2");
        (await client.AskAsync("QUIT")).ShouldStartWith("+OK");
    }

    [Fact]
    public async Task Utf8_headers_are_sent_as_they_are_only_after_UTF8()
    {
        await using var office = await PostOffice.OpenAsync();
        await office.DeliverAsync("Subject: Grüße\r\n\r\nä\r\n", "");
        await office.DeliverAsync("Subject: Grüße\r\n\r\n" + string.Concat(Enumerable.Repeat("ä........\r\n", 10_000)), "");
        await using (var client = await office.LoginAsync())
        {
            (await client.RetrieveAsync(1)).ShouldBe("Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n\r\nä\r\n");
            (await client.RetrieveAsync(2)).Length.ShouldBe("Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n\r\n".Length + 110_000);
            await client.AskAsync("TOP 2 1");
            (await client.LinesAsync()).ShouldBe(["Subject: =?utf-8?B?R3LDvMOfZQ==?=", "", "ä........"]);
            await client.AskAsync("QUIT");
            await client.Session;
        }
        await using var modern = await office.ConnectAsync();
        await modern.AskAsync("UTF8");
        await modern.AskAsync("USER user");
        await modern.AskAsync("PASS pencil");
        (await modern.RetrieveAsync(1)).ShouldBe("Subject: Grüße\r\n\r\nä\r\n");
        (await modern.RetrieveAsync(2)).ShouldStartWith("Subject: Grüße\r\n\r\nä.");
    }

    [Theory]
    [InlineData("Subject: x\r\n\r\nno end", "Subject: x\r\n\r\nno end\r\n.\r\n")]
    [InlineData("Subject: x\r\n\r\ncr end\r", "Subject: x\r\n\r\ncr end\r\n.\r\n")]
    [InlineData("Subject: x\r\n\r\n.", "Subject: x\r\n\r\n..\r\n.\r\n")]
    [InlineData(".\r\n", "..\r\n.\r\n")]
    [InlineData("", ".\r\n")]
    public async Task Every_answer_ends_on_a_line_of_its_own(string body, string answer)
    {
        await using var office = await PostOffice.OpenAsync();
        await office.DeliverAsync(body, "");
        await using var client = await office.LoginAsync();
        foreach (var command in new[] { "RETR 1", "TOP 1 9" })
        {
            await client.SendAsync(command + "\r\nNOOP\r\n");
            var text = "";
            (await client.LineAsync()).ShouldStartWith("+OK");
            while (await client.LineAsync() is var line && line != "+OK") text += line + "\r\n";
            text.ShouldBe(answer, command);
        }
    }

    [Fact]
    public async Task A_damaged_body_is_never_sent()
    {
        await using var office = await PostOffice.OpenAsync();
        var marker = "needle-" + Guid.NewGuid().ToString("N");
        await office.DeliverAsync($"Subject: x\r\n\r\n{marker}\r\n", "");
        await office.DeliverAsync("Subject: fine\r\n\r\nfine\r\n", "");
        Damage(office.Directory, marker);
        await using var client = await office.LoginAsync();
        (await client.AskAsync("RETR 1")).ShouldBe("-ERR [SYS/PERM] message damaged");
        (await client.AskAsync("TOP 1 0")).ShouldBe("-ERR [SYS/PERM] message damaged");
        (await client.RetrieveAsync(2)).ShouldBe("Subject: fine\r\n\r\nfine\r\n");
    }

    static void Damage(string directory, string marker)
    {
        var found = 0;
        foreach (var file in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories))
        {
            if (Path.GetFileName(file) is "lock") continue;
            using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            var octets = new byte[stream.Length];
            stream.ReadExactly(octets);
            var at = octets.AsSpan().IndexOf(Encoding.ASCII.GetBytes(marker));
            if (at < 0) continue;
            stream.Position = at;
            stream.WriteByte((byte)'N');
            found++;
        }
        found.ShouldBeGreaterThan(0);
    }

    [Theory]
    [InlineData(LoginOutcome.Throttled, "-ERR [LOGIN-DELAY]")]
    [InlineData(LoginOutcome.Unavailable, "-ERR [SYS/TEMP]")]
    [InlineData(LoginOutcome.Rejected, "-ERR [AUTH]")]
    public async Task Each_login_outcome_has_its_code(LoginOutcome outcome, string code)
    {
        await using var office = await PostOffice.OpenAsync();
        office.Accounts.Force = outcome;
        await using var client = await office.ConnectAsync();
        await client.AskAsync("USER user");
        (await client.AskAsync("PASS pencil")).ShouldStartWith(code);
    }

    [Fact]
    public async Task A_fault_of_the_authenticator_is_temporary()
    {
        await using var office = await PostOffice.OpenAsync();
        office.Accounts.Before = _ => throw new InvalidOperationException("boom");
        await using var client = await office.ConnectAsync();
        await client.AskAsync("USER user");
        var answer = await client.AskAsync("PASS pencil");
        answer.ShouldStartWith("-ERR [SYS/TEMP]");
        answer.ShouldNotContain("boom");
        office.Accounts.Before = null;
        await client.AskAsync("USER user");
        (await client.AskAsync("PASS pencil")).ShouldStartWith("+OK");
    }

    [Fact]
    public async Task Disabling_an_account_ends_its_open_session()
    {
        await using var office = await PostOffice.OpenAsync();
        await office.DeliverAsync("Subject: one\r\n\r\n1\r\n");
        using var directory = new Posthorn.Accounts.AccountDirectory(office.Store, new Posthorn.Accounts.AccountOptions());
        office.UseDirectory(directory);
        await using var client = await office.LoginAsync();
        (await client.AskAsync("DELE 1")).ShouldStartWith("+OK");
        await office.Store.WriteAsync(unit =>
        {
            unit.Directory.UpdateAccount(unit.Directory.Account(office.User)! with { Enabled = false });
            return 0;
        }, TestContext.Current.CancellationToken);
        directory.Reload();
        (await client.AskAsync("QUIT")).ShouldStartWith("-ERR [SYS/PERM]");
        (await client.EndsAsync()).ShouldBeTrue();
        office.Uids().Count.ShouldBe(1);
    }

    [Fact]
    public async Task Rows_are_found_whatever_order_a_client_takes()
    {
        await using var office = await PostOffice.OpenAsync();
        for (var i = 1; i <= 150; i++) await office.DeliverAsync($"Subject: {i}\r\n\r\n", "");
        await using var client = await office.LoginAsync();
        var random = new Random(64);
        for (var i = 1; i <= 300; i++)
        {
            var number = i <= 150 ? i : random.Next(1, 151);
            for (var again = random.Next(1, 4); again > 0; again--) (await client.RetrieveAsync(number)).ShouldStartWith($"Subject: {number}\r\n");
        }
    }
}
