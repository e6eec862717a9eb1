using System.Text;
using System.Text.Json.Nodes;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>A server whose program is also there under the names sendmail and mailq, as links.</summary>
public sealed class SendmailFixture : IAsyncLifetime
{
    public string Scratch { get; } = Directory.CreateTempSubdirectory("posthorn-sendmail-").FullName;
    public string Sendmail => Path.Combine(Scratch, "sendmail");
    public Installation Installation { get; private set; } = null!;
    public ServerProcess Server { get; private set; } = null!;
    public Dictionary<string, string> Environment { get; } = [];

    public async ValueTask InitializeAsync()
    {
        var program = Path.ChangeExtension(ServerProcess.Dll, null);
        foreach (var name in new[] { "sendmail", "mailq" }) File.CreateSymbolicLink(Path.Combine(Scratch, name), program);
        // Other users come in here, as far as the mode of the socket lets them.
        File.SetUnixFileMode(Scratch, (UnixFileMode)0x1ED);
        Installation = new Installation(Scratch, Path.Combine(Scratch, "data"), Ports.FreeBase());
        Installation.Sections["accounts"] = new JsonObject { ["defaultDomain"] = "example.test" };
        Installation.Sections["sendmail"] = new JsonObject { ["socket"] = Path.Combine(Scratch, "letters", "sendmail.sock"), ["users"] = "all" };
        await Installation.CreateAsync(["user1", "user2"], CancellationToken.None);
        await Installation.VerbAsync(["alias", "add", "root@example.test", "user1@example.test"], CancellationToken.None);
        Server = await Installation.StartAsync(CancellationToken.None);
        Environment["POSTHORN_CONFIG"] = Installation.ConfigFile;
        Environment["HOME"] = Scratch;
        Environment["MAILRC"] = "/dev/null";
        Environment["TERM"] = "dumb";
    }

    public async ValueTask DisposeAsync()
    {
        if (Server is not null) await Server.DisposeAsync();
        Directory.Delete(Scratch, recursive: true);
    }

    /// <summary>The only message of a mailbox; it is taken out.</summary>
    public async Task<ReadMessage> TakeAsync(string user, CancellationToken ct)
    {
        await using var reader = await Pop3Reader.LoginAsync(Installation.Pop3, user + "@example.test", Installation.Password, ct);
        var messages = new List<ReadMessage>();
        await foreach (var message in reader.AllAsync(ct)) messages.Add(message);
        Assert.True(messages.Count == 1, $"{messages.Count} messages\n{Server.Tail}");
        await reader.DeleteAsync([1], ct);
        await reader.QuitAsync(ct);
        return messages[0];
    }
}

/// <summary>Programs that send mail by calling sendmail, as they do it on other systems.</summary>
public sealed class SendmailCallers(SendmailFixture host) : IClassFixture<SendmailFixture>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    async Task<ReadMessage> SentAsync(string user, string program, IEnumerable<string> arguments, string input)
    {
        var sent = await Tool.RunBytesAsync(program, arguments, Ct, Encoding.UTF8.GetBytes(input), directory: host.Scratch, environment: host.Environment, seconds: 60);
        Assert.True(sent is { ExitCode: 0, Output: "", Errors: "" }, sent.Told + "\n--- server\n" + host.Server.Tail);
        return await host.TakeAsync(user, Ct);
    }

    [Fact]
    public async Task A_pipe_of_the_shell()
    {
        var message = await SentAsync("user2", "sh", ["-c", $"printf 'Subject: a pipe\\nTo: user2\\nBcc: user2@example.test\\n\\nhello\\n..\\n' | {host.Sendmail} -t -f user1@example.test"], "");
        Assert.Equal(["a pipe"], message.Header("Subject"));
        Assert.Empty(message.Header("Bcc"));
        Assert.Equal(["<user1@example.test>"], message.Header("Return-Path"));
        Assert.EndsWith("\r\n\r\nhello\r\n..\r\n", message.Text, StringComparison.Ordinal);
        Assert.Single(message.Header("Date"));
        Assert.Single(message.Header("Message-ID"));
    }

    [Fact]
    public async Task Options_and_recipients_in_words()
    {
        var message = await SentAsync("user2", host.Sendmail, ["-oi", "-f", "a@b.test", "user2@example.test"], "Subject: x\n\nline\n.\nlast");
        Assert.Equal(["<a@b.test>"], message.Header("Return-Path"));
        Assert.Equal(["a@b.test"], message.Header("From"));
        Assert.EndsWith("\r\n\r\nline\r\n.\r\nlast\r\n", message.Text, StringComparison.Ordinal);
    }

    /// <summary>What PHP's mail() runs with its default sendmail_path: CRLF in the header, LF in the text.</summary>
    [Fact]
    public async Task As_PHP_does_it()
    {
        var message = await SentAsync("user2", "sh", ["-c", $"exec {host.Sendmail} -t -i"],
            "To: user2@example.test\r\nSubject: =?utf-8?B?R3LDvMOfZQ==?=\r\nX-PHP-Originating-Script: 33:mail.php\r\nFrom: webmaster@example.test\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGr\u00fc\u00dfe\n.\nEnde\n");
        Assert.Equal(["webmaster@example.test"], message.Header("From"));
        Assert.Equal("Grüße\r\n.\r\nEnde\r\n", Encoding.UTF8.GetString(message.Octets[(message.Text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]));
    }

    [Fact]
    public async Task As_cron_does_it()
    {
        var message = await SentAsync("user1", host.Sendmail, ["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"],
            "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@box> backup\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\nX-Cron-Env: <SHELL=/bin/sh>\n\n10 %\r100 %\rd\u00f6ne\n");
        Assert.Equal("10 %\r\n100 %\r\ndöne\r\n", Encoding.UTF8.GetString(message.Octets[(message.Text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]));
        Assert.Contains("(local user ", message.Header("Received")[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Python()
    {
        Assert.SkipWhen(Tool.Missing("python3") is not null, Tool.Missing("python3") ?? "");
        const string script = """
            import subprocess, sys
            from email.message import EmailMessage
            m = EmailMessage()
            m["From"], m["To"], m["Cc"], m["Subject"] = "user1@example.test", "User Two <user2@example.test>", "user2@EXAMPLE.test", "from Python"
            m.set_content("Grüße\n")
            m.add_attachment(b"\x00\r\x01\n" * 99, maintype="application", subtype="octet-stream", filename="x.bin")
            subprocess.run([sys.argv[1], "-t", "-oi"], input=m.as_bytes(), check=True)
            """;
        var message = await SentAsync("user2", "python3", ["-c", script, host.Sendmail], "");
        Assert.Equal(["from Python"], message.Header("Subject"));
    }

    [Fact]
    public async Task SNail()
    {
        Assert.SkipWhen(Tool.Missing("s-nail") is not null, Tool.Missing("s-nail") ?? "");
        var message = await SentAsync("user2", "s-nail", ["-n", "-S", "v15-compat=yes", "-S", "mta=" + host.Sendmail, "-S", "sendwait", "-S", "from=user1@example.test", "-S", "ttycharset=utf-8", "-s", "from s-nail", "user2@example.test"], "hi\n");
        Assert.Equal(["from s-nail"], message.Header("Subject"));
    }

    [Fact]
    public async Task Mutt()
    {
        Assert.SkipWhen(Tool.Missing("mutt") is not null, Tool.Missing("mutt") ?? "");
        var message = await SentAsync("user2", "mutt", ["-n", "-F", "/dev/null", "-e", $"set sendmail=\"{host.Sendmail} -oem -oi\" sendmail_wait=0 copy=no from=user1@example.test use_envelope_from=yes", "-s", "from mutt", "--", "user2@example.test"], "hi\n");
        Assert.Equal(["from mutt"], message.Header("Subject"));
        Assert.Equal(["<user1@example.test>"], message.Header("Return-Path"));
    }

    [Fact]
    public async Task SMTP_on_the_standard_streams()
    {
        Assert.SkipWhen(Tool.Missing("swaks") is not null, Tool.Missing("swaks") ?? "");
        var sent = await Tool.RunAsync("swaks", ["--pipe", host.Sendmail + " -bs", "--from", "user1@example.test", "--to", "user2@example.test", "--h-Subject", "by a pipe"], Ct, directory: host.Scratch, environment: host.Environment, seconds: 60);
        Assert.True(sent.ExitCode == 0, sent.Told);
        Assert.Equal(["by a pipe"], (await host.TakeAsync("user2", Ct)).Header("Subject"));
    }

    [Fact]
    public async Task Another_user_of_the_machine()
    {
        Assert.SkipUnless(System.Environment.IsPrivilegedProcess && Tool.Find("setpriv") is not null, "needs root and setpriv");
        string[] nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        var there = await Tool.RunAsync("setpriv", [.. nobody, "test", "-x", Path.ChangeExtension(ServerProcess.Dll, null)], Ct);
        Assert.SkipUnless(there.ExitCode == 0, "the program lies where other users cannot read");
        var message = await SentAsync("user2", "setpriv", [.. nobody, host.Sendmail, "user2@example.test"], "Subject: x\n\nhi\n");
        Assert.Equal(["<nobody@example.test>"], message.Header("Return-Path"));
        Assert.Contains("(local user nobody uid 65534)", message.Header("Received")[0], StringComparison.Ordinal);
        var denied = await Tool.RunAsync("setpriv", [.. nobody, Path.Combine(host.Scratch, "mailq")], Ct, environment: host.Environment, seconds: 60);
        Assert.True(denied.ExitCode == 77 && denied.Errors.Contains("no permission", StringComparison.Ordinal), denied.Told);
    }

    [Fact]
    public async Task The_launcher_passes_its_name_on()
    {
        var script = await File.ReadAllTextAsync(Path.Combine(ServerProcess.Repository, "posthorn"), Ct);
        var tail = script[script.LastIndexOf("# A link to this script", StringComparison.Ordinal)..].Replace("exec dotnet", "exec echo", StringComparison.Ordinal);
        var link = Path.Combine(host.Scratch, "links", "mailq");
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        await File.WriteAllTextAsync(link, "program=P\n" + tail, Ct);
        Assert.Equal("P mailq -x\n", (await Tool.RunAsync("bash", [link, "-x"], Ct)).Output);
        File.Move(link, Path.Combine(host.Scratch, "links", "posthorn"));
        Assert.Equal("P -x\n", (await Tool.RunAsync("bash", [Path.Combine(host.Scratch, "links", "posthorn"), "-x"], Ct)).Output);
    }
}
