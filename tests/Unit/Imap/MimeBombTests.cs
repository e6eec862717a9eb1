using System.Text;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>Messages made to cost more than their size: what IMAP shows of them is bounded, and their octets come back as they were.</summary>
public class MimeBombTests
{
    static string Many(Func<int, string> one, int count)
    {
        var text = new StringBuilder();
        for (var i = 0; i < count; i++) text.Append(one(i));
        return text.ToString();
    }

    public static TheoryData<string> Bombs => ["depth", "messages", "parts", "lines", "header", "addresses", "parameters", "words", "base64", "references", "boundary"];

    static string Bomb(string name) => name switch
    {
        "depth" => Many(static i => $"Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n", 10_000),
        "messages" => Many(static _ => "Content-Type: message/rfc822\r\n\r\n", 10_000),
        "parts" => "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + Many(static _ => "--b\r\n\r\n", 100_000),
        "lines" => Many(static i => $"X{i}: y\r\n", 150_000) + "\r\n",
        "header" => "Subject: " + new string('x', 3_000_000) + "\r\n\r\n",
        "addresses" => "To: " + Many(static i => $"a{i}@b,\r\n ", 150_000) + "c@d\r\n\r\n",
        "parameters" => "Content-Type: text/plain" + Many(static i => $";\r\n a*{i}*=%41", 50_000) + "\r\n\r\ntext\r\n",
        "words" => "Subject: " + Many(static _ => "=?UTF-8?B?4pi6?=\r\n ", 100_000) + "\r\n\r\ntext\r\n",
        "base64" => "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" + Many(static _ => "A\r\n", 500_000),
        "references" => "References: " + Many(static i => $"<{i}@x>\r\n ", 100_000) + "\r\nMessage-ID: <a@x>\r\n\r\ntext\r\n",
        _ => "Content-Type: multipart/mixed; boundary=" + new string('-', 70) + "\r\n\r\n" + Many(static _ => new string('-', 71) + "\r\n", 50_000),
    };

    [Theory]
    [MemberData(nameof(Bombs))]
    public async Task MIME_recursion_size_what_is_shown_of_a_bomb_is_bounded(string name)
    {
        await using var room = await MailRoom.OpenAsync(inMemory: true);
        await using var client = await room.LoginAsync();
        var bomb = Bomb(name);
        (await client.AppendAsync("INBOX", bomb)).ShouldStartWith("OK");
        // More than what has limits of its own shows: 1,000 addresses, 1,000 parts, a subject of the header's length.
        (await client.ListAsync("FETCH 1 (ENVELOPE BODYSTRUCTURE BODY)")).Sum(static l => l.Length).ShouldBeLessThan(2_500_000);
        (await client.ListAsync("FETCH 1 (PREVIEW BINARY.SIZE[1])")).Sum(static l => l.Length).ShouldBeLessThan(2_500_000);
        foreach (var command in (string[])["SEARCH TEXT nowhere", "SEARCH HEADER X149999 nowhere", "SORT (SUBJECT TO) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL"])
            (await client.ListAsync(command)).Sum(static l => l.Length).ShouldBeLessThan(1_000);
        var whole = (await client.ListAsync("FETCH 1 BODY.PEEK[]"))[^1];
        whole[(whole.IndexOf('\n') + 1)..^1].ShouldBe(bomb);
    }
}
