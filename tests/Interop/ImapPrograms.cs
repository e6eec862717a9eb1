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
