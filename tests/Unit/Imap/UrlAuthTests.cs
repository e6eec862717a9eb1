using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>URLAUTH (RFC 4467).</summary>
public class UrlAuthTests
{
    const string Url = "imap://user%40example.test@mail.example.test/INBOX/;UID=1";

    static async Task<string> SignAsync(ImapClient client, string rump)
    {
        var line = (await client.ListAsync($"GENURLAUTH \"{rump}\" INTERNAL")).ShouldHaveSingleItem();
        line.ShouldStartWith($"* GENURLAUTH \"{rump}:internal:01");
        return line["* GENURLAUTH ".Length..].Trim('"');
    }

    static async Task<string> FetchAsync(ImapClient client, string url) => (await client.ListAsync($"URLFETCH \"{url}\"")).ShouldHaveSingleItem()[$"* URLFETCH \"{url}\" ".Length..];

    [Fact]
    public async Task A_signed_url_lets_others_read_one_message()
    {
        await using var room = await MailRoom.OpenAsync();
        await room.DeliverAsync("Subject: a\r\n\r\nhello\r\n");
        await using var a = await room.LoginAsync(null);
        await using var b = await room.ConnectAsync();
        await b.AskAsync("LOGIN other pen");
        var url = await SignAsync(a, Url + "/;SECTION=TEXT;URLAUTH=user+other%40example.test");
        (await FetchAsync(b, url)).ShouldBe("{7}\r\nhello\r\n");
        (await FetchAsync(a, url)).ShouldBe("NIL");
        (await FetchAsync(b, url.Replace("TEXT", "HEADER"))).ShouldBe("NIL");
        (await FetchAsync(b, url.Replace(";UID=1", ";UID=2"))).ShouldBe("NIL");
        (await FetchAsync(b, url[..^2] + (url.EndsWith("00") ? "11" : "00"))).ShouldBe("NIL");
        (await FetchAsync(b, url[..url.IndexOf(":internal")])).ShouldBe("NIL");
        (await FetchAsync(b, await SignAsync(a, Url + "/;SECTION=TEXT/;PARTIAL=1.3;URLAUTH=authuser"))).ShouldBe("{3}\r\nell");
        (await FetchAsync(b, await SignAsync(a, Url + ";URLAUTH=anonymous"))).ShouldContain("Subject: a");
        (await FetchAsync(b, await SignAsync(a, Url + ";URLAUTH=submit+other"))).ShouldBe("NIL");
        (await FetchAsync(b, await SignAsync(a, Url + "/;SECTION=3;URLAUTH=authuser"))).ShouldBe("\"\"");
        (await FetchAsync(b, Url.Replace("INBOX", "Nowhere") + ";URLAUTH=authuser:internal:0123456789abcdef0123456789abcdef")).ShouldBe("NIL");
        (await FetchAsync(b, await SignAsync(a, Url + ";EXPIRE=2020-01-01T00:00:00Z;URLAUTH=anonymous"))).ShouldBe("NIL");
        (await FetchAsync(b, await SignAsync(a, Url + ";EXPIRE=9020-01-01T00:00:00Z;URLAUTH=anonymous"))).ShouldContain("hello");
        (await a.AskAsync("RESETKEY INBOX INTERNAL")).ShouldStartWith("OK [URLMECH INTERNAL]");
        (await FetchAsync(b, url)).ShouldBe("NIL");
        (await FetchAsync(b, await SignAsync(a, Url + ";URLAUTH=authuser"))).ShouldContain("hello");
        (await a.AskAsync("RESETKEY")).ShouldStartWith("OK");
    }

    [Fact]
    public async Task Only_ones_own_can_be_signed()
    {
        await using var room = await MailRoom.OpenAsync();
        await room.DeliverAsync("Subject: a\r\n\r\nhello\r\n");
        await using var b = await room.ConnectAsync();
        await b.AskAsync("LOGIN other pen");
        foreach (var rump in new[] { Url + ";URLAUTH=anonymous", "imap://other@elsewhere/INBOX/;UID=1;URLAUTH=anonymous", Url, "http://x/;URLAUTH=anonymous", Url + ";URLAUTH=somebody",
            "imap://other%40example.test@mail.example.test/Nowhere/;UID=1;URLAUTH=anonymous" })
            (await b.AskAsync($"GENURLAUTH \"{rump}\" INTERNAL")).ShouldStartWith("BAD", customMessage: rump);
        (await b.AskAsync("GENURLAUTH x OTHER")).ShouldStartWith("BAD");
        (await b.AskAsync("URLFETCH")).ShouldStartWith("BAD");
    }
}
