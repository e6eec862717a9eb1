using System.Text.Json.Nodes;
using Posthorn.Cli;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Cli;

/// <summary>The queue and stories by command, on a real store: through the running server, and alone.</summary>
public sealed class QueueVerbTests
{
    /// <summary>Mail to other hosts, handed in by sendmail: a@far.example and b@gone.example (one message), c@far.example.</summary>
    static async Task<Program> WithMailAsync(bool running)
    {
        var program = new Program();
        // Nobody answers there, so that what is tried waits again.
        program.WriteConfig("""  "dns": { "servers": [ "127.0.0.1:9" ] } """);
        await program.ServeAsync();
        await program.SendAsync("From: x@from.test\nSubject: one\nMessage-ID: <one@from.test>\n\nhi\n", "-f", "x@from.test", "a@far.example", "b@gone.example");
        await program.SendAsync("Subject: two\u001b[2J\n\nhi\n", "-f", "", "c@far.example");
        if (!running) await program.StopAsync();
        return program;
    }

    /// <summary>Waits until nothing is being delivered.</summary>
    static async Task SettleAsync(Program program)
    {
        while ((await ListAsync(program, "--state leased")).Count > 0) await Task.Delay(50, TestContext.Current.CancellationToken);
    }

    static async Task<List<JsonObject>> ListAsync(Program program, string more = "") =>
        [.. (await program.JsonAsync(("queue list " + more).TrimEnd()))["recipients"]!.AsArray().Select(r => r!.AsObject())];

    static async Task<string> NamesAsync(Program program, string more) => string.Join(' ', (await ListAsync(program, more)).Select(r => ((string)r["recipient"]!)[..1]));

    [Theory]
    [InlineData("", "a b c")]
    [InlineData("--domain far.example", "a c")]
    [InlineData("--domain *.example", "a b c")]
    [InlineData("--sender x@from.test", "a b")]
    [InlineData("--sender <>", "c")]
    [InlineData("--recipient c@far.example", "c")]
    [InlineData("--recipient c@*", "c")]
    [InlineData("--state due", "a b c")]
    [InlineData("--state held", "")]
    [InlineData("--older-than 1h", "")]
    [InlineData("--route mx", "a b c")]
    [InlineData("--route smtp:*", "")]
    [InlineData("--via *mx*", "")]
    [InlineData("--limit 2", "a b")]
    [InlineData("--finished", "")]
    [InlineData("--all", "a b c")]
    public async Task Filters(string options, string found)
    {
        await using var program = await WithMailAsync(running: false);
        (await NamesAsync(program, options)).ShouldBe(found);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Hold_reroute_release_retry_drop(bool running)
    {
        await using var program = await WithMailAsync(running);
        var one = (string)(await ListAsync(program))[0]["id"]!;
        await SettleAsync(program);

        (await program.RunAsync($"queue hold {one}")).ShouldBe(0, program.Errors);
        program.Output.ShouldEndWith("2 recipients put on hold.\n");
        (await NamesAsync(program, "--state held")).ShouldBe("a b");
        (await program.RunAsync($"queue reroute {one} --domain far.example --to smtp:127.0.0.1:2525")).ShouldBe(0, program.Errors);
        (await NamesAsync(program, "--via smtp:127.0.0.1:2525")).ShouldBe("a");
        (await NamesAsync(program, "--route smtp:*")).ShouldBe("a");
        (await NamesAsync(program, "--state held")).ShouldBe("a b");
        (await program.RunAsync("queue release --route smtp:*")).ShouldBe(0, program.Errors);
        program.Output.ShouldEndWith("1 recipient released.\n");
        await SettleAsync(program);
        (await NamesAsync(program, "--state held")).ShouldBe("b");
        (await program.RunAsync("queue reroute --all --to routes")).ShouldBe(0, program.Errors);
        program.Output.ShouldEndWith("1 recipient given back to the routes.\n");
        (await program.RunAsync($"queue drop {one}")).ShouldBe(0, program.Errors);
        (await NamesAsync(program, "")).ShouldBe("c");
        (await NamesAsync(program, "--finished")).ShouldBe("a b");
        (await NamesAsync(program, "--state dropped")).ShouldBe("a b");

        (await program.RunAsync("trace " + one)).ShouldBe(0);
        string.Join('\n', program.Output.Split('\n').Where(l => l.Length > 0 && !l.Contains("not delivered yet")).Select(l => l[(l.IndexOf("  ", StringComparison.Ordinal) + 2)..])).ShouldContain("""
            queued for a@far.example
            queued for b@gone.example
            on hold: a@far.example, by hand
            on hold: b@gone.example, by hand
            sent another way, smtp:127.0.0.1:2525: a@far.example, by hand
            released: a@far.example, by hand
            sent another way, routes: a@far.example, by hand
            taken out, nobody is told: a@far.example, by hand
            taken out, nobody is told: b@gone.example, by hand
            """.ReplaceLineEndings("\n"));
        (await program.RunAsync("store verify")).ShouldBe(0, program.Output);
    }

    [Theory]
    [InlineData("queue hold", 64, "say which")]
    [InlineData("queue drop", 64, "say which")]
    [InlineData("queue release", 64, "say which")]
    [InlineData("queue retry", 64, "say which")]
    [InlineData("queue bounce", 64, "say which")]
    [InlineData("queue reroute --to mx", 64, "say which")]
    [InlineData("queue reroute --all", 64, "say where")]
    [InlineData("queue reroute --all --to nowhere", 65, "is no transport")]
    [InlineData("queue hold --all --domain x.test", 64, "--all means everything")]
    [InlineData("queue hold nonsense", 65, "neither the id")]
    [InlineData("queue show nonsense", 65, "not the id")]
    [InlineData("queue show 0000000000000", 67, "there is no message")]
    [InlineData("queue list --state sleeping", 65, "is no state")]
    [InlineData("queue list --state 3", 65, "is no state")]
    [InlineData("queue list --older-than soon", 65, "must be a time")]
    [InlineData("queue list --limit 0", 65, "--limit takes")]
    [InlineData("queue list --finished --all", 64, "exclude")]
    [InlineData("trace nobody@nowhere.test", 65, "nothing is known")]
    [InlineData("trace x@y.test --limit many", 65, "--limit takes")]
    public async Task What_cannot_be_done_is_said(string line, int exit, string why)
    {
        await using var program = new Program();
        (await program.RunAsync(line)).ShouldBe(exit);
        program.Errors.ShouldContain(why);
    }

    [Fact]
    public async Task By_number()
    {
        await using var program = await WithMailAsync(running: false);
        var number = (long)(await ListAsync(program))[1]["number"]!;
        (await program.RunAsync($"queue hold {number}")).ShouldBe(0, program.Errors);
        (await NamesAsync(program, "--state held")).ShouldBe("b");
    }

    [Fact]
    public async Task Show_tells_all_of_it_and_no_control_character()
    {
        await using var program = await WithMailAsync(running: true);
        var two = (string)(await ListAsync(program))[2]["id"]!;
        (await program.RunAsync("queue show " + two)).ShouldBe(0, program.Errors);
        program.Output.ShouldContain("Sender   <>");
        program.Output.ShouldContain("→ c@far.example   number 3\n");
        program.Output.ShouldContain("  by mx\n");
        program.Output.ShouldContain("\nSubject: two?[2J\n");
        program.Output.ShouldContain("from the local user ");
        program.Output.Where(char.IsControl).ShouldAllBe(c => c == '\n' || c == '\t');
        (await program.JsonAsync("queue show " + two))["header"]!.GetValue<string>().ShouldContain("Received: from localhost (local user ");
    }

    [Fact]
    public async Task Stats_in_the_form_of_qshape()
    {
        await using var program = await WithMailAsync(running: false);
        (await program.RunAsync("queue stats")).ShouldBe(0, program.Errors);
        program.Output.ShouldBe("""
                         T 5 10 20 40 80 160 320 640 1280 1280+
                   TOTAL 3 3  0  0  0  0   0   0   0    0     0
             far.example 2 2  0  0  0  0   0   0   0    0     0
            gone.example 1 1  0  0  0  0   0   0   0    0     0

            """.ReplaceLineEndings("\n"));
        (await program.JsonAsync("queue stats"))["total"]!["total"]!.GetValue<long>().ShouldBe(3);
    }

    [Fact]
    public async Task Mailq_in_the_form_of_Postfix()
    {
        await using var program = await WithMailAsync(running: false);
        var ids = (await ListAsync(program)).Select(r => (string)r["id"]!).Distinct().ToList();
        (await program.RunAsync("queue hold " + ids[1])).ShouldBe(0);
        foreach (var line in new[] { "mailq", "sendmail -bp" })
        {
            (await program.RunAsync(line)).ShouldBe(0, program.Errors);
            var lines = program.Output.Split('\n');
            lines[0].ShouldBe("-Queue ID-      --Size-- ----Arrival Time---- -Sender/Recipient-------");
            lines[1].ShouldMatch($"^{ids[0]}    +[0-9]+ [A-Z][a-z]{{2}} [A-Z][a-z]{{2}} [0-9]+ [0-9:]{{8}}  x@from\\.test$");
            lines[2].Trim().ShouldBe("a@far.example");
            lines[3].Trim().ShouldBe("b@gone.example");
            lines[5].ShouldMatch($"^{ids[1]}! .*MAILER-DAEMON$");
            lines[^2].ShouldBe("-- 1 Kbytes in 2 Requests.");
        }
        (await program.RunAsync("queue drop --all")).ShouldBe(0);
        (await program.RunAsync("mailq")).ShouldBe(0);
        program.Output.ShouldBe("Mail queue is empty\n");
    }

    [Fact]
    public async Task Stories_by_address_and_by_Message_ID()
    {
        await using var program = await WithMailAsync(running: false);
        var id = (string)(await ListAsync(program))[0]["id"]!;
        foreach (var word in new[] { "a@far.example", "x@from.test", "<one@from.test>" })
        {
            var stories = (await program.JsonAsync("trace " + word))["stories"]!.AsArray();
            stories.ShouldHaveSingleItem()!["id"]!.GetValue<string>().ShouldBe(id, word);
        }
        (await program.RunAsync("trace a@far.example")).ShouldBe(0);
        program.Output.ShouldStartWith(id + ":\n");
    }

    [Fact]
    public async Task Sendmail_ends_with_the_codes_of_sysexits()
    {
        await using var program = new Program();
        (await program.RunAsync("x\n", "sendmail", "a@far.example")).ShouldBe(ExitCode.TemporaryFailure);
        program.Errors.ShouldContain("the mail server does not run");
        (await program.RunAsync("x\n", "mailq")).ShouldBe(0, program.Errors); // the store alone
        await program.ServeAsync();
        (await program.RunAsync("domain add example.test")).ShouldBe(0);
        (await program.RunAsync("x\n", "sendmail", "a@far.example")).ShouldBe(0, program.Errors);
        (program.Output, program.Errors).ShouldBe(("", ""));
        (await program.RunAsync("x\n", "sendmail", "-v", "a@far.example")).ShouldBe(0);
        program.Output.ShouldStartWith("250 2.0.0 Ok: ");
        (await program.RunAsync("x\n", "sendmail", "nobody@example.test")).ShouldBe(ExitCode.NoUser);
        program.Errors.ShouldBe("sendmail: <nobody@example.test> was refused: 550 5.1.1 No such user here\n");
        (await program.RunAsync("x\n", "sendmail", "nobody@example.test", "a@far.example")).ShouldBe(ExitCode.NoUser);
        (await program.RunAsync("x\n", "sendmail")).ShouldBe(ExitCode.DataError);
        (await program.RunAsync("Subject: x\n\n", "sendmail", "-t")).ShouldBe(ExitCode.DataError);
        (await program.RunAsync("To: two words\n\n", "sendmail", "-t")).ShouldBe(ExitCode.DataError);
        (await program.RunAsync("x\n", "sendmail", "-bd")).ShouldBe(ExitCode.Usage);
        (await program.RunAsync("x\n", "newaliases")).ShouldBe(0);
        (await program.RunAsync("", "sendmail", "-bv", "a@far.example")).ShouldBe(0);
        (await program.RunAsync("", "sendmail", "-q")).ShouldBe(0);
        program.Output.ShouldBe("");
        (await NamesAsync(program, "")).ShouldBe("a a a");
    }

    [Fact]
    public async Task Sendmail_speaks_SMTP_on_its_streams()
    {
        await using var program = new Program();
        await program.ServeAsync();
        (await program.RunAsync("EHLO x.test\r\nMAIL FROM:<x@from.test>\r\nRCPT TO:<a@far.example>\r\nBDAT 6 LAST\r\n\r\nhi\r\nQUIT\r\n", "sendmail", "-bs")).ShouldBe(0, program.Errors);
        program.Output.ShouldStartWith("220 mail.example.test ESMTP");
        program.Output.ShouldContain("250 2.0.0 Ok: ");
        program.Output.ShouldEndWith("221 2.0.0 Bye\r\n");
        (await NamesAsync(program, "--sender x@from.test")).ShouldBe("a");
    }

    [Fact]
    public async Task Recipients_of_the_header_each_once_and_the_blind_ones_hidden()
    {
        await using var program = new Program();
        await program.ServeAsync();
        await program.SendAsync("To: a@far.example, b@far.example\nCc: A@FAR.example\nBcc: hidden@far.example\nSubject: x\n\ntext\n.\nnever sent\n", "-t", "extra@far.example");
        var rows = await ListAsync(program);
        rows.Select(r => (string)r["recipient"]!).Order().ShouldBe(["a@far.example", "b@far.example", "extra@far.example", "hidden@far.example"]);
        var header = (string)(await program.JsonAsync("queue show " + rows[0]["id"]))["header"]!;
        header.ShouldNotContain("hidden");
        header.ShouldContain("From: ");
        header.ShouldContain("Date: ");
        header.Split('\n').Count(l => l.StartsWith("Message-ID: ", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task The_wishes_for_notices_go_along()
    {
        await using var program = new Program();
        var server = await program.ServeAsync();
        await program.SendAsync("gr\u00fc\u00dfe\n", "-N", "success,failure", "-R", "full", "-V", "id=1 x", "a@far.example");
        var row = server.Services.Store.Read(r => r.Queue.List(new(), 0, 1))[0];
        var message = server.Services.Store.Read(r => r.Queue.Message(row.MessageId)).ShouldNotBeNull();
        (message.Return, message.EnvelopeId, message.Body).ShouldBe(("FULL", "id=1 x", "8BITMIME"));
    }

    [Theory]
    [InlineData("owner", 0x180)]
    [InlineData("all", 0x1B6)]
    public async Task Who_may_use_the_socket(string users, int mode)
    {
        await using var program = new Program();
        program.WriteConfig($$"""  "sendmail": { "users": "{{users}}", "socket": "run/letters.sock" } """);
        await program.ServeAsync();
        var socket = Path.Combine(program.Home, "run", "letters.sock");
        ((int)File.GetUnixFileMode(socket)).ShouldBe(mode);
        ((int)File.GetUnixFileMode(Path.GetDirectoryName(socket)!)).ShouldBe(users == "all" ? 0x1ED : 0x1C0);
        await program.SendAsync("x\n", "a@far.example");
        await program.StopAsync();
        File.Exists(socket).ShouldBeFalse();
    }
}
