using System.Text;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>I18NLEVEL=1 (RFC 5255 §4.3): searches and orders compare as i;unicode-casemap does.</summary>
public sealed class ComparingTests
{
    static string Octets(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    [Fact]
    public async Task What_is_written_in_another_way_is_the_same()
    {
        await using var room = await MailRoom.OpenAsync();
        await room.DeliverAsync($"Subject: =?utf-8?B?{Convert.ToBase64String(Encoding.UTF8.GetBytes("\u01C4 Ünter \uFF21"))}?=\r\nFrom: b@x.test\r\n\r\n");
        await room.DeliverAsync($"Subject: zebra\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{Octets("of\uFB01ce \uAC01 e\u0301")}\r\n");
        await using var client = await room.LoginAsync();
        (await client.ListAsync("CAPABILITY"))[0].ShouldContain(" I18NLEVEL=1");
        async Task<string> FindAsync(string key, string text)
        {
            client.Untagged.Clear();
            var octets = Octets(text);
            await client.SendAsync($"x SEARCH CHARSET UTF-8 {key} {{{octets.Length}+}}\r\n{octets}\r\n");
            (await client.AnswerAsync("x")).ShouldStartWith("OK");
            return client.Untagged.ShouldHaveSingleItem()["* SEARCH".Length..];
        }
        (await FindAsync("SUBJECT", "\u01C6 u\u0308NTER a")).ShouldBe(" 1"); // RFC 5051 §2 has the first letter
        (await FindAsync("SUBJECT", "\u01C5 u")).ShouldBe(" 1"); // what a mark stands on is found too
        (await FindAsync("SUBJECT", "unter")).ShouldBe(""); // but not past the mark
        (await FindAsync("BODY", "OF\uFB01CE")).ShouldBe(" 2");
        (await FindAsync("BODY", "\u1100\u1161\u11A8")).ShouldBe(" 2");
        (await FindAsync("BODY", "É")).ShouldBe(" 2");
        (await FindAsync("BODY", "È")).ShouldBe("");
    }
}
