using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>Programs that copy, sort, read and fetch mail by IMAP; what they did is asked of the server and of the disk.</summary>
public sealed class ImapPrograms(DemoFixture demo) : IClassFixture<DemoFixture>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    DemoAccount Alice => demo.Alice;

    DemoAccount Bob => demo.Bob;

    int ImapPort(Tls tls) => demo.Port(tls == Tls.Implicit ? "imaps" : "imap");

    /// <summary>New letters, flags and deletions of both ends meet, and a run without changes changes nothing.</summary>
    [Fact]
    public async Task Offlineimap_both_ways()
    {
        SkipWithout("offlineimap");
        var home = Directory.CreateDirectory(Path.Combine(demo.Scratch, "offline")).FullName;
        await using var server = await ImapReader.LoginAsync(demo.Port("imap"), Alice, Ct);
        await server.CommandAsync("CREATE Offline/far");
        for (var i = 0; i < 5; i++) await server.AppendAsync("Offline/far", $"letter {i}", i == 2 ? "\\Flagged" : "");
        PutIntoMaildir(home, "Offline/near", "made here", "S");

        await OfflineimapAsync(home, Tls.StartTls);
        Assert.Equal(["letter 0:", "letter 1:", @"letter 2: \Flagged", "letter 3:", "letter 4:"], MaildirStory(home, "Offline/far"));
        Assert.Equal([@"made here: \Seen"], await server.StoryAsync("Offline/near"));

        await server.StoreAsync("Offline/far", "letter 0", "\\Answered");
        await server.StoreAsync("Offline/far", "letter 1", "\\Deleted");
        await server.AppendAsync("Offline/far", "letter 5", "\\Seen");
        var seen = InMaildir(home, "Offline/far").Single(f => File.ReadAllText(f).Contains("Subject: letter 2", StringComparison.Ordinal));
        File.Move(seen, Path.Combine(home, "mail", "Offline/far", "cur", Path.GetFileName(seen).Split(":2,")[0] + ":2,FS"));
        File.Delete(InMaildir(home, "Offline/far").Single(f => File.ReadAllText(f).Contains("Subject: letter 3", StringComparison.Ordinal)));
        PutIntoMaildir(home, "Offline/far", "letter 6", "RS");

        await OfflineimapAsync(home, Tls.Implicit);
        string[] expected = [@"letter 0: \Answered", @"letter 2: \Flagged \Seen", "letter 4:", @"letter 5: \Seen", @"letter 6: \Answered \Seen"];
        Assert.Equal(expected, await server.StoryAsync("Offline/far"));
        Assert.Equal(expected, MaildirStory(home, "Offline/far"));

        var quiet = await OfflineimapAsync(home, Tls.StartTls);
        Assert.DoesNotContain("Copy message", quiet.Output + quiet.Errors);
        Assert.Equal(expected, await server.StoryAsync("Offline/far"));
        Assert.Equal(expected, MaildirStory(home, "Offline/far"));
    }

    async Task<ToolResult> OfflineimapAsync(string home, Tls tls)
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(await demo.CertificateAsync(Ct));
        var rc = demo.Write($"offline/rc-{tls}", $"""
            [general]
            accounts = one
            metadata = {home}/state
            maxsyncaccounts = 1
            socktimeout = 50
            fsync = false
            [Account one]
            localrepository = near
            remoterepository = far
            [Repository near]
            type = Maildir
            localfolders = {home}/mail
            sep = /
            [Repository far]
            type = IMAP
            remotehost = 127.0.0.1
            remoteport = {ImapPort(tls)}
            remoteuser = {Alice.Address}
            remotepass = {Alice.Password}
            ssl = {(tls == Tls.Implicit ? "yes" : "no")}
            starttls = {(tls == Tls.StartTls ? "yes" : "no")}
            cert_fingerprint = {certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant()}
            folderfilter = lambda name: name.startswith('Offline/')

            """);
        return await RunAsync("offlineimap", ["-o", "-u", "basic", "-c", rc], home);
    }

    /// <summary>Rules: letters are searched by header, body and date, then moved, flagged, copied and deleted.</summary>
    [Theory, InlineData(Tls.StartTls), InlineData(Tls.Implicit)]
    public async Task Imapfilter_rules(Tls tls)
    {
        SkipWithout("imapfilter");
        var home = Directory.CreateDirectory(Path.Combine(demo.Scratch, $"rules-{tls}")).FullName;
        var box = $"Rules/{tls}";
        await using var server = await ImapReader.LoginAsync(demo.Port("imap"), Bob, Ct);
        await server.CommandAsync($"CREATE {box}");
        await server.AppendAsync(box, "report", from: "spam@example.org");
        await server.AppendAsync(box, "list mail", from: "list@example.org");
        await server.AppendAsync(box, "list mail, read", "\\Seen", "list@example.org");
        await server.AppendAsync(box, "important");
        await server.AppendAsync(box, "with a needle", body: new string('x', 20_000) + "\nnEEdle of the body\n");
        // The folder of the lists is not there: imapfilter makes it and subscribes to it.
        var rules = demo.Write($"rules-{tls}/rules.lua", $$"""
            options.certificates = false
            options.timeout = 50
            options.create = true
            options.subscribe = true
            local far = IMAP { server = "127.0.0.1", port = {{ImapPort(tls)}}, username = "{{Bob.Address}}", password = "{{Bob.Password}}"{{(tls == Tls.Implicit ? ", ssl = \"auto\"" : "")}} };
            local box = far["{{box}}"];
            (box:contain_from("list@") * box:is_unseen()):move_messages(far["{{box}}/Lists"])
            box:match_from("spam@.*"):delete_messages()
            box:contain_subject("important"):mark_flagged()
            box:contain_subject("important"):add_flags({ "Boss" })
            box:is_seen():copy_messages(far["Archive"])
            for _, m in ipairs(box:contain_body("Needle of") * box:is_newer(2) * box:is_larger(20000)) do
              local _, uid = table.unpack(m)
              print("found " .. box[uid]:fetch_field("Subject"))
            end
            local all, recent, unseen, next = box:check_status()
            print("status " .. all .. " " .. unseen .. " " .. next)

            """);
        var run = await RunAsync("imapfilter", ["-t", await demo.CertificateAsync(Ct), "-v", "-c", rules], home);
        if (tls == Tls.StartTls) Assert.Contains("STARTTLS", run.Output + run.Errors);
        Assert.Equal(["important: Boss \\Flagged", "list mail, read: \\Seen", "with a needle:"], await server.StoryAsync(box));
        Assert.Equal(["list mail:"], await server.StoryAsync(box + "/Lists"));
        Assert.Contains("list mail, read: \\Seen", await server.StoryAsync("Archive"));
        Assert.Contains(await server.CommandAsync("LSUB \"\" *"), l => l.EndsWith($" \"{box}/Lists\"", StringComparison.Ordinal));
        Assert.Single(run.Output.Split('\n'), l => l.StartsWith("found ", StringComparison.Ordinal));
        Assert.Contains("found Subject: with a needle", run.Output);
        Assert.Contains("status 3 2 6", run.Output);
    }

    /// <summary>
    /// One session searches, copies to the disk, saves into a folder that is not there yet and deletes; a second one
    /// starts from the headers that the first has kept and hears by QRESYNC what went on meanwhile; a third one uploads.
    /// </summary>
    [Theory, InlineData(Tls.StartTls), InlineData(Tls.Implicit)]
    public async Task Neomutt_three_times(Tls tls)
    {
        SkipWithout("neomutt", "script");
        var home = Directory.CreateDirectory(Path.Combine(demo.Scratch, $"neomutt-{tls}")).FullName;
        var box = $"Neomutt/{tls}";
        await using var server = await ImapReader.LoginAsync(demo.Port("imap"), Bob, Ct);
        await server.CommandAsync($"CREATE {box}");
        for (var i = 0; i < 6; i++) await server.AppendAsync(box, $"letter {i}", body: i == 1 ? "the needle\n" : "");

        await NeomuttAsync(home, tls, box, $"<tag-pattern>=b needle<enter><tag-pattern>~s letter.3<enter><tag-prefix><copy-message><kill-line>{home}/one<enter><untag-pattern>~A<enter>"
            + $"<delete-pattern>~s letter.2<enter><tag-pattern>~s letter.[45]<enter><tag-prefix><flag-message><tag-prefix><save-message><kill-line>={box}/Saved<enter><sync-mailbox><quit>");
        Assert.Equal(["letter 1", "letter 3"], MboxSubjects(home, "one"));
        Assert.Equal(["letter 0:", "letter 1:", "letter 3:"], await server.StoryAsync(box));
        Assert.Equal([@"letter 4: \Flagged", @"letter 5: \Flagged"], await server.StoryAsync(box + "/Saved"));

        await server.StoreAsync(box, "letter 1", "\\Deleted");
        await server.StoreAsync(box, "letter 3", "\\Flagged");
        await server.AppendAsync(box, "letter 6", "\\Answered");
        await NeomuttAsync(home, tls, box, $"<tag-pattern>~A<enter><tag-prefix><copy-message><kill-line>{home}/two<enter><untag-pattern>~A<enter>"
            + $"<tag-pattern>~F<enter><tag-prefix><copy-message><kill-line>{home}/flagged<enter><untag-pattern>~A<enter><delete-pattern>~Q<enter><sync-mailbox><quit>");
        Assert.Equal(["letter 0", "letter 3", "letter 6"], MboxSubjects(home, "two"));
        Assert.Equal(["letter 3"], MboxSubjects(home, "flagged"));
        Assert.Equal(["letter 0:", @"letter 3: \Flagged"], await server.StoryAsync(box));
        var debug = string.Concat(Directory.EnumerateFiles(home, "debug*").Select(f => File.ReadAllText(f, Encoding.Latin1)));
        Assert.Matches(@"UID FETCH \S+ \(FLAGS\) \(CHANGEDSINCE [0-9]+ VANISHED\)", debug);

        // From the disk to the server. Unlike COPY, a NO [TRYCREATE] to APPEND does not make neomutt create the folder.
        await server.CommandAsync($"CREATE {box}/Back");
        await NeomuttAsync(home, tls, box, $"<tag-pattern>~A<enter><tag-prefix><copy-message><kill-line>={box}/Back<enter><exit>", Path.Combine(home, "two"));
        Assert.Equal(["letter 0", "letter 3", "letter 6"], (await server.StoryAsync(box + "/Back")).Select(static l => l.Split(':')[0]));
    }

    /// <summary>neomutt wants a terminal, which script(1) is, and gets its keys pushed. It opens <paramref name="box"/> or a file.</summary>
    async Task NeomuttAsync(string home, Tls tls, string box, string keys, string? from = null)
    {
        var url = $"{(tls == Tls.Implicit ? "imaps" : "imap")}://127.0.0.1:{ImapPort(tls)}/";
        var rc = demo.Write(Path.Combine(home, "rc"), $"""
            set certificate_file="{await demo.CertificateAsync(Ct)}" ssl_starttls=yes ssl_force_tls=yes ssl_verify_host=no ssl_verify_dates=no
            set imap_user="{Bob.Address}" imap_pass="{Bob.Password}" imap_authenticators="login" folder="{url}"
            set header_cache="{home}/headers" imap_condstore=yes imap_qresync=yes
            set mbox_type=mbox confirmcreate=no confirmappend=no quit=yes delete=yes move=no mark_old=no wait_key=no sort=mailbox-order sleep_time=0

            """);
        await RunAsync("script", ["-qec", $"neomutt -n -d 3 -l {home}/debug -F {rc} -f {from ?? url + box} -e 'push \"{keys}\"'", "/dev/null"], home);
    }

    static List<string> MboxSubjects(string home, string box) =>
        [.. File.ReadLines(Path.Combine(home, box), Encoding.Latin1).Where(static l => l.StartsWith("Subject: ", StringComparison.Ordinal)).Select(static l => l["Subject: ".Length..])];

    /// <summary>First all is fetched and left, then only what is new, then the server is emptied.</summary>
    [Fact]
    public async Task Getmail_fetches_once()
    {
        SkipWithout("getmail", "tee");
        var home = Directory.CreateDirectory(Path.Combine(demo.Scratch, "getmail")).FullName;
        await using var server = await ImapReader.LoginAsync(demo.Port("imap"), Bob, Ct);
        await server.CommandAsync("CREATE Getmail/one");
        await server.CommandAsync("CREATE Getmail/two");
        await server.AppendAsync("Getmail/one", "letter 0");
        await server.AppendAsync("Getmail/one", "letter 1", "\\Flagged", body: ".\n..\nFrom here\n" + new string('y', 900) + "\n");
        await server.AppendAsync("Getmail/two", "letter 2");

        await GetmailAsync(home, "all", delete: false);
        Assert.Equal(["letter 0", "letter 1", "letter 2"], MboxSubjects(home, "all"));
        Assert.Contains("\nbody of letter 1\n.\n..\nFrom here\n" + new string('y', 900) + "\n", await File.ReadAllTextAsync(Path.Combine(home, "all"), Ct));
        Assert.Equal(["letter 0:", @"letter 1: \Flagged"], await server.StoryAsync("Getmail/one"));

        await server.AppendAsync("Getmail/two", "letter 3");
        await GetmailAsync(home, "new", delete: true);
        Assert.Equal(["letter 3"], MboxSubjects(home, "new"));
        Assert.Empty(await server.StoryAsync("Getmail/one"));
        Assert.Empty(await server.StoryAsync("Getmail/two"));
    }

    async Task GetmailAsync(string home, string box, bool delete)
    {
        // Its own Maildir delivery refuses to run as root.
        var rc = demo.Write(Path.Combine(home, "rc"), $"""
            [retriever]
            type = SimpleIMAPSSLRetriever
            server = 127.0.0.1
            port = {ImapPort(Tls.Implicit)}
            username = {Bob.Address}
            password = {Bob.Password}
            mailboxes = ("Getmail/one", "Getmail/two")
            [destination]
            type = MDA_external
            path = {Tool.Find("tee")}
            arguments = ("-a", "{home}/{box}")
            allow_root_commands = true
            [options]
            read_all = false
            delete = {(delete ? "true" : "false")}
            delivered_to = false
            received = false

            """);
        await RunAsync("getmail", ["--getmaildir", home, "--rcfile", rc], home);
    }

    async Task<ToolResult> RunAsync(string program, IEnumerable<string> arguments, string home)
    {
        var run = await Tool.RunAsync(program, arguments, Ct, seconds: 60,
            environment: new Dictionary<string, string> { ["HOME"] = home, ["TERM"] = "vt100", ["LINES"] = "24", ["COLUMNS"] = "80" });
        Assert.True(run.ExitCode == 0, run.Told + "\n--- server\n" + demo.Server.Tail);
        return run;
    }

    static void SkipWithout(params string[] programs) => Assert.SkipWhen(Tool.Missing(programs) is not null, Tool.Missing(programs) ?? "");

    static IEnumerable<string> InMaildir(string home, string folder) =>
        Directory.EnumerateFiles(Path.Combine(home, "mail", folder), "*", SearchOption.AllDirectories)
            .Where(static f => Path.GetFileName(Path.GetDirectoryName(f)) is "cur" or "new");

    static void PutIntoMaildir(string home, string folder, string subject, string flags)
    {
        foreach (var part in (string[])["cur", "new", "tmp"]) Directory.CreateDirectory(Path.Combine(home, "mail", folder, part));
        File.WriteAllText(Path.Combine(home, "mail", folder, "cur", $"{Guid.NewGuid():N}.test:2,{flags}"), $"From: a@example.org\nSubject: {subject}\n\nfrom the disk\n");
    }

    /// <summary>The same as <see cref="ImapReader.StoryAsync"/>, from a Maildir.</summary>
    static List<string> MaildirStory(string home, string folder) =>
    [
        .. InMaildir(home, folder).Select(static f => ImapReader.Told(
            File.ReadLines(f, Encoding.Latin1).First(static l => l.StartsWith("Subject: ", StringComparison.Ordinal))["Subject: ".Length..].TrimEnd(),
            (f.Split(":2,") is [_, var letters] ? letters : "").Select(static c => c switch { 'F' => "\\Flagged", 'S' => "\\Seen", 'R' => "\\Answered", 'T' => "\\Deleted", 'D' => "\\Draft", _ => $"{c}" })))
            .Order(StringComparer.Ordinal),
    ];
}
