using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>Programs people use send mail through submission; it arrives as it was sent.</summary>
public sealed class SendingClients(DemoFixture demo) : IClassFixture<DemoFixture>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<Tls, string> PlainAndLogin => new(
        from tls in Enum.GetValues<Tls>() from mechanism in new[] { "PLAIN", "LOGIN" } select (tls, mechanism));

    public static TheoryData<Tls, string> WithScram => new(
        from tls in Enum.GetValues<Tls>() from mechanism in new[] { "PLAIN", "LOGIN", "SCRAM-SHA-256" } select (tls, mechanism));

    // SCRAM with the password here, with app passwords in ImapClients.
    string Password => demo.Alice.Password;

    Letter NewLetter() => new(demo.Alice.Address, demo.Bob.Address);

    async Task<ReadMessage> ArrivedAsync(ToolResult sent, Letter letter)
    {
        Assert.True(sent.ExitCode == 0, sent.Told + "\n--- server\n" + demo.Server.Tail);
        var message = await demo.TakeAsync(demo.Bob, letter.Token, Ct);
        Letter.CheckTrace(message, demo.Alice.Address, "ESMTPSA"); // RFC 3848: extended, TLS, authenticated
        return message;
    }

    [Theory, MemberData(nameof(WithScram))]
    public async Task Msmtp(Tls tls, string mechanism)
    {
        Assert.SkipWhen(Tool.Missing("msmtp") is not null, Tool.Missing("msmtp") ?? "");
        var letter = NewLetter();
        var secret = demo.Write("secret", Password + "\n");
        var sent = await Tool.RunBytesAsync("msmtp", ["--host=127.0.0.1", $"--port={demo.SendPort(tls)}", "--tls=on",
            "--tls-starttls=" + (tls == Tls.StartTls ? "on" : "off"), "--tls-certcheck=off", "--auth=" + mechanism.ToLowerInvariant(),
            "--user=" + demo.Alice.Address, "--passwordeval=cat " + secret, "--from=" + demo.Alice.Address, demo.Bob.Address], Ct, letter.Unix);
        letter.CheckExact(await ArrivedAsync(sent, letter));
    }

    [Theory, MemberData(nameof(PlainAndLogin))]
    public async Task SNail(Tls tls, string mechanism)
    {
        Assert.SkipWhen(Tool.Missing("s-nail") is not null, Tool.Missing("s-nail") ?? "");
        var letter = NewLetter();
        var attachment = demo.Write("attached.bin", letter.Attachment);
        var login = Uri.EscapeDataString(demo.Alice.Address) + ":" + Uri.EscapeDataString(Password);
        List<string> arguments = ["-n", "-S", "v15-compat=yes", "-S", "tls-verify=ignore", "-S", "from=" + demo.Alice.Address, "-S", "ttycharset=utf-8",
            "-S", "smtp-auth=" + mechanism.ToLowerInvariant(), "-S", "sendwait", "-S",
            $"mta={(tls == Tls.StartTls ? "submission" : "submissions")}://{login}@127.0.0.1:{demo.SendPort(tls)}"];
        if (tls == Tls.StartTls) arguments.AddRange(["-S", "smtp-use-starttls"]);
        arguments.AddRange(["-s", "interop " + letter.Token, "-a", attachment, demo.Bob.Address]);
        var sent = await Tool.RunAsync("s-nail", arguments, Ct, "A line.\n.\n..\n", environment: Quiet());
        letter.CheckAttachment(await ArrivedAsync(sent, letter));
    }

    [Theory, MemberData(nameof(PlainAndLogin))]
    public async Task Curl(Tls tls, string mechanism)
    {
        Assert.SkipWhen(Tool.Missing("curl") is not null, Tool.Missing("curl") ?? "");
        var letter = NewLetter();
        var sent = await Tool.RunAsync("curl", ["--silent", "--show-error", "--verbose", "--insecure", "--ssl-reqd", "--user", $"{demo.Alice.Address}:{Password}",
            "--login-options", "AUTH=" + mechanism, "--mail-from", demo.Alice.Address, "--mail-rcpt", demo.Bob.Address, "--upload-file",
            demo.Write("letter.eml", letter.Raw), $"{(tls == Tls.StartTls ? "smtp" : "smtps")}://127.0.0.1:{demo.SendPort(tls)}/client.example.test"], Ct);
        letter.CheckExact(await ArrivedAsync(sent, letter));
    }

    [Theory, MemberData(nameof(PlainAndLogin))]
    public async Task Swaks(Tls tls, string mechanism)
    {
        Assert.SkipWhen(Tool.Missing("swaks") is not null, Tool.Missing("swaks") ?? "");
        var support = await Tool.RunAsync("swaks", ["--support"], Ct);
        Assert.SkipUnless(support.Output.Contains("TLS supported", StringComparison.Ordinal), "swaks has no TLS (libnet-ssleay-perl is not installed)");
        var letter = NewLetter();
        var sent = await Tool.RunAsync("swaks", ["--server", "127.0.0.1", "--port", $"{demo.SendPort(tls)}", tls == Tls.StartTls ? "--tls" : "--tls-on-connect",
            "--auth", mechanism, "--auth-user", demo.Alice.Address, "--auth-password", Password, "--from", demo.Alice.Address, "--to", demo.Bob.Address,
            "--helo", "client.example.test", "--data", "@" + demo.Write("letter.eml", letter.Unix)], Ct);
        // swaks ends every message with one empty line more.
        letter.CheckAttachment(await ArrivedAsync(sent, letter));
    }

    [Theory, MemberData(nameof(PlainAndLogin))]
    public async Task Smtplib(Tls tls, string mechanism)
    {
        Assert.SkipWhen(Tool.Missing("python3") is not null, Tool.Missing("python3") ?? "");
        var letter = NewLetter();
        const string script = """
            import smtplib, ssl, sys
            port, tls, mechanism, user, password, to = sys.argv[1:]
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            kind = smtplib.SMTP_SSL if tls == "Implicit" else smtplib.SMTP
            with kind("127.0.0.1", int(port), "client.example.test", **({"context": context} if tls == "Implicit" else {})) as smtp:
                if tls == "StartTls":
                    smtp.starttls(context=context)
                smtp.ehlo_or_helo_if_needed()
                smtp.user, smtp.password = user, password
                smtp.auth(mechanism, smtp.auth_plain if mechanism == "PLAIN" else smtp.auth_login)
                smtp.sendmail(user, [to], sys.stdin.buffer.read())
            """;
        var sent = await Tool.RunBytesAsync("python3", ["-c", script, $"{demo.SendPort(tls)}", $"{tls}", mechanism, demo.Alice.Address, Password, demo.Bob.Address], Ct, letter.Raw);
        letter.CheckExact(await ArrivedAsync(sent, letter));
    }

    [Theory, MemberData(nameof(WithScram))]
    public async Task Mutt(Tls tls, string mechanism)
    {
        Assert.SkipWhen(Tool.Missing("mutt") is not null, Tool.Missing("mutt") ?? "");
        var letter = NewLetter();
        var rc = demo.Write("muttrc", $"""
            set from="{demo.Alice.Address}" use_envelope_from=yes copy=no certificate_file="{await demo.CertificateAsync(Ct)}"
            set ssl_starttls=yes ssl_force_tls=yes ssl_verify_host=no ssl_verify_dates=no
            set smtp_authenticators="{mechanism.ToLowerInvariant()}" smtp_pass="{Password}"
            set smtp_url="{(tls == Tls.StartTls ? "smtp" : "smtps")}://{Uri.EscapeDataString(demo.Alice.Address)}@127.0.0.1:{demo.SendPort(tls)}"

            """);
        var attachment = demo.Write("attached.bin", letter.Attachment);
        var sent = await Tool.RunAsync("mutt", ["-n", "-F", rc, "-s", "interop " + letter.Token, "-a", attachment, "--", demo.Bob.Address], Ct, "A line.\n.\n..\n", environment: Quiet());
        letter.CheckAttachment(await ArrivedAsync(sent, letter));
    }

    Dictionary<string, string> Quiet() => new() { ["HOME"] = demo.Scratch, ["MAILRC"] = "/dev/null", ["TERM"] = "dumb" };
}
