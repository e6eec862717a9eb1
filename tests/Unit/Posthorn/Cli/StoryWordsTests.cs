using System.Text.Json.Nodes;
using Posthorn.Verbs;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Cli;

public class StoryWordsTests
{
    static string Words(string kind, string detail, string? account = null)
    {
        var to = new StringWriter();
        StoryWords.Print([new JsonObject { ["at"] = "T", ["kind"] = kind, ["account"] = account, ["detail"] = JsonNode.Parse(detail) }], to, "");
        return to.ToString().TrimEnd('\n')[3..];
    }

    [Theory]
    [InlineData("received", """{"from":"a@b.test","client":"192.0.2.7","helo":"c.b.test","name":"x.b.test","with":"ESMTPSA","tls":"TLS1.3","login":"a@b.test","mechanism":"PLAIN","session":"s","recipients":2,"size":2048,"messageId":"<1@b.test>"}""",
        "received from <a@b.test> by ESMTPSA from x.b.test [192.0.2.7] as c.b.test, logged in as a@b.test (PLAIN), TLS1.3, 2 KB, 2 recipients, Message-ID <1@b.test>")]
    [InlineData("received", """{"from":"<>","with":"ESMTP","user":"www-data (uid 33)","recipients":1,"size":7}""", "received from <> by ESMTP from the local user www-data (uid 33), 7 B, 1 recipient")]
    [InlineData("received", """{"from":"<>","about":"0abc","size":7}""", "made here: a notice about 0abc, 7 B")]
    [InlineData("received", """{"client":"192.0.2.9","with":"IMAP","login":"a@b.test","size":7}""", "put here by IMAP from [192.0.2.9], logged in as a@b.test, 7 B")]
    [InlineData("queued", """{"to":"list@b.test","address":"x@c.test"}""", "queued for x@c.test (written as list@b.test)")]
    [InlineData("delivered", """{"to":"x@c.test","relay":"mx.c.test[192.0.2.1]:25","tls":"TLS1.3 X","status":"2.0.0","reply":"250 ok","delay":75,"attempts":1}""", "delivered to x@c.test by mx.c.test[192.0.2.1]:25 (TLS1.3 X): 250 ok; after 1 min")]
    [InlineData("deferred", """{"to":"x@c.test","status":"4.4.1","reply":"refused","next":"2026-11-21T08:00:00Z","attempts":3}""", "not delivered yet to x@c.test: refused; next attempt 2026-11-21T08:00:00Z; attempt 3")]
    [InlineData("deferred", """{"to":"x@c.test","relay":"mx.c.test[192.0.2.1]:25","status":"4.4.1","reply":"mx.c.test[192.0.2.1]:25: cannot connect","attempts":1}""", "not delivered yet to x@c.test: mx.c.test[192.0.2.1]:25: cannot connect")]
    [InlineData("bounced", """{"to":"x@c.test","relay":"mx.c.test[192.0.2.1]:25","status":"5.1.1","reply":"550 no","attempts":1}""", "given up: x@c.test by mx.c.test[192.0.2.1]:25: 550 no")]
    [InlineData("held", """{"to":"x@c.test","address":"x@c.test"}""", "on hold: x@c.test")]
    [InlineData("held", """{"to":"x@c.test","address":"x@c.test","by":"operator"}""", "on hold: x@c.test, by hand")]
    [InlineData("forwarded", """{"to":"bob@b.test","by":"bob@b.test","address":"x@c.test","from":"srs@b.test"}""", "sent on by bob@b.test to x@c.test, as from srs@b.test")]
    [InlineData("notified", """{"to":"a@b.test","notice":"0def"}""", "told a@b.test about it by the notice 0def")]
    [InlineData("verdict", """{"spf":"pass","score":3}""", "verdict spf=pass score=3")]
    [InlineData("delivered", """{"to":"a\u001b[2Jb"}""", "delivered to a?[2Jb")]
    [InlineData("delivered", """{"to":5,"delay":"x","attempts":[1]}""", "delivered to 5; attempt [1]")]
    [InlineData("received", "7", "received 7")]
    public void In_words(string kind, string detail, string words) => Words(kind, detail).ShouldBe(words);

    [Theory]
    [InlineData("bob@b.test", "filed in INBOX of bob@b.test (UID 5)")]
    [InlineData("team@b.test", "filed in INBOX of bob@b.test (UID 5) for team@b.test")]
    public void Filed(string to, string words) => Words("filed", $$"""{"mailbox":"INBOX","uid":5,"to":"{{to}}"}""", "bob@b.test").ShouldBe(words);
}
