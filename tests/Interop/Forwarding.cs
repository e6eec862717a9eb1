using System.Net;
using System.Text.Json.Nodes;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>
/// Two mail servers that forward, a.test (127.0.0.31) and b.test (127.0.0.32), among servers of others that take everything
/// and remember it: far.test, other.test and stranger.test, found by the DNS.
/// </summary>
public sealed class ForwardingHosts : IAsyncLifetime
{
    readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("posthorn-forwarding-");
    NsdServer? _names;

    public MailHost A { get; private set; } = null!;
    public MailHost B { get; private set; } = null!;
    public RecordingSink Far { get; private set; } = null!;
    public RecordingSink Other { get; private set; } = null!;
    public RecordingSink Stranger { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        if (NsdServer.Missing is not null) return;
        var ct = CancellationToken.None;
        _names = await NsdServer.StartAsync(new Dictionary<string, string>
        {
            ["test"] = NsdServer.Zone("test", """
                a MX 10 mx.a
                mx.a A 127.0.0.31
                b MX 10 mx.b
                mx.b A 127.0.0.32
                far MX 10 mx.far
                mx.far A 127.0.0.33
                other MX 10 mx.other
                mx.other A 127.0.0.34
                stranger A 127.0.0.35
                """),
        }, ct);
        var port = Ports.FreeUdpAndTcp();
        (Far, Other, Stranger) = (Sink(33, port), Sink(34, port), Sink(35, port));
        A = new MailHost(Path.Combine(_home.FullName, "a"), "mx.a.test", "127.0.0.31", port);
        B = new MailHost(Path.Combine(_home.FullName, "b"), "mx.b.test", "127.0.0.32", port);
        await Task.WhenAll(
            A.CreateAsync(_names.EndPoint, ["amy@a.test", "pit@a.test", "kim@a.test", "leo@a.test", "round@a.test"], ct),
            B.CreateAsync(_names.EndPoint, ["round@b.test"], ct));
        await Task.WhenAll(A.StartAsync(ct), B.StartAsync(ct));
    }

    static RecordingSink Sink(int last, int port) => new(IPAddress.Parse($"127.0.0.{last}"), port);

    public async ValueTask DisposeAsync()
    {
        foreach (var part in new IAsyncDisposable?[] { A, B, Far, Other, Stranger, _names })
            if (part is not null) await part.DisposeAsync();
        _home.Delete(recursive: true);
    }
}

/// <summary>Mail that addresses of ours send on, by the wire: the way there, the way back, and circles.</summary>
public sealed class Forwarding(ForwardingHosts hosts) : IClassFixture<ForwardingHosts>
{
    const string Stranger = "s@stranger.test";

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    static string Message(string to, string subject) => $"From: Somebody <{Stranger}>\nTo: <{to}>\nSubject: {subject}\nMessage-ID: <{subject}@stranger.test>\n\nOne line.\n";

    static void NeedsNames() => Assert.SkipWhen(NsdServer.Missing is not null, NsdServer.Missing ?? "");

    /// <summary>Waits until a sink has taken a message with these words; it, and how many of them there are.</summary>
    static async Task<TakenMessage> TakenAsync(RecordingSink sink, string words)
    {
        for (var count = 1; ; count++)
            if ((await sink.WaitAsync(count, Ct)).ElementAt(count - 1) is var taken && Text(taken).Contains(words, StringComparison.Ordinal)) return taken;
    }

    static int Copies(RecordingSink sink, string words) => sink.Taken.Count(t => Text(t).Contains(words, StringComparison.Ordinal));

    static string Text(TakenMessage message) => System.Text.Encoding.Latin1.GetString(message.Octets);

    [Fact]
    public async Task An_alias_to_two_servers_and_the_bounce_of_one_of_them()
    {
        NeedsNames();
        await hosts.A.VerbAsync(["alias", "add", "team@a.test", "x@far.test", "y@other.test"], Ct);
        var id = await hosts.A.SendAsync(Stranger, ["team@a.test"], Message("team@a.test", "to-the-team"), Ct);
        var (x, y) = (await TakenAsync(hosts.Far, "to-the-team"), await TakenAsync(hosts.Other, "to-the-team"));
        Assert.Equal("x@far.test", Assert.Single(x.Recipients));
        Assert.Equal("y@other.test", Assert.Single(y.Recipients));
        Assert.Matches("^SRS0=[A-Z2-7]{6}=[A-Z2-7]{2}=stranger\\.test=s@a\\.test$", x.ReversePath);
        Assert.Equal(x.ReversePath, y.ReversePath);
        Assert.Equal("team@a.test", x.Field("Delivered-To"));
        Assert.EndsWith("\r\n\r\nOne line.\r\n", Text(x), StringComparison.Ordinal);

        // The server of x finds out later that it cannot deliver, and says so to whom the envelope named.
        var bounce = "From: MAILER-DAEMON@far.test\nTo: team\nSubject: it failed\nMessage-ID: <back-to-sender@far.test>\n\nNo such user.\n";
        var back = await hosts.A.SendAsync("", [x.ReversePath], bounce, Ct);
        var returned = await TakenAsync(hosts.Stranger, "back-to-sender");
        Assert.Equal(("", Stranger), (returned.ReversePath, Assert.Single(returned.Recipients)));
        Assert.Equal(Stranger, (await hosts.A.EventAsync(back, "queued", Ct))["address"]!.GetValue<string>());
        await hosts.A.EventAsync(back, "delivered", Ct);
        await hosts.A.IdleAsync(Ct);
        Assert.Equal(1, Copies(hosts.Stranger, "back-to-sender"));
        Assert.Equal(2, (await hosts.A.StoryAsync(id, Ct)).Count(e => e.Kind == "delivered"));
    }

    [Fact]
    public async Task A_refusal_at_the_target_is_told_to_the_sender_and_not_to_our_own_address()
    {
        NeedsNames();
        await hosts.A.VerbAsync(["alias", "add", "dead-end@a.test", "gone@far.test"], Ct);
        hosts.Far.Rcpt = static address => address == "gone@far.test" ? "550 5.1.1 no such user" : null;
        var id = await hosts.A.SendAsync(Stranger, ["dead-end@a.test"], Message("dead-end@a.test", "to-a-dead-end"), Ct);
        var notice = await TakenAsync(hosts.Stranger, "to-a-dead-end");
        Assert.Equal(("", Stranger), (notice.ReversePath, Assert.Single(notice.Recipients)));
        Assert.Contains("dead-end@a.test", Text(notice), StringComparison.Ordinal);
        Assert.DoesNotContain("gone@far.test", Text(notice), StringComparison.Ordinal); // where an alias leads is nobody's business
        await hosts.A.EventAsync(id, "notified", Ct);
        await hosts.A.IdleAsync(Ct);
        Assert.Equal(1, Copies(hosts.Stranger, "to-a-dead-end"));
    }

    [Fact]
    public async Task What_is_altered_or_no_bounce_is_refused()
    {
        NeedsNames();
        await hosts.A.VerbAsync(["alias", "add", "one@a.test", "one@far.test"], Ct);
        await hosts.A.SendAsync(Stranger, ["one@a.test"], Message("one@a.test", "for-its-path"), Ct);
        var path = (await TakenAsync(hosts.Far, "for-its-path")).ReversePath;
        Assert.StartsWith("250 ", await RcptAsync("", path), StringComparison.Ordinal);
        Assert.StartsWith("550 5.7.1 ", await RcptAsync("x@far.test", path), StringComparison.Ordinal);
        Assert.StartsWith("550 5.1.1 ", await RcptAsync("", path.Replace("=s@", "=t@", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.StartsWith("550 5.1.1 ", await RcptAsync("", path.Replace("stranger.test", "victim.test", StringComparison.Ordinal)), StringComparison.Ordinal);
        // Nobody else's domain is made reachable by it.
        Assert.StartsWith("55", await RcptAsync("", path.Replace("@a.test", "@far.test", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    async Task<string> RcptAsync(string from, string to)
    {
        await using var client = await LineClient.ConnectAsync(hosts.A.Smtp, Ct);
        await client.ReplyAsync(Ct);
        await client.CommandAsync("EHLO far.test", Ct);
        await client.CommandAsync($"MAIL FROM:<{from}>", Ct);
        return await client.CommandAsync($"RCPT TO:<{to}>", Ct);
    }

    [Fact]
    public async Task An_account_that_forwards_with_a_copy_and_without()
    {
        NeedsNames();
        await hosts.A.VerbAsync(["account", "forward", "amy@a.test", "--to", "amy@far.test"], Ct);
        await hosts.A.VerbAsync(["account", "forward", "pit@a.test", "--to", "pit@far.test,pit@other.test", "--no-keep"], Ct);
        await hosts.A.SendAsync(Stranger, ["amy@a.test", "pit@a.test"], Message("amy@a.test", "both-forward"), Ct);
        var kept = Assert.Single(await hosts.A.FindAsync("amy@a.test", "both-forward", Ct));
        Assert.Equal([$"<{Stranger}>"], kept.Header("Return-Path"));
        await TakenAsync(hosts.Other, "both-forward");
        await hosts.A.IdleAsync(Ct);
        var taken = hosts.Far.Taken.Where(t => Text(t).Contains("both-forward", StringComparison.Ordinal)).ToList();
        Assert.Equal(["amy@far.test", "pit@far.test"], taken.SelectMany(t => t.Recipients).Order(StringComparer.Ordinal));
        Assert.All(taken, t => Assert.StartsWith("SRS0=", t.ReversePath, StringComparison.Ordinal));
        Assert.Empty(await hosts.A.ReadAsync("pit@a.test", 0, Ct));

        // The sender is one of ours: his own name is good everywhere.
        await hosts.A.SubmitAsync("kim@a.test", "kim@a.test", ["amy@a.test"], "From: kim@a.test\nTo: amy@a.test\nSubject: from-kim\n\nOne line.\n", Ct);
        Assert.Equal("kim@a.test", (await TakenAsync(hosts.Far, "from-kim")).ReversePath);
    }

    [Fact]
    public async Task Two_accounts_of_one_server_in_a_circle()
    {
        NeedsNames();
        await hosts.A.VerbAsync(["account", "forward", "kim@a.test", "--to", "leo@a.test", "--no-keep"], Ct);
        await hosts.A.VerbAsync(["account", "forward", "leo@a.test", "--to", "kim@a.test", "--no-keep"], Ct);
        await hosts.A.SendAsync(Stranger, ["kim@a.test"], Message("kim@a.test", "in-a-circle"), Ct);
        await hosts.A.IdleAsync(Ct);
        var held = (await hosts.A.ReadAsync("kim@a.test", 0, Ct)).Concat(await hosts.A.ReadAsync("leo@a.test", 0, Ct)).Count(m => m.Text.Contains("in-a-circle", StringComparison.Ordinal));
        Assert.InRange(held, 1, 2);
        await hosts.A.VerbAsync(["account", "forward", "kim@a.test", "--off"], Ct);
        await hosts.A.VerbAsync(["account", "forward", "leo@a.test", "--off"], Ct);
    }

    [Fact]
    public async Task Two_servers_in_a_circle()
    {
        NeedsNames();
        await hosts.A.VerbAsync(["account", "forward", "round@a.test", "--to", "round@b.test", "--no-keep"], Ct);
        await hosts.B.VerbAsync(["account", "forward", "round@b.test", "--to", "round@a.test", "--no-keep"], Ct);
        var id = await hosts.A.SendAsync(Stranger, ["round@a.test"], Message("round@a.test", "round-and-round"), Ct);

        // It goes there, comes back, and stays with the first that knows it.
        var message = Assert.Single(await hosts.A.FindAsync("round@a.test", "round-and-round", Ct));
        Assert.Equal(3, message.Header("Received").Count);
        Assert.Contains(id, message.Header("Received")[2], StringComparison.Ordinal);
        await hosts.A.IdleAsync(Ct);
        await hosts.B.IdleAsync(Ct);
        Assert.Empty(await hosts.B.ReadAsync("round@b.test", 0, Ct));
        Assert.Equal(0, Copies(hosts.Stranger, "round-and-round"));
        Assert.Single(await hosts.A.TracesAsync("<round-and-round@stranger.test>", Ct), id); // the way out
    }
}
