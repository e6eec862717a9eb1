using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>Mail between three servers that find each other by the DNS, and what each of them tells about it afterwards.</summary>
public sealed partial class ThreeServers(ThreeHosts hosts) : IClassFixture<ThreeHosts>
{
    const string Alice = ThreeHosts.Alice, Bob = ThreeHosts.Bob, Carol = ThreeHosts.Carol;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>The id in a Received line or at the end of a reply.</summary>
    [GeneratedRegex("\\bid ([0-9a-z]{13})\\b")]
    private static partial Regex ReceivedId { get; }

    static string Message(string from, string to, string subject) =>
        $"From: <{from}>\nTo: <{to}>\nSubject: {subject}\nMessage-ID: <{subject}@client.test>\n\nOne line.\n.\nThe end.\n";

    static void NeedsNames() => Assert.SkipWhen(NsdServer.Missing is not null, NsdServer.Missing ?? "");

    [Fact]
    public async Task Each_hop_is_there_and_both_ends_tell_the_same_story()
    {
        NeedsNames();
        var id = await hosts.C.SubmitAsync(Carol, Carol, [Bob], Message(Carol, Bob, "over-two"), Ct);
        var message = Assert.Single(await hosts.B.FindAsync(Bob, "over-two@client.test", Ct));

        // RFC 5321 §4.4: the newest line on top, each with the id that its server gave.
        var received = message.Header("Received");
        Assert.Equal(2, received.Count);
        Assert.StartsWith("from mx.c.test (", received[0], StringComparison.Ordinal);
        Assert.Contains("by mx.b.test with ESMTPS id ", received[0], StringComparison.Ordinal);
        Assert.StartsWith("from client.test (", received[1], StringComparison.Ordinal);
        Assert.Contains($"by mx.c.test with ESMTPA id {id} for <{Bob}>;", received[1], StringComparison.Ordinal);
        Assert.Equal([$"<{Carol}>"], message.Header("Return-Path"));
        Assert.EndsWith("\r\n\r\nOne line.\r\n.\r\nThe end.\r\n", message.Text, StringComparison.Ordinal);

        var delivered = await hosts.C.EventAsync(id, "delivered", Ct);
        var there = ReceivedId.Match(received[0]).Groups[1].Value;
        Assert.Equal($"250 2.0.0 Ok: {there}", delivered["reply"]!.GetValue<string>());
        Assert.Equal(Bob, delivered["to"]!.GetValue<string>());
        Assert.StartsWith("mx.b.test[127.0.0.12]:", delivered["relay"]!.GetValue<string>(), StringComparison.Ordinal);
        var story = await hosts.B.StoryAsync(there, Ct);
        Assert.Equal(["received", "filed"], story.Select(e => e.Kind));
        Assert.Equal((Carol, "mx.c.test", "ESMTPS", "<over-two@client.test>"), (Word(story[0].Detail, "from"), Word(story[0].Detail, "helo"), Word(story[0].Detail, "with"), Word(story[0].Detail, "messageId")));
        // What one end says of the session is what the other says of it.
        Assert.StartsWith(Word(delivered, "tls").Split(' ')[0], Word(story[0].Detail, "tls"), StringComparison.Ordinal);

        foreach (var (host, own) in new[] { (hosts.C, id), (hosts.B, there) })
        {
            Assert.Equal([own], await host.TracesAsync("<over-two@client.test>", Ct));
            Assert.Contains(own, await host.TracesAsync(Bob, Ct));
            Assert.Contains(own, await host.TracesAsync(Carol, Ct));
        }
    }

    [Fact]
    public async Task An_answer_goes_back()
    {
        NeedsNames();
        await hosts.A.SubmitAsync(Alice, Alice, [Bob], Message(Alice, Bob, "question"), Ct);
        var question = Assert.Single(await hosts.B.FindAsync(Bob, "question@client.test", Ct));
        var answer = $"From: {Bob}\nTo: {Alice}\nSubject: Re: question\nMessage-ID: <answer@client.test>\nIn-Reply-To: {question.Header("Message-ID")[0]}\n\nYes.\n";
        var id = await hosts.B.SubmitAsync(Bob, Bob, [question.Header("Return-Path")[0].Trim('<', '>')], answer, Ct);
        var message = Assert.Single(await hosts.A.FindAsync(Alice, "answer@client.test", Ct));
        Assert.Equal(["<question@client.test>"], message.Header("In-Reply-To"));
        Assert.Contains($"by mx.b.test with ESMTPA id {id} ", message.Header("Received")[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tag_and_the_other_name_of_a_domain()
    {
        NeedsNames();
        await hosts.C.SubmitAsync(Carol, Carol, ["Bob+lists@b2.test"], Message(Carol, "bob+lists@b2.test", "tagged"), Ct);
        var message = Assert.Single(await hosts.B.FindAsync(Bob, "tagged@client.test", Ct));
        Assert.Contains("for <Bob+lists@b2.test>", message.Header("Received")[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wish_for_news_of_success_is_passed_on_and_answered_once()
    {
        NeedsNames();
        var id = await hosts.C.SubmitAsync(Carol, Carol, [Alice], Message(Carol, Alice, "wanted-news"), Ct, " RET=HDRS ENVID=QQ7", $" NOTIFY=SUCCESS ORCPT=rfc822;{Alice}");
        var notice = Assert.Single(await hosts.C.FindAsync(Carol, "Original-Envelope-Id: QQ7", Ct));
        Assert.Equal(["<>"], notice.Header("Return-Path"));
        Assert.Equal(["<wanted-news@client.test>"], notice.Header("In-Reply-To"));
        Assert.Contains("Reporting-MTA: dns; mx.a.test", notice.Text, StringComparison.Ordinal);
        Assert.Contains($"Original-Recipient: rfc822; {Alice}", notice.Text, StringComparison.Ordinal);
        Assert.Contains("Action: delivered", notice.Text, StringComparison.Ordinal);
        await hosts.C.IdleAsync(Ct);
        await hosts.A.IdleAsync(Ct);
        Assert.Single(await hosts.C.FindAsync(Carol, "Original-Envelope-Id: QQ7", Ct));
        Assert.DoesNotContain(await hosts.C.StoryAsync(id, Ct), e => e.Kind == "notified");
    }

    [Fact]
    public async Task An_unknown_user_there_is_one_failure_notice_here()
    {
        NeedsNames();
        var id = await hosts.C.SubmitAsync(Carol, Carol, ["nobody@b.test", Bob], Message(Carol, "nobody@b.test", "to-nobody"), Ct);
        var notice = Assert.Single(await hosts.C.FindAsync(Carol, "Action: failed", Ct));
        var bounced = await hosts.C.EventAsync(id, "bounced", Ct);
        Assert.Equal("nobody@b.test", Word(bounced, "to"));
        Assert.StartsWith("550 5.1.1 ", Word(bounced, "reply"), StringComparison.Ordinal);
        Assert.Contains($"Diagnostic-Code: smtp; {Word(bounced, "reply")}", notice.Text.Replace("\r\n ", " ", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("Remote-MTA: dns; mx.b.test", notice.Text, StringComparison.Ordinal);
        Assert.Equal(["<to-nobody@client.test>"], notice.Header("In-Reply-To"));
        Assert.Equal(["<to-nobody@client.test>"], notice.Header("References"));
        Assert.Equal(["auto-replied"], notice.Header("Auto-Submitted"));
        Assert.DoesNotContain(Bob, notice.Text[..notice.Text.IndexOf("text/rfc822-headers", StringComparison.Ordinal)], StringComparison.Ordinal);

        // The other recipient of the same transaction has his copy, and nobody heard twice.
        Assert.Single(await hosts.B.FindAsync(Bob, "to-nobody@client.test", Ct));
        await hosts.C.IdleAsync(Ct);
        Assert.Single(await hosts.C.FindAsync(Carol, "Action: failed", Ct));
        var notified = await hosts.C.EventAsync(id, "notified", Ct);
        Assert.Contains($"id {Word(notified, "notice")}", (await hosts.C.VerbAsync(["trace", id], Ct)).Replace("notice ", "id ", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task By_way_of_a_smart_host_with_a_login()
    {
        NeedsNames();
        // At the smart host the sender's address has to be one of those that the login may use.
        await hosts.A.VerbAsync(["domain", "add", "roaming.test"], Ct);
        await hosts.A.VerbAsync(["alias", "add", "carol@roaming.test", Alice], Ct);
        await hosts.C.VerbAsync(["domain", "add", "roaming.test"], Ct);
        await hosts.C.VerbAsync(["alias", "add", "carol@roaming.test", Carol], Ct);
        var password = Path.Combine(hosts.C.Directory, "password");
        await hosts.C.VerbAsync(["route", "add", "--sender", "*@roaming.test", $"smtp:{hosts.A.Submission}", "--tls", "required", "--login", Alice, "--password-file", password], Ct);

        var id = await hosts.C.SubmitAsync(Carol, "carol@roaming.test", [Bob], Message("carol@roaming.test", Bob, "by-way-of"), Ct);
        var message = Assert.Single(await hosts.B.FindAsync(Bob, "by-way-of@client.test", Ct));
        var received = message.Header("Received");
        Assert.Equal(3, received.Count);
        var (last, middle) = (ReceivedId.Match(received[0]).Groups[1].Value, ReceivedId.Match(received[1]).Groups[1].Value);
        Assert.Contains("by mx.a.test with ESMTPSA id ", received[1], StringComparison.Ordinal);
        Assert.Contains($"by mx.c.test with ESMTPA id {id} ", received[2], StringComparison.Ordinal);
        Assert.Equal($"250 2.0.0 Ok: {middle}", Word(await hosts.C.EventAsync(id, "delivered", Ct), "reply"));
        Assert.Equal($"250 2.0.0 Ok: {last}", Word(await hosts.A.EventAsync(middle, "delivered", Ct), "reply"));
        foreach (var (host, own) in new[] { (hosts.C, id), (hosts.A, middle), (hosts.B, last) })
            Assert.Equal([own], await host.TracesAsync("<by-way-of@client.test>", Ct));
    }

    static string Word(JsonObject detail, string name) => detail[name]?.GetValue<string>() ?? "";
}
