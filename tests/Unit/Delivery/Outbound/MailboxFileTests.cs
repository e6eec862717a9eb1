using System.Globalization;
using System.Text;
using Posthorn.Accounts.Routes;
using Posthorn.Delivery.Outbound;
using Posthorn.Delivery.Outbound.Files;
using Posthorn.Tests.Testing.Running;
using Posthorn.Wire.Addresses;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery.Outbound;

/// <summary>Delivery into mbox files and Maildirs.</summary>
public sealed class MailboxFileTests(OutboundStore store) : IClassFixture<OutboundStore>, IDisposable
{
    const string Text = "Return-Path: <evil@else.example>\r\n\tfolded\r\nSubject: hi\r\n\r\nFrom the start\r\n>From here\r\n>>From there\r\nfrom nowhere\r\nend\r\n";

    readonly string _directory = Directory.CreateTempSubdirectory("posthorn-files").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    async Task<DeliveryReport> DeliverAsync(OutboundRig rig, TransportKind kind, string path, string[]? to = null, string text = Text, string from = "a@sender.example") =>
        await rig.DeliverAsync(await rig.JobAsync(to ?? ["daemon@peer.example"], Encoding.UTF8.GetBytes(text), OutboundRig.Route(new Transport(kind, Path: path)), from: from));

    static void Delivered(DeliveryReport report) => report.Results.ShouldAllBe(r => r.Status == AttemptStatus.Delivered, string.Join(", ", report.Results.Select(r => r.Reply)));

    [Fact]
    public async Task An_mbox_gets_separators_and_quoted_lines()
    {
        await using var rig = new OutboundRig(store);
        var path = Path.Combine(_directory, "{user}");
        Delivered(await DeliverAsync(rig, TransportKind.Mbox, path));
        Delivered(await DeliverAsync(rig, TransportKind.Mbox, path, text: "Subject: two\r\n\r\nno line end", from: ""));
        File.ReadAllText(Path.Combine(_directory, "daemon")).ShouldBe(
            "From a@sender.example Fri Jan 2 03:04:05 2026\nReturn-Path: <a@sender.example>\nDelivered-To: daemon@peer.example\nReceived: by us.example\nSubject: hi\n\n>From the start\n>>From here\n>>>From there\nfrom nowhere\nend\n\n" +
            "From MAILER-DAEMON Fri Jan 2 03:04:05 2026\nReturn-Path: <>\nDelivered-To: daemon@peer.example\nReceived: by us.example\nSubject: two\n\nno line end\n\n");
        File.Exists(Path.Combine(_directory, "daemon.lock")).ShouldBeFalse();
        rig.Journal.Notes.Take(2).ShouldBe(["dot daemon@peer.example", $"taken daemon@peer.example: written to {_directory}/daemon"]);
    }

    [Fact]
    public async Task An_mbox_without_a_last_line_end_gets_one_first()
    {
        await using var rig = new OutboundRig(store);
        var path = Path.Combine(_directory, "box");
        File.WriteAllText(path, "From x\n\nold");
        Delivered(await DeliverAsync(rig, TransportKind.Mbox, path));
        File.ReadAllText(path).ShouldStartWith("From x\n\nold\n\nFrom a@sender.example ");
    }

    [Fact]
    public async Task Many_deliveries_to_one_mbox_do_not_mix()
    {
        await using var rig = new OutboundRig(store);
        var path = Path.Combine(_directory, "box");
        var text = "Subject: x\r\n\r\n" + string.Concat(Enumerable.Repeat("0123456789\r\n", 20_000));
        var all = Enumerable.Range(0, 12).Select(_ => Task.Run(() => DeliverAsync(rig, TransportKind.Mbox, path, text: text))).ToList();
        while (!Task.WhenAll(all).IsCompleted)
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
            rig.Clock.Advance(TimeSpan.FromMilliseconds(250));
        }
        foreach (var one in all) Delivered(await one);
        var lines = File.ReadAllLines(path);
        lines.Count(l => l.StartsWith("From ", StringComparison.Ordinal)).ShouldBe(12);
        lines.Count(l => l == "0123456789").ShouldBe(12 * 20_000);
        lines.ShouldAllBe(l => l.Length == 0 || l == "0123456789" || l.Contains(':'));
    }

    [Fact]
    public async Task A_lock_of_somebody_else_is_waited_for_half_a_minute()
    {
        await using var rig = new OutboundRig(store);
        var path = Path.Combine(_directory, "box");
        File.WriteAllText(path + ".lock", "");
        File.SetLastWriteTimeUtc(path + ".lock", rig.Clock.GetUtcNow().UtcDateTime);
        var delivery = DeliverAsync(rig, TransportKind.Mbox, path);
        while (!delivery.IsCompleted)
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
            rig.Clock.Advance(TimeSpan.FromSeconds(1));
        }
        var result = (await delivery).Results[0];
        (result.Status, result.Enhanced).ShouldBe((AttemptStatus.Deferred, "4.2.0"));
        result.Reply.ShouldContain("locked by somebody else");
        File.Exists(path).ShouldBeFalse();

        File.SetLastWriteTimeUtc(path + ".lock", rig.Clock.GetUtcNow().UtcDateTime - TimeSpan.FromMinutes(6));
        Delivered(await DeliverAsync(rig, TransportKind.Mbox, path)); // whoever made it is gone
    }

    [Fact]
    public async Task A_link_or_a_file_with_two_names_is_not_written_to()
    {
        await using var rig = new OutboundRig(store);
        var target = Path.Combine(_directory, "target");
        File.WriteAllText(target, "precious");
        File.CreateSymbolicLink(Path.Combine(_directory, "link"), target);
        foreach (var (name, said) in new[] { ("link", "symbolic link"), ("hard", "plain file") })
        {
            if (name == "hard") (await Tool.RunAsync("ln", [target, Path.Combine(_directory, "hard")], TestContext.Current.CancellationToken)).ExitCode.ShouldBe(0);
            var result = (await DeliverAsync(rig, TransportKind.Mbox, Path.Combine(_directory, name))).Results[0];
            result.Status.ShouldBe(AttemptStatus.Deferred);
            result.Reply.ShouldContain(said);
        }
        File.ReadAllText(target).ShouldBe("precious");
        (await DeliverAsync(rig, TransportKind.Mbox, "/dev/null")).Results[0].Status.ShouldBe(AttemptStatus.Deferred);
    }

    [Fact]
    public async Task A_user_who_is_not_there_gets_no_file()
    {
        await using var rig = new OutboundRig(store);
        var result = (await DeliverAsync(rig, TransportKind.Mbox, Path.Combine(_directory, "{user}"), ["nosuchuser7@peer.example"])).Results[0];
        (result.Status, result.Enhanced).ShouldBe((AttemptStatus.Failed, "5.1.1"));
        Directory.EnumerateFileSystemEntries(_directory).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_directory_that_is_not_there_is_temporary()
    {
        await using var rig = new OutboundRig(store);
        foreach (var kind in new[] { TransportKind.Mbox, TransportKind.Maildir })
        {
            var result = (await DeliverAsync(rig, kind, Path.Combine(_directory, "no/such"))).Results[0];
            (result.Status, result.Enhanced).ShouldBe((AttemptStatus.Deferred, "4.3.0"));
            result.Reply.ShouldContain("is not there");
        }
    }

    [Fact]
    public async Task A_full_disk_leaves_the_mbox_as_it_was()
    {
        await using var rig = new OutboundRig(store);
        var path = Path.Combine(_directory, "box");
        File.WriteAllText(path, "From x\n\nold\n\n");
        var job = await rig.JobAsync(text: Encoding.ASCII.GetBytes(Text));
        await using (var text = new MessageText(store.Rig.Store, job.Message with { Prefix = new byte[1] }))
        {
            // The body is closed under the writer: it fails in the middle.
            await text.DisposeAsync();
            await Should.ThrowAsync<ObjectDisposedException>(() => new MboxFile(path, rig.Clock).AppendAsync(null, "a@b.example", EmailAddress.TryParse("x@y.example")!, text, TestContext.Current.CancellationToken));
        }
        File.ReadAllText(path).ShouldBe("From x\n\nold\n\n");
        File.Exists(path + ".lock").ShouldBeFalse();
    }

    [Fact]
    public async Task A_Maildir_is_made_and_gets_whole_messages()
    {
        await using var rig = new OutboundRig(store);
        var path = Path.Combine(_directory, "{domain}-{user}");
        var report = await DeliverAsync(rig, TransportKind.Maildir, path, ["Daemon@peer.example", "mail@peer.example"]);
        Delivered(report);
        var made = Path.Combine(_directory, "peer.example-daemon");
        var file = Directory.GetFiles(Path.Combine(made, "new")).ShouldHaveSingleItem();
        Path.GetFileName(file).ShouldMatch(@"^1767323045\.M0P\d+Q\d+R[0-9a-f]{8}\.us\.example,S=" + new FileInfo(file).Length.ToString(CultureInfo.InvariantCulture) + "$");
        File.ReadAllText(file).ShouldBe("Return-Path: <a@sender.example>\nDelivered-To: Daemon@peer.example\nReceived: by us.example\nSubject: hi\n\nFrom the start\n>From here\n>>From there\nfrom nowhere\nend\n");
        Directory.GetFileSystemEntries(Path.Combine(made, "tmp")).ShouldBeEmpty();
        Directory.Exists(Path.Combine(made, "cur")).ShouldBeTrue();
        File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Theory]
    [InlineData("alice", "/m/alice/example.net")]
    [InlineData("ALICE+tag", "/m/alice+tag/example.net")]
    [InlineData("\".alice\"", null)]
    [InlineData("\"..\"", null)]
    [InlineData("-alice", null)]
    [InlineData("\"../../etc/passwd\"", null)]
    [InlineData("\"a b\"", null)]
    [InlineData("a/b", null)]
    [InlineData("{domain}", null)]
    [InlineData("a$b", null)]
    [InlineData("\u00fcber", null)]
    public void External_converters_path_traversal_a_name_out_of_an_address(string local, string? path) =>
        FilePath.For("/m/{user}/{domain}", EmailAddress.TryParse(local + "@example.net").ShouldNotBeNull()).ShouldBe(path);

    [Fact]
    public async Task An_address_that_cannot_be_a_name_fails()
    {
        await using var rig = new OutboundRig(store);
        var result = (await DeliverAsync(rig, TransportKind.Maildir, Path.Combine(_directory, "{user}"), ["\"../x\"@peer.example"])).Results[0];
        (result.Status, result.Enhanced).ShouldBe((AttemptStatus.Failed, "5.1.3"));
    }
}
