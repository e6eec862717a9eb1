using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>
/// A server whose mail to other hosts meets nobody: far.test has an MX where nothing listens. A sink stands elsewhere. The
/// launcher of the repository is there under the names sendmail and mailq.
/// </summary>
public sealed class OperatedHost : IAsyncLifetime
{
    readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("posthorn-operating-");
    NsdServer? _names;

    public const string Alice = "alice@a.test", Root = "root@a.test";

    public MailHost Host { get; private set; } = null!;
    public RecordingSink Elsewhere { get; } = new(IPAddress.Parse("127.0.0.43"));
    public Dictionary<string, string> Environment { get; } = [];
    public string Link(string name) => Path.Combine(_home.FullName, name);

    public async ValueTask InitializeAsync()
    {
        if (NsdServer.Missing is not null) return;
        var ct = CancellationToken.None;
        _names = await NsdServer.StartAsync(new Dictionary<string, string> { ["test"] = NsdServer.Zone("test", "a A 127.0.0.41\nfar MX 10 mx.far\nmx.far A 127.0.0.42") }, ct);
        Host = new MailHost(_home.FullName, "mx.a.test", "127.0.0.41", Ports.FreeUdpAndTcp());
        Host.Sections["accounts"] = new JsonObject { ["defaultDomain"] = "a.test" };
        await Host.CreateAsync(_names.EndPoint, [Alice, Root], ct);
        foreach (var name in new[] { "sendmail", "mailq" }) File.CreateSymbolicLink(Link(name), Path.Combine(ServerProcess.Repository, "posthorn"));
        Environment["POSTHORN_CONFIG"] = Host.ConfigFile;
        await Host.StartAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        if (Host is not null) await Host.DisposeAsync();
        await Elsewhere.DisposeAsync();
        if (_names is not null) await _names.DisposeAsync();
        _home.Delete(recursive: true);
    }
}

/// <summary>What somebody with a shell does with a running server and its queue.</summary>
public sealed class Operating(OperatedHost rig) : IClassFixture<OperatedHost>
{
    const string Alice = OperatedHost.Alice;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    static string Message(string to, string subject) => $"From: <{Alice}>\nTo: <{to}>\nSubject: {subject}\nMessage-ID: <{subject}@client.test>\n\nOne line.\n";

    static void NeedsNames() => Assert.SkipWhen(NsdServer.Missing is not null, NsdServer.Missing ?? "");

    /// <summary>A message that was tried once, in vain.</summary>
    async Task<string> WaitingAsync(string to, string subject)
    {
        var id = await rig.Host.SubmitAsync(Alice, Alice, [to], Message(to, subject), Ct);
        await rig.Host.EventAsync(id, "deferred", Ct);
        return id;
    }

    async Task<JsonObject> ListedAsync(string to, params string[] more) =>
        (await rig.Host.JsonAsync(["queue", "list", "--recipient", to, .. more], Ct))["recipients"]!.AsArray().Single()!.AsObject();

    async Task<string> ShellAsync(string command)
    {
        var result = await Tool.RunAsync("sh", ["-c", command], Ct, environment: rig.Environment, seconds: 120);
        Assert.True(result.ExitCode == 0 && (result.Errors.Length == 0 || result.Errors.StartsWith("building", StringComparison.Ordinal)), result.Told + "\n" + rig.Host.Server!.Tail);
        return result.Output;
    }

    [Fact]
    public async Task Sendmail_and_mailq_by_the_launcher()
    {
        NeedsNames();
        var file = Path.Combine(rig.Host.Directory, "message");
        await File.WriteAllTextAsync(file, "From: root\nTo: alice@a.test\nCc: dora@far.test\nBcc: root@a.test,\n secret@far.test\nSubject: from-the-shell\n\nOne line.\n.\nThe end.\n", Ct);
        Assert.Equal("", await ShellAsync($"{rig.Link("sendmail")} -t -i < {file}"));
        foreach (var account in new[] { Alice, OperatedHost.Root })
        {
            var message = Assert.Single(await rig.Host.FindAsync(account, "from-the-shell", Ct));
            Assert.Empty(message.Header("Bcc"));
            Assert.DoesNotContain("secret", message.Text, StringComparison.Ordinal);
            Assert.EndsWith("One line.\r\n.\r\nThe end.\r\n", message.Text, StringComparison.Ordinal);
        }

        // Whoever was named goes into the queue, also the one whom nobody sees.
        var hidden = await ListedAsync("secret@far.test");
        var queue = await ShellAsync(rig.Link("mailq"));
        Assert.Contains(hidden["id"]!.GetValue<string>(), queue, StringComparison.Ordinal);
        Assert.Contains("dora@far.test", queue, StringComparison.Ordinal);
        Assert.Contains("secret@far.test", queue, StringComparison.Ordinal);
        await rig.Host.VerbAsync(["queue", "drop", hidden["id"]!.GetValue<string>(), "--yes"], Ct);
    }

    [Fact]
    public async Task What_the_machine_says_to_root_reaches_a_human()
    {
        NeedsNames();
        await ShellAsync($"printf 'Subject: from-the-machine\\n\\nA disk is full.\\n' | {rig.Link("sendmail")} root@mx.a.test");
        Assert.Single(await rig.Host.FindAsync(Alice, "from-the-machine", Ct));
        Assert.Contains(Alice, await rig.Host.VerbAsync(["address", "explain", "root@mx.a.test"], Ct), StringComparison.Ordinal);
        Assert.DoesNotContain(Alice, await rig.Host.VerbAsync(["address", "explain", "other@mx.a.test"], Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hold_reroute_release()
    {
        NeedsNames();
        const string to = "bob@far.test";
        var id = await WaitingAsync(to, "another-way");
        Assert.Contains("put on hold", await rig.Host.VerbAsync(["queue", "hold", id], Ct), StringComparison.Ordinal);
        Assert.Equal("held", (await ListedAsync(to))["state"]!.GetValue<string>());
        await rig.Host.VerbAsync(["queue", "flush"], Ct);
        Assert.Equal("held", (await ListedAsync(to))["state"]!.GetValue<string>());

        var way = $"smtp:127.0.0.43:{rig.Elsewhere.Port}";
        Assert.Contains("now going by " + way, await rig.Host.VerbAsync(["queue", "reroute", id, "--to", way], Ct), StringComparison.Ordinal);
        Assert.Equal(("held", way), ((await ListedAsync(to))["state"]!.GetValue<string>(), (await ListedAsync(to))["via"]!.GetValue<string>()));
        Assert.Contains("released", await rig.Host.VerbAsync(["queue", "release", id], Ct), StringComparison.Ordinal);
        await rig.Host.EventAsync(id, "delivered", Ct);
        var taken = Assert.Single(rig.Elsewhere.Taken, m => m.Field("Subject") == "another-way"); // other tests send there too
        Assert.Equal((Alice, to, "another-way"), (taken.ReversePath, Assert.Single(taken.Recipients), taken.Field("Subject")));
        Assert.Equal(["received", "queued", "deferred", "held", "rerouted", "released", "delivered"], (await rig.Host.StoryAsync(id, Ct)).Select(e => e.Kind));
        Assert.Equal("delivered", (await ListedAsync(to, "--finished"))["state"]!.GetValue<string>());
        Assert.Contains($"sent another way, {way}: {to}, by hand", await rig.Host.VerbAsync(["trace", id], Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Drop_says_nothing_and_bounce_tells_the_sender()
    {
        NeedsNames();
        var (dropped, bounced) = (await WaitingAsync("drop@far.test", "to-drop"), await WaitingAsync("bounce@far.test", "to-bounce"));
        // Not everything by mistake.
        var all = await ServerProcess.RunVerbAsync(["queue", "drop", "--config", rig.Host.ConfigFile], Ct, seconds: 60);
        Assert.True(all.ExitCode == 64 && all.Errors.Contains("--all", StringComparison.Ordinal), all.Told);
        await rig.Host.VerbAsync(["queue", "drop", dropped, "--yes"], Ct);
        await rig.Host.VerbAsync(["queue", "bounce", bounced, "--reason", "nobody lives there any more", "--yes"], Ct);

        var notice = Assert.Single(await rig.Host.FindAsync(Alice, "nobody lives there any more", Ct));
        Assert.Equal(["<to-bounce@client.test>"], notice.Header("In-Reply-To"));
        Assert.Contains("Action: failed", notice.Text, StringComparison.Ordinal);
        Assert.Equal("dropped", (await rig.Host.StoryAsync(dropped, Ct))[^1].Kind);
        Assert.Equal(["bounced", "notified"], (await rig.Host.StoryAsync(bounced, Ct)).Select(e => e.Kind).TakeLast(2));
        Assert.DoesNotContain(await rig.Host.ReadAsync(Alice, 0, Ct), m => m.Text.Contains("to-drop", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_waits_is_shown()
    {
        NeedsNames();
        var id = await WaitingAsync("shown@far.test", "to-be-shown");
        var show = await rig.Host.VerbAsync(["queue", "show", id], Ct);
        foreach (var words in new[] { id, $"<{Alice}>", "shown@far.test   number ", "tried once", "by mx", "Connection refused", "Subject: to-be-shown" })
            Assert.Contains(words, show, StringComparison.Ordinal);
        var table = (await rig.Host.VerbAsync(["queue", "stats"], Ct)).Split('\n').Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToList();
        Assert.Equal(["T", "5", "10", "20", "40", "80", "160", "320", "640", "1280", "1280+"], table[0]);
        var far = table.Single(r => r is ["far.test", _, _, _, _, _, _, _, _, _, _, _]);
        Assert.Equal(far[1], far[2]); // all of them came less than five minutes ago
        var list = await rig.Host.JsonAsync(["queue", "list", "--domain", "far.test"], Ct);
        Assert.Equal(int.Parse(far[1], System.Globalization.CultureInfo.InvariantCulture), list["recipients"]!.AsArray().Count);
        await rig.Host.VerbAsync(["queue", "drop", id, "--yes"], Ct);
    }

    [Fact]
    public async Task Without_a_server()
    {
        NeedsNames();
        var id = await WaitingAsync("later@far.test", "for-later");
        rig.Host.Server!.Terminate();
        Assert.Equal(0, await rig.Host.Server.ExitAsync(TimeSpan.FromSeconds(60)));
        await rig.Host.VerbAsync(["queue", "hold", id], Ct);
        Assert.Equal("held", (await ListedAsync("later@far.test"))["state"]!.GetValue<string>());
        await rig.Host.VerbAsync(["queue", "release", id], Ct);
        Assert.Equal("due", (await ListedAsync("later@far.test"))["state"]!.GetValue<string>());
        await rig.Host.VerbAsync(["queue", "reroute", id, "--to", $"smtp:127.0.0.43:{rig.Elsewhere.Port}"], Ct);
        var alone = await ServerProcess.RunVerbAsync(["queue", "bounce", id, "--yes", "--config", rig.Host.ConfigFile], Ct, seconds: 60);
        Assert.True(alone.ExitCode == 69 && alone.Errors.Contains("no server runs", StringComparison.Ordinal), alone.Told);

        // What was decided meanwhile holds when it starts.
        await rig.Host.StartAsync(Ct);
        await rig.Host.EventAsync(id, "delivered", Ct);
        Assert.Contains(rig.Elsewhere.Taken, t => t.Field("Subject") == "for-later");
    }
}
