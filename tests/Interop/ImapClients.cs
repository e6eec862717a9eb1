using System.Text;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>Programs people use read and keep mail by IMAP.</summary>
public sealed class ImapClients(DemoFixture demo) : IClassFixture<DemoFixture>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    DemoAccount Alice => demo.Alice;

    DemoAccount Bob => demo.Bob;

    [Theory, InlineData(Tls.StartTls), InlineData(Tls.Implicit)]
    public async Task Python_imaplib(Tls tls)
    {
        const string script = """
            import imaplib, ssl, sys, time
            port, tls, user, password = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
            context = ssl._create_unverified_context()
            if tls == "Implicit":
                imap = imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=context)
            else:
                imap = imaplib.IMAP4("127.0.0.1", port)
                imap.starttls(context)
            def ok(answer):
                assert answer[0] == "OK", answer
                return answer[1]
            ok(imap.login(user, password))
            assert b" CONDSTORE " in ok(imap.capability())[0] and b" MOVE " in ok(imap.capability())[0], imap.capability()
            box = "Work/" + tls
            ok(imap.create(box))
            ok(imap.subscribe(box))
            assert any(box.encode() in line for line in ok(imap.list())), imap.list()
            assert any(b"\\Sent" in line for line in ok(imap.list())), imap.list()
            message = b"From: a@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nbody of it\r\n"
            for i in range(3):
                ok(imap.append(box, "(\\Flagged)", imaplib.Time2Internaldate(time.time()), message))
            assert ok(imap.select(box)) == [b"3"]
            assert ok(imap.search(None, "FLAGGED", "BODY", '"body of"')) == [b"1 2 3"]
            assert ok(imap.uid("SEARCH", None, "UNFLAGGED")) == [b""]
            data = ok(imap.fetch("1", "(UID FLAGS RFC822.SIZE INTERNALDATE ENVELOPE BODY.PEEK[])"))
            assert data[0][1] == message, data
            ok(imap.store("2", "+FLAGS", "(\\Deleted Blue)"))
            ok(imap.copy("1:3", "Archive"))
            assert ok(imap.expunge()) == [b"2"]
            ok(imap.uid("MOVE", "3", "Trash"))
            assert ok(imap.status(box, "(MESSAGES UIDNEXT)")) == [b'"' + box.encode() + b'" (MESSAGES 1 UIDNEXT 4)'], imap.status(box, "(MESSAGES UIDNEXT)")
            ok(imap.close())
            ok(imap.rename(box, box + "2"))
            ok(imap.delete(box + "2"))
            ok(imap.noop())
            assert imap.logout()[0] == "BYE"
            """;
        Assert.SkipWhen(Tool.Missing("python3") is not null, Tool.Missing("python3") ?? "");
        var run = await Tool.RunAsync("python3", ["-c", script, $"{demo.Port(tls == Tls.Implicit ? "imaps" : "imap")}", $"{tls}", Alice.Address, Alice.Password], Ct);
        Assert.True(run.ExitCode == 0, run.Told + "\n--- server\n" + demo.Server.Tail);
    }

    [Theory]
    [InlineData(Tls.StartTls, "PLAIN"), InlineData(Tls.StartTls, "LOGIN"), InlineData(Tls.Implicit, "PLAIN"), InlineData(Tls.Implicit, "LOGIN")]
    public async Task Curl(Tls tls, string mechanism)
    {
        Assert.SkipWhen(Tool.Missing("curl") is not null, Tool.Missing("curl") ?? "");
        var url = $"{(tls == Tls.StartTls ? "imap" : "imaps")}://127.0.0.1:{demo.Port(tls == Tls.Implicit ? "imaps" : "imap")}";
        string[] common = ["--silent", "--show-error", "--insecure", "--ssl-reqd", "--user", $"{Bob.Address}:{Bob.Password}", "--login-options", "AUTH=" + mechanism];
        var letter = $"From: a@example.org\r\nSubject: {tls} {mechanism}\r\n\r\nby curl\r\n";
        var file = demo.Write($"curl-{tls}-{mechanism}.eml", letter);
        var put = await Tool.RunAsync("curl", [.. common, "--upload-file", file, url + "/Archive"], Ct);
        Assert.True(put.ExitCode == 0, put.Told + "\n--- server\n" + demo.Server.Tail);
        var found = await Tool.RunAsync("curl", [.. common, url + "/Archive?" + Uri.EscapeDataString($"SUBJECT \"{tls} {mechanism}\"")], Ct);
        Assert.True(found.ExitCode == 0, found.Told);
        var number = found.Output.Trim().Split(' ')[^1];
        var got = await Tool.RunAsync("curl", [.. common, $"{url}/Archive;MAILINDEX={number}"], Ct);
        Assert.True(got.ExitCode == 0, got.Told + "\n--- server\n" + demo.Server.Tail);
        Assert.Equal(letter, got.Output);
    }

    /// <summary>Two Maildirs and the server: what is made, flagged and removed at one end is so at the other.</summary>
    [Fact]
    public async Task Mbsync_both_ways()
    {
        Assert.SkipWhen(Tool.Missing("mbsync") is not null, Tool.Missing("mbsync") ?? "");
        var (one, two) = (await HomeAsync("one"), await HomeAsync("two"));
        for (var i = 0; i < 20; i++) Put(one, "", $"Subject: letter {i}\n\nnumber {i}\n", i % 2 == 0 ? "S" : "");
        Put(one, ".work", "Subject: at work\n\nx\n", "F");
        await SyncAsync(one);
        await SyncAsync(two);
        Assert.Equal(Story(one), Story(two));
        Assert.Equal(21, Own(two));
        // Flags one way, a new letter the other way, and one gone.
        var seen = Directory.EnumerateFiles(Path.Combine(two, "mail"), "*", SearchOption.AllDirectories).First(f => File.ReadAllText(f).Contains("number 1\n"));
        File.Move(seen, Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(seen))!, "cur", Path.GetFileName(seen).Split(':')[0] + ":2,FS"));
        Put(two, "", "Subject: new\n\nfrom two\n", "");
        File.Delete(Directory.EnumerateFiles(Path.Combine(two, "mail"), "*", SearchOption.AllDirectories).First(f => File.ReadAllText(f).Contains("number 4\n")));
        await SyncAsync(two);
        await SyncAsync(one);
        await SyncAsync(two);
        Assert.Equal(Story(one), Story(two));
        Assert.Equal(21, Own(one));
        Assert.Contains("FS letter 1", Story(one));
        Assert.DoesNotContain(Story(one), s => s.EndsWith("letter 4", StringComparison.Ordinal));
        Assert.Contains(" new", Story(one));
    }

    /// <summary>Its SASL library is the one that refuses more than 65,536 rounds.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public async Task Mbsync_logs_in_by_SCRAM(bool appPassword)
    {
        Assert.SkipWhen(Tool.Missing("mbsync") is not null, Tool.Missing("mbsync") ?? "");
        var home = await HomeAsync("scram" + appPassword, "SCRAM-SHA-256", appPassword ? Alice.AppPassword : Alice.Password);
        Put(home, "", "Subject: by SCRAM\n\nx\n", "");
        await SyncAsync(home);
        Assert.Contains(" by SCRAM", Story(home));
        Assert.Contains("by SCRAM-SHA-256 with " + (appPassword ? "app-password:" : "password"), demo.Server.Tail, StringComparison.Ordinal);
    }

    async Task<string> HomeAsync(string name, string mechanism = "LOGIN", string? password = null)
    {
        var certificate = await demo.CertificateAsync(Ct);
        var home = Directory.CreateDirectory(Path.Combine(demo.Scratch, name)).FullName;
        Directory.CreateDirectory(Path.Combine(home, "state"));
        Directory.CreateDirectory(Path.Combine(home, "mail"));
        demo.Write(Path.Combine(name, "rc"), $"""
            IMAPAccount server
            Host 127.0.0.1
            Port {demo.Port("imap")}
            User {Alice.Address}
            Pass {password ?? Alice.Password}
            SSLType STARTTLS
            CertificateFile {certificate}
            AuthMechs {mechanism}

            IMAPStore far
            Account server

            MaildirStore near
            Path {home}/mail/
            Inbox {home}/mail/INBOX
            SubFolders Verbatim

            Channel all
            Far :far:
            Near :near:
            Patterns INBOX work
            Create Both
            Expunge Both
            SyncState {home}/state/
            Sync All

            """);
        return home;
    }

    static void Put(string home, string folder, string text, string flags)
    {
        var box = Path.Combine(home, "mail", folder.Length == 0 ? "INBOX" : folder.TrimStart('.'));
        foreach (var part in (string[])["cur", "new", "tmp"]) Directory.CreateDirectory(Path.Combine(box, part));
        File.WriteAllText(Path.Combine(box, "cur", $"{Guid.NewGuid():N}.test:2,{flags}"), "From: a@example.org\n" + text);
    }

    async Task SyncAsync(string home)
    {
        var run = await Tool.RunAsync("mbsync", ["-c", Path.Combine(home, "rc"), "-V", "all"], Ct, environment: new Dictionary<string, string> { ["HOME"] = home }, seconds: 60);
        Assert.True(run.ExitCode == 0, run.Told + "\n--- server\n" + demo.Server.Tail);
    }

    /// <summary>Flags and subject of each letter.</summary>
    /// <summary>Letters of the two-way test: other tests may have left theirs in the same account, in whatever order they ran.</summary>
    static int Own(string home) => Story(home).Count(static s => s.Contains(" letter ", StringComparison.Ordinal) || s.EndsWith(" at work", StringComparison.Ordinal) || s.EndsWith(" new", StringComparison.Ordinal));

    static List<string> Story(string home) =>
    [
        .. Directory.EnumerateFiles(Path.Combine(home, "mail"), "*", SearchOption.AllDirectories)
            .Where(f => Path.GetFileName(Path.GetDirectoryName(f)) is "cur" or "new")
            .Select(f => (f.Contains(":2,", StringComparison.Ordinal) ? f[(f.LastIndexOf(":2,", StringComparison.Ordinal) + 3)..] : "") + " "
                + File.ReadLines(f, Encoding.Latin1).First(l => l.StartsWith("Subject: ", StringComparison.Ordinal))[9..].TrimEnd())
            .Order(StringComparer.Ordinal),
    ];
}
