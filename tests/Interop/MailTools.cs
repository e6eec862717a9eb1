using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>Mail by the thousand into and out of a running server, cut off in the middle; and from Dovecot.</summary>
public sealed class MailTools(ConfiguredFixture rig) : IClassFixture<ConfiguredFixture>
{
    const int Messages = 10_000;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Writes a Maildir++ with folders, flags, keywords, dates, and messages that are there twice.</summary>
    static void MakeMaildir(string root, int count)
    {
        string[] folders = ["", ".Work", ".Work.2025", ".Entw&APw-rfe", ".Sent"];
        foreach (var folder in folders)
        {
            foreach (var sub in new[] { "cur", "new", "tmp" }) Directory.CreateDirectory(Path.Combine(root, folder, sub));
            File.WriteAllText(Path.Combine(root, folder, "dovecot-keywords"), "0 $Label1\n1 NonJunk\n");
        }
        var random = new Random(11);
        for (var i = 0; i < count; i++)
        {
            var text = i % 50 == 0 ? "Subject: twice\n\nthe same\n" : $"From: a@b.test\nSubject: {i}\nStatus: RO\n\nFrom here\n>From there\n{new string('x', random.Next(3000))}\n";
            if (i % 20 == 0) text = text.ReplaceLineEndings("\r\n");
            var letters = string.Concat("DFRSTab".Where(_ => random.Next(5) == 0));
            var path = Path.Combine(root, folders[random.Next(folders.Length)], "cur", $"{1_600_000_000 + i}.M{i}P1.host:2,{letters}");
            File.WriteAllText(path, text, Encoding.Latin1);
            File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch.AddSeconds(1_500_000_000 + i * 60L));
        }
    }

    /// <summary>Everything that a Maildir says: folder, date, flags with the words of keywords, octets.</summary>
    static List<string> Contents(string root, bool keywords = true)
    {
        var all = new List<string>();
        foreach (var directory in Directory.EnumerateDirectories(root, ".*").Prepend(root))
        {
            var list = Path.Combine(directory, "dovecot-keywords");
            var words = File.Exists(list) ? File.ReadAllLines(list).Select(static l => l.Split(' ')[1]).ToArray() : [];
            foreach (var file in Directory.EnumerateFiles(Path.Combine(directory, "cur")))
            {
                var flags = file[(file.LastIndexOf(":2,", StringComparison.Ordinal) + 3)..].Select(c => c is >= 'a' and <= 'z' ? keywords ? words[c - 'a'] : "" : $"{c}").Order(StringComparer.Ordinal);
                var octets = Encoding.Latin1.GetString(File.ReadAllBytes(file)).ReplaceLineEndings("\n");
                all.Add($"{Path.GetRelativePath(root, directory)} {File.GetLastWriteTimeUtc(file):O} {string.Join(' ', flags)} {Convert.ToHexString(SHA256.HashData(Encoding.Latin1.GetBytes(octets)))}");
            }
        }
        all.Sort(StringComparer.Ordinal);
        return all;
    }

    async Task<JsonObject> VerbAsync(params string[] words)
    {
        var result = await ServerProcess.RunVerbAsync([.. words, "--json", "--config", rig.Installation.ConfigFile], Ct, seconds: 300);
        Assert.True(result.ExitCode == 0, result.Told);
        return JsonNode.Parse(result.Output)!.AsObject();
    }

    /// <summary>Runs a verb, and kills it once <paramref name="enough"/> holds.</summary>
    async Task KillAsync(Func<Task<bool>> enough, params string[] words)
    {
        var start = new ProcessStartInfo(Tool.Find("dotnet") ?? "dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in (string[])[ServerProcess.Dll, .. words, "--config", rig.Installation.ConfigFile]) start.ArgumentList.Add(word);
        using var process = Process.Start(start)!;
        while (!process.HasExited && !await enough()) await Task.Delay(20, Ct);
        if (!process.HasExited) process.Kill();
        await process.WaitForExitAsync(Ct);
    }

    async Task<long> CountAsync(string account) =>
        (await VerbAsync("mailbox", "status", account))["mailboxes"]!.AsArray().Sum(static m => (long)m!["messages"]!);

    [Fact]
    public async Task Ten_thousand_messages_go_in_and_out_and_in_again_cut_off_in_the_middle()
    {
        const string One = "user1@example.test", Two = "user2@example.test", Three = "user3@example.test";
        var (md, first, second, third) = (At("md"), At("first"), At("second"), At("third"));
        MakeMaildir(md, Messages);
        await KillAsync(async () => await CountAsync(One) > 500, "import", "maildir", One, md);
        var cut = await CountAsync(One);
        var rest = await VerbAsync("import", "maildir", One, md);
        Assert.Equal(Messages, (long)rest["added"]! + (long)rest["known"]!);
        Assert.Equal(cut, (long)rest["known"]!);
        Assert.Equal(0, (long)(await VerbAsync("import", "maildir", One, md))["added"]!);

        await KillAsync(() => Task.FromResult(Directory.Exists(Path.Combine(first, "cur")) && Directory.EnumerateFiles(Path.Combine(first, "cur")).Take(300).Count() == 300), "export-mail", One, "--format", "maildir", "--to", first);
        await VerbAsync("export-mail", One, "--format", "maildir", "--to", first);
        Assert.Equal(Contents(md), Contents(first));
        Assert.Equal(0, (long)(await VerbAsync("export-mail", One, "--format", "maildir", "--to", first))["written"]!);

        Assert.Equal(Messages, (long)(await VerbAsync("import", "maildir", Two, first))["added"]!);
        await KillAsync(() => Task.FromResult(File.Exists(Path.Combine(second, "INBOX.mbox")) && new FileInfo(Path.Combine(second, "INBOX.mbox")).Length > 200_000), "export-mail", Two, "--format", "mbox", "--to", second);
        await VerbAsync("export-mail", Two, "--format", "mbox", "--to", second);
        Assert.Equal(Messages, (long)(await VerbAsync("import", "mbox", Three, second))["added"]!);
        Assert.Equal(0, (long)(await VerbAsync("import", "mbox", Three, second))["added"]!);
        await VerbAsync("export-mail", Three, "--format", "maildir", "--to", third);
        Assert.Equal(Contents(md), Contents(third));
        Assert.True((bool)(await VerbAsync("store", "verify"))["clean"]!);
    }

    [Fact]
    public async Task An_account_is_copied_from_Dovecot_and_again()
    {
        if (Tool.Missing("dovecot", "openssl") is { } missing) Assert.Skip(missing);
        if (!Environment.IsPrivilegedProcess) Assert.Skip("setting up Dovecot needs root");
        const string Account = "dove@example.test";
        await VerbAsync("account", "add", Account, "--no-password");
        var home = Directory.CreateTempSubdirectory("posthorn-dovecot-").FullName;
        File.SetUnixFileMode(home, (UnixFileMode)0x1ED); // Dovecot's other users come in here: 0755
        try
        {
            var md = Path.Combine(home, "mail", "jane");
            MakeMaildir(md, 600);
            await Tool.RunAsync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", Path.Combine(home, "key.pem"), "-out", Path.Combine(home, "cert.pem"), "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], Ct);
            var port = Ports.FreeUdpAndTcp();
            await File.WriteAllTextAsync(Path.Combine(home, "dovecot.conf"), Configuration(home, port), Ct);
            await Tool.RunAsync("chown", ["-R", "nobody:nogroup", Path.Combine(home, "mail")], Ct);
            await using var dovecot = DaemonProcess.Launch("dovecot", ["-F", "-c", Path.Combine(home, "dovecot.conf")]);
            await dovecot.ListensAsync(port, Ct);
            var password = Path.Combine(home, "password");
            await File.WriteAllTextAsync(password, "secret\n", Ct);
            string[] import = ["import", "imap", Account, "--host", "localhost", "--port", $"{port}", "--user", "jane", "--password-file", password];
            var untrusted = await ServerProcess.RunVerbAsync([.. import, "--config", rig.Installation.ConfigFile], Ct);
            Assert.Equal(69, untrusted.ExitCode);
            Assert.Contains("its certificate is not trusted", untrusted.Errors, StringComparison.Ordinal);

            import = [.. import, "--ca-file", Path.Combine(home, "cert.pem")];
            Assert.Equal(600, (long)(await VerbAsync(import))["added"]!);
            var copy = At("dove");
            await VerbAsync("export-mail", Account, "--format", "maildir", "--to", copy);
            Assert.Equal(Contents(md), Contents(copy));

            // A flag there, a new message there, a message that goes here: the next run knows all three.
            var file = Directory.EnumerateFiles(Path.Combine(md, ".Work", "cur")).First(static f => f.EndsWith(":2,", StringComparison.Ordinal));
            File.Move(file, file + "FS");
            File.Copy(Directory.EnumerateFiles(Path.Combine(md, "cur")).First(), Path.Combine(md, "new", "1700000000.M1P1.host"));
            await Tool.RunAsync("chown", ["-R", "nobody:nogroup", Path.Combine(home, "mail")], Ct);
            await VerbAsync("mailbox", "delete", Account, "Entwürfe");
            var again = await VerbAsync(import);
            Assert.Equal((1, 0, 1), ((long)again["added"]!, (long)again["known"]!, (long)again["flags"]!));
            await VerbAsync("mailbox", "delete", Account, "Entwürfe");
            Assert.Equal(0, (long)(await VerbAsync(import))["added"]!);
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    string At(string name) => Path.Combine(rig.Scratch, "tools-" + name);

    static string Configuration(string home, int port) => $$"""
        base_dir = {{home}}/run
        state_dir = {{home}}/state
        log_path = {{home}}/log
        protocols = imap
        listen = 127.0.0.1
        ssl = yes
        ssl_cert = <{{home}}/cert.pem
        ssl_key = <{{home}}/key.pem
        mail_location = maildir:{{home}}/mail/%u
        first_valid_uid = 1
        first_valid_gid = 1
        passdb {
          driver = static
          args = password=secret
        }
        userdb {
          driver = static
          args = uid=nobody gid=nogroup home={{home}}/mail/%u
        }
        service imap-login {
          inet_listener imap {
            port = 0
          }
          inet_listener imaps {
            port = {{port}}
          }
        }
        namespace inbox {
          inbox = yes
        }

        """;
}
