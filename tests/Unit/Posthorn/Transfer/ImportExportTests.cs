using System.Globalization;
using System.Text;
using Shouldly;
using Xunit;
using Shell = Posthorn.Tests.Unit.Host.Cli.Program;

namespace Posthorn.Tests.Unit.Host.Transfer;

/// <summary>Mail into accounts and out of them by files, with and without a running server.</summary>
public sealed class ImportExportTests
{
    static async Task<Shell> StartAsync(bool serving)
    {
        var program = new Shell();
        if (serving) await program.ServeAsync();
        await program.RunAsync("domain add example.test");
        foreach (var name in new[] { "a", "b", "c" }) (await program.RunAsync($"account add {name}@example.test --no-password")).ShouldBe(0, program.Errors);
        return program;
    }

    /// <summary>A Maildir with what real ones have: folders, keywords, odd line ends, the same message twice.</summary>
    static string MakeMaildir(Shell program)
    {
        var root = Path.Combine(program.Home, "md");
        var random = new Random(3);
        string[] folders = ["", ".Work", ".Work.2025", ".Entw&APw-rfe", ".Sent"];
        foreach (var folder in folders)
        {
            var directory = Path.Combine(root, folder);
            for (var i = 0; i < 60; i++)
            {
                var text = $"From: a@b.test\nSubject: {folder} {i}\nStatus: RO\n\nFrom here\n>From there\n{new string('x', random.Next(2000))}\n";
                if (i % 7 == 0) text = text.ReplaceLineEndings("\r\n");
                if (i % 11 == 0) text = text.TrimEnd('\n');
                if (i % 13 == 0) text = "Subject: twice\n\nthe same\n";
                if (i % 17 == 0) text += "\0\xE9\r lone\r\n";
                var letters = string.Concat("DFPRSTab".Where(_ => random.Next(4) == 0));
                MailFiles.Put(directory, i % 5 == 0 ? "new" : "cur", string.Create(CultureInfo.InvariantCulture, $"{1700000000 + i}.M{i}.host") + (i % 5 == 0 ? "" : ":2," + letters), text, MailFiles.Day.AddMinutes(i));
            }
            File.WriteAllText(Path.Combine(directory, "dovecot-keywords"), "0 $Label1\n1 NonJunk\n");
        }
        File.WriteAllText(Path.Combine(root, "subscriptions"), "V\t2\n\nINBOX\nWork\nSent\n");
        return root;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_brought_in_comes_out_and_goes_in_again_the_same(bool serving)
    {
        await using var program = await StartAsync(serving);
        var md = MakeMaildir(program);
        (await program.RunAsync($"import maildir a@example.test {md}")).ShouldBe(0, program.Errors + program.Output);
        program.Output.ShouldContain("brought in 300 messages");
        (await program.RunAsync($"import maildir a@example.test {md}")).ShouldBe(0);
        program.Output.ShouldContain("brought in 0 messages (0 B) of 5 mailboxes; 300 were there already");
        var (out1, out2) = (Path.Combine(program.Home, "out1"), Path.Combine(program.Home, "out2"));
        (await program.RunAsync($"export-mail a@example.test --format maildir --to {out1}")).ShouldBe(0, program.Errors + program.Output);
        (await program.JsonAsync($"export-mail a@example.test --format maildir --to {out1}"))["written"]!.GetValue<long>().ShouldBe(0);
        (await program.RunAsync($"import maildir b@example.test {out1}")).ShouldBe(0, program.Errors + program.Output);
        (await program.RunAsync($"export-mail b@example.test --format mbox --to {out2}")).ShouldBe(0, program.Errors + program.Output);
        (await program.JsonAsync($"export-mail b@example.test --format mbox --to {out2}"))["written"]!.GetValue<long>().ShouldBe(0);
        (await program.RunAsync($"import mbox c@example.test {out2}")).ShouldBe(0, program.Errors + program.Output);
        (await program.JsonAsync($"import mbox c@example.test {out2}"))["added"]!.GetValue<long>().ShouldBe(0);
        (await program.JsonAsync("store verify"))["clean"]!.GetValue<bool>().ShouldBeTrue();
        var listed = (await program.JsonAsync("mailbox list b@example.test"))["mailboxes"]!.AsArray().ToDictionary(m => (string)m!["name"]!, m => (bool)m!["subscribed"]!);
        listed["Work"].ShouldBeTrue();
        listed["Work/2025"].ShouldBeFalse();
        await program.StopAsync();
        var a = await MailFiles.AllAsync(program, "a@example.test");
        a.Count.ShouldBe(300);
        (await MailFiles.AllAsync(program, "b@example.test")).ShouldBe(a);
        (await MailFiles.AllAsync(program, "c@example.test")).ShouldBe(a);
    }

    [Fact]
    public async Task Two_of_the_same_stay_two_and_one_that_was_there_is_found()
    {
        await using var program = await StartAsync(serving: true);
        var md = Path.Combine(program.Home, "md");
        foreach (var name in new[] { "1.a", "2.b", "3.c" }) MailFiles.Put(md, "cur", name + ":2,", "Subject: x\n\nsame\n", MailFiles.Day);
        File.Delete(Path.Combine(md, "cur", "3.c:2,"));
        (await program.JsonAsync($"import maildir a@example.test {md}"))["added"]!.GetValue<long>().ShouldBe(2);
        (await program.JsonAsync($"import maildir a@example.test {md}"))["known"]!.GetValue<long>().ShouldBe(2);
        // A third one is a third one; a copy that lost its time is the same message.
        MailFiles.Put(md, "cur", "3.c:2,", "Subject: x\n\nsame\n", MailFiles.Day.AddYears(1));
        var third = await program.JsonAsync($"import maildir a@example.test {md}");
        (third["added"]!.GetValue<long>(), third["known"]!.GetValue<long>()).ShouldBe((1, 2));
    }

    [Fact]
    public async Task Delivered_mail_with_the_lines_of_delivery_is_recognised()
    {
        await using var program = await StartAsync(serving: true);
        await program.SendAsync("Subject: hello\n\nhi\n", "a@example.test");
        var to = Path.Combine(program.Home, "out");
        (await program.JsonAsync($"export-mail a@example.test --format maildir --to {to}"))["written"]!.GetValue<long>().ShouldBe(1);
        var again = await program.JsonAsync($"import maildir a@example.test {to}");
        (again["added"]!.GetValue<long>(), again["known"]!.GetValue<long>()).ShouldBe((0, 1));
    }

    [Fact]
    public async Task A_bad_file_is_named_and_the_others_go_on()
    {
        await using var program = await StartAsync(serving: true);
        var md = Path.Combine(program.Home, "md");
        MailFiles.Put(md, "cur", "1.a:2,", "Subject: good\n\n", MailFiles.Day);
        MailFiles.Put(md, "cur", "2.b:2,", "", MailFiles.Day);
        MailFiles.Put(md, "cur", "3.c:2,", "\x28\xB5\x2F\xFD packed", MailFiles.Day);
        MailFiles.Put(md, "cur", "4.d:2,", "Subject: good too\n\n", MailFiles.Day);
        MailFiles.Put(Path.Combine(md, ".a..b"), "cur", "1.a:2,", "x", MailFiles.Day);
        (await program.RunAsync($"import maildir a@example.test {md}")).ShouldBe(65);
        program.Output.ShouldContain("2.b:2,: it is empty");
        program.Output.ShouldContain("3.c:2,: it is compressed by zstd");
        program.Output.ShouldContain(".a..b: its name stands for no mailbox");
        program.Output.ShouldContain("brought in 2 messages");
        (await program.RunAsync($"import maildir a@example.test {md} /nowhere/at/all")).ShouldBe(74);
        (await program.RunAsync($"import mbox a@example.test {md}/cur/1.a:2,")).ShouldBe(65);
        program.Output.ShouldContain("it does not begin as an mbox does");
        (await program.RunAsync($"import maildir nobody@example.test {md}")).ShouldBe(67);
        program.Errors.ShouldBe("posthorn: there is no account nobody@example.test\n");
        var mbox = Path.Combine(program.Home, "mbox");
        Directory.CreateDirectory(mbox);
        File.WriteAllText(Path.Combine(mbox, "INBOX.mbox"), "somebody else's");
        (await program.RunAsync($"export-mail a@example.test --format mbox --to {mbox}")).ShouldBe(65);
        program.Output.ShouldContain("what was not written by this program, and stays as it is");
        File.ReadAllText(Path.Combine(mbox, "INBOX.mbox")).ShouldBe("somebody else's");
    }

    [Fact]
    public async Task The_quota_holds_and_the_import_can_be_gone_on_with()
    {
        await using var program = await StartAsync(serving: true);
        await program.RunAsync("account set-quota a@example.test 1K");
        var md = Path.Combine(program.Home, "md");
        for (var i = 0; i < 3; i++) MailFiles.Put(md, "cur", $"{i}.a:2,", $"Subject: {i}\n\n{new string('x', 400)}\n", MailFiles.Day);
        (await program.RunAsync($"import maildir a@example.test {md}")).ShouldBe(65);
        program.Errors.ShouldContain("quota is used up");
        await program.RunAsync("account set-quota a@example.test 1M");
        var rest = await program.JsonAsync($"import maildir a@example.test {md}");
        (rest["added"]!.GetValue<long>(), rest["known"]!.GetValue<long>()).ShouldBe((1, 2));
    }

    [Fact]
    public async Task Files_of_one_message_each_go_into_the_mailbox_that_is_named()
    {
        await using var program = await StartAsync(serving: true);
        var directory = Directory.CreateDirectory(Path.Combine(program.Home, "eml", "deep")).FullName;
        File.WriteAllText(Path.Combine(directory, "a.EML"), "Date: Thu, 1 Jan 2004 00:00:00 +0000\nSubject: x\n\nhi\n", Encoding.ASCII);
        (await program.RunAsync($"import eml a@example.test {program.Home}/eml --mailbox Old/Mail --seen")).ShouldBe(0, program.Errors + program.Output);
        await program.StopAsync();
        (await MailFiles.AllAsync(program, "a@example.test")).ShouldBe(["Old/Mail|Seen||2004-01-01T00:00:00.0000000+00:00|Date: Thu, 1 Jan 2004 00:00:00 +0000\r\nSubject: x\r\n\r\nhi\r\n"]);
    }

    [Fact]
    public async Task Mailboxes_are_made_renamed_shown_and_removed()
    {
        await using var program = await StartAsync(serving: true);
        (await program.RunAsync("mailbox create a@example.test Work/2025/Q1")).ShouldBe(0, program.Errors);
        (await program.RunAsync("mailbox create a@example.test work --use drafts")).ShouldBe(65);
        program.Errors.ShouldBe("posthorn: Drafts is for that already\n");
        (await program.RunAsync("mailbox create a@example.test Work/2025")).ShouldBe(65);
        (await program.RunAsync("mailbox create a@example.test x --use nonsense")).ShouldBe(64);
        (await program.RunAsync("mailbox rename a@example.test Work Job")).ShouldBe(0, program.Errors);
        (await program.RunAsync("mailbox delete a@example.test Job/2025")).ShouldBe(65);
        program.Errors.ShouldBe("posthorn: Job/2025/Q1 is below it\n");
        (await program.RunAsync("mailbox delete a@example.test inbox")).ShouldBe(65);
        (await program.RunAsync("mailbox delete a@example.test Job/2025/Q1")).ShouldBe(0, program.Errors);
        var names = (await program.JsonAsync("mailbox list a@example.test"))["mailboxes"]!.AsArray().Select(m => (string)m!["name"]!);
        names.ShouldBe(["INBOX", "Archive", "Drafts", "Job", "Job/2025", "Junk", "Sent", "Trash"]);
        (await program.RunAsync("mailbox status a@example.test INBOX Job")).ShouldBe(0);
        program.Output.ShouldMatch(@"^INBOX  messages 0  unseen 0  octets 0  uidvalidity \d+  uidnext 1  highestmodseq \d+\nJob ");
        (await program.RunAsync("mailbox status a@example.test Nowhere")).ShouldBe(65);
    }

    [Fact]
    public async Task Rights_are_given_shown_and_taken_in_letters_and_words()
    {
        await using var program = await StartAsync(serving: true);
        (await program.RunAsync("mailbox create a@example.test Team/Plans")).ShouldBe(0, program.Errors);
        (await program.RunAsync("mailbox acl set a@example.test Team/Plans b@example.test lookup,Read,seen")).ShouldBe(0, program.Errors);
        program.Output.ShouldBe("b@example.test may now do with Team/Plans of a@example.test: lookup, read, seen.\n");
        (await program.RunAsync("mailbox acl set a@example.test Team/Plans b@example.test +ti")).ShouldBe(0, program.Errors);
        (await program.RunAsync("mailbox acl set a@example.test Team/Plans anyone l")).ShouldBe(0, program.Errors);
        (await program.RunAsync("mailbox acl set a@example.test Team/Plans c@example.test all")).ShouldBe(0, program.Errors);
        var rights = (await program.JsonAsync("mailbox acl list a@example.test Team/Plans"))["rights"]!.AsArray().Select(r => $"{r!["who"]} {r["letters"]}");
        rights.ShouldBe(["a@example.test lrswipkxtea", "anyone l", "b@example.test lrsit", "c@example.test lrswipkxtea"]);
        (await program.RunAsync("mailbox acl delete a@example.test Team/Plans b@example.test")).ShouldBe(0, program.Errors);
        (await program.RunAsync("mailbox acl list a@example.test Team/Plans")).ShouldBe(0);
        program.Output.ShouldNotContain("b@example.test");
        foreach (var (words, error) in new[]
        {
            ("set a@example.test Nowhere b@example.test l", "there is no mailbox Nowhere"),
            ("set a@example.test Team/Plans nobody@example.test l", "there is no account nobody@example.test"),
            ("set a@example.test Team/Plans a@example.test l", "the owner keeps all rights"),
            ("set a@example.test Team/Plans b@example.test lookup,fly", "\"lookup,fly\" is neither letters of rights nor words: lookup, read, seen, write, insert, post, create, delete, mark, expunge, administer, all"),
            ("list a@example.test Nowhere", "there is no mailbox Nowhere"),
        })
        {
            (await program.RunAsync("mailbox acl " + words)).ShouldBe(65, words);
            program.Errors.ShouldBe($"posthorn: {error}\n");
        }
    }
}
