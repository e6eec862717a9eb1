using System.Text;
using System.Text.RegularExpressions;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>Programs people use fetch mail by POP3, octet for octet.</summary>
public sealed class ReadingClients(DemoFixture demo) : IClassFixture<DemoFixture>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    DemoAccount Alice => demo.Alice;

    /// <summary>Puts one letter into alice's empty mailbox.</summary>
    async Task<Letter> DeliverAsync()
    {
        await using (var reader = await Pop3Reader.LoginAsync(demo.Port("pop3"), Alice.Address, Alice.Password, Ct))
        {
            var count = await reader.CountAsync(Ct);
            await reader.DeleteAsync([.. Enumerable.Range(1, count)], Ct);
            await reader.QuitAsync(Ct);
        }
        var letter = new Letter("sender@remote.test", Alice.Address);
        await using var smtp = await LineClient.ConnectAsync(Ports.Loopback(demo.Port("smtp")), Ct);
        await smtp.ReplyAsync(Ct);
        await smtp.CommandAsync("EHLO remote.test", Ct);
        await smtp.CommandAsync("MAIL FROM:<sender@remote.test>", Ct);
        await smtp.CommandAsync($"RCPT TO:<{Alice.Address}>", Ct);
        await smtp.CommandAsync("DATA", Ct);
        var stuffed = Encoding.Latin1.GetString(letter.Raw).Replace("\r\n.", "\r\n..") + ".";
        var reply = await smtp.CommandAsync(stuffed, Ct);
        Assert.StartsWith("250 2.0.0 ", reply);
        return letter;
    }

    /// <summary>What the program stored is the letter below the server's lines, whatever it did to line ends.</summary>
    static void CheckStored(string stored, Letter letter)
    {
        var text = stored.ReplaceLineEndings("\r\n");
        if (text.StartsWith("From ", StringComparison.Ordinal)) text = text[(text.IndexOf('\n') + 1)..];
        var message = new ReadMessage(1, "", Encoding.Latin1.GetBytes(text));
        Assert.Single(message.Header("Return-Path"));
        Assert.Single(message.Header("Received"));
        Assert.Contains(Encoding.ASCII.GetString(letter.Raw).TrimEnd(), text);
    }

    async Task<int> LeftAsync()
    {
        await using var reader = await Pop3Reader.LoginAsync(demo.Port("pop3"), Alice.Address, Alice.Password, Ct);
        var count = await reader.CountAsync(Ct);
        await reader.QuitAsync(Ct);
        return count;
    }

    [Theory, InlineData(Tls.StartTls), InlineData(Tls.Implicit)]
    public async Task Fetchmail(Tls tls)
    {
        Assert.SkipWhen(Tool.Missing("fetchmail") is not null, Tool.Missing("fetchmail") ?? "");
        var letter = await DeliverAsync();
        var box = Path.Combine(demo.Scratch, $"fetched-{tls}");
        // "sslproto TLS1.2+" without "ssl" makes STLS a must.
        var rc = demo.Write("fetchmailrc", $"""
            set invisible
            poll 127.0.0.1 protocol pop3 port {demo.ReadPort(tls)} uidl auth password
              user "{Alice.Address}" password "{Alice.Password}" fetchall nokeep
              {(tls == Tls.Implicit ? "ssl" : "")} sslproto "TLS1.2+" no sslcertck
              mda "cat >> {box}"

            """);
        var run = await Tool.RunAsync("fetchmail", ["-v", "-f", rc, "-i", Path.Combine(demo.Scratch, "ids"), "--pidfile", Path.Combine(demo.Scratch, "pid")], Ct,
            environment: new Dictionary<string, string> { ["HOME"] = demo.Scratch, ["FETCHMAILHOME"] = demo.Scratch });
        Assert.True(run.ExitCode == 0, run.Told + "\n--- server\n" + demo.Server.Tail);
        if (tls == Tls.StartTls) Assert.Contains("STLS", run.Output + run.Errors);
        CheckStored(await File.ReadAllTextAsync(box, Encoding.Latin1, Ct), letter);
        Assert.Equal(0, await LeftAsync());
    }

    [Fact]
    public async Task Getmail()
    {
        Assert.SkipWhen(Tool.Missing("getmail") is not null, Tool.Missing("getmail") ?? "");
        var letter = await DeliverAsync();
        var home = Directory.CreateDirectory(Path.Combine(demo.Scratch, "getmail")).FullName;
        var box = Path.Combine(home, "box");
        // getmail6 knows no STLS, so TLS from the start is all there is to test; its own Maildir delivery refuses to run as root.
        var rc = demo.Write("getmail/rc", $"""
            [retriever]
            type = SimplePOP3SSLRetriever
            server = 127.0.0.1
            port = {demo.ReadPort(Tls.Implicit)}
            username = {Alice.Address}
            password = {Alice.Password}
            [destination]
            type = MDA_external
            path = {Tool.Find("tee")}
            arguments = ("-a", "{box}")
            allow_root_commands = true
            [options]
            read_all = true
            delete = true
            delivered_to = false
            received = false

            """);
        var run = await Tool.RunAsync("getmail", ["--getmaildir", home, "--rcfile", rc], Ct, environment: new Dictionary<string, string> { ["HOME"] = home });
        Assert.True(run.ExitCode == 0, run.Told + "\n--- server\n" + demo.Server.Tail);
        CheckStored(await File.ReadAllTextAsync(box, Encoding.Latin1, Ct), letter);
        Assert.Equal(0, await LeftAsync());
    }

    [Theory, InlineData(Tls.StartTls, "user"), InlineData(Tls.Implicit, "user"), InlineData(Tls.StartTls, "scram-sha-256"), InlineData(Tls.Implicit, "plain")]
    public async Task Mutt(Tls tls, string mechanism)
    {
        Assert.SkipWhen(Tool.Missing("mutt", "script") is not null, Tool.Missing("mutt", "script") ?? "");
        var letter = await DeliverAsync();
        var box = Path.Combine(demo.Scratch, $"mutt-{tls}-{mechanism}");
        var url = $"{(tls == Tls.StartTls ? "pop" : "pops")}://{Uri.EscapeDataString(Alice.Address)}@127.0.0.1:{demo.ReadPort(tls)}";
        var rc = demo.Write("muttrc", $"""
            set certificate_file="{await demo.CertificateAsync(Ct)}" ssl_starttls=yes ssl_force_tls=yes ssl_verify_host=no ssl_verify_dates=no
            set pop_pass="{(mechanism.StartsWith("scram", StringComparison.Ordinal) ? Alice.AppPassword : Alice.Password)}" pop_authenticators="{mechanism}"
            set pop_delete=no mbox_type=mbox confirmcreate=no confirmappend=no quit=yes delete=yes move=no wait_key=no read_inc=0 sort=mailbox-order
            push "<tag-pattern>~A<enter><tag-prefix><copy-message><kill-line>{box}<enter><quit>"

            """);
        // mutt wants a terminal; script(1) is one.
        var run = await Tool.RunAsync("script", ["-qec", $"mutt -n -F {rc} -f '{url}'", "/dev/null"], Ct,
            environment: new Dictionary<string, string> { ["HOME"] = demo.Scratch, ["TERM"] = "vt100", ["LINES"] = "24", ["COLUMNS"] = "80" });
        Assert.True(File.Exists(box), run.Told + "\n--- server\n" + demo.Server.Tail);
        // mutt adds lines of its own to what it stores.
        var stored = await File.ReadAllTextAsync(box, Encoding.Latin1, Ct);
        CheckStored(Regex.Replace(stored, "^(Status|Content-Length|Lines): .*\n", "", RegexOptions.Multiline), letter);
    }

    [Theory, InlineData(Tls.StartTls), InlineData(Tls.Implicit)]
    public async Task Poplib(Tls tls)
    {
        Assert.SkipWhen(Tool.Missing("python3") is not null, Tool.Missing("python3") ?? "");
        var letter = await DeliverAsync();
        const string script = """
            import poplib, ssl, sys
            port, tls, user, password = sys.argv[1:]
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if tls == "Implicit":
                pop = poplib.POP3_SSL("127.0.0.1", int(port), context=context)
            else:
                pop = poplib.POP3("127.0.0.1", int(port))
                assert "STLS" in pop.capa()
                pop.stls(context)
            capa = pop.capa()
            assert "UIDL" in capa and "TOP" in capa and "STLS" not in capa, capa
            pop.user(user)
            pop.pass_(password)
            count, octets = pop.stat()
            assert count == 1, count
            number, size = pop.list()[1][0].split()
            assert int(size) == octets
            lines = pop.retr(1)[1]
            assert sum(len(l) + 2 for l in lines) == octets, (octets, lines)
            head = pop.top(1, 0)[1]
            assert head == lines[:len(head)] and head[-1] == b"", head
            uid = pop.uidl(1).split()[2]
            assert pop.uidl()[1] == [b"1 " + uid]
            sys.stdout.buffer.write(b"\r\n".join(lines) + b"\r\n")
            pop.quit()
            """;
        var run = await Tool.RunAsync("python3", ["-c", script, $"{demo.ReadPort(tls)}", $"{tls}", Alice.Address, Alice.Password], Ct);
        Assert.True(run.ExitCode == 0, run.Told + "\n--- server\n" + demo.Server.Tail);
        letter.CheckExact(new(1, "", Encoding.Latin1.GetBytes(run.Output)));
    }

    [Theory]
    [InlineData(Tls.StartTls, "PLAIN"), InlineData(Tls.StartTls, "LOGIN"), InlineData(Tls.Implicit, "PLAIN"), InlineData(Tls.Implicit, "LOGIN")]
    public async Task Curl(Tls tls, string mechanism)
    {
        Assert.SkipWhen(Tool.Missing("curl") is not null, Tool.Missing("curl") ?? "");
        var letter = await DeliverAsync();
        var run = await Tool.RunAsync("curl", ["--silent", "--show-error", "--verbose", "--insecure", "--ssl-reqd", "--user", $"{Alice.Address}:{Alice.Password}", "--login-options", "AUTH=" + mechanism,
            $"{(tls == Tls.StartTls ? "pop3" : "pop3s")}://127.0.0.1:{demo.ReadPort(tls)}/1"], Ct);
        Assert.True(run.ExitCode == 0, run.Told + "\n--- server\n" + demo.Server.Tail);
        letter.CheckExact(new(1, "", Encoding.Latin1.GetBytes(run.Output)));
    }
}
