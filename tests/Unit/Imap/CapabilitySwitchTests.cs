using Posthorn.Imap;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

public class CapabilitySwitchTests
{
    [Fact]
    public async Task Capabilities_are_taken_from_a_client_or_an_account()
    {
        await using var room = await MailRoom.OpenAsync();
        room.UseOptions(new ImapOptions
        {
            Hostname = "mail.example.test",
            SwitchedOff = [new("qresync", "", "Bad Mailer 1."), new("THREAD=", "OTHER", ""), new("PREVIEW", "", "")],
        });
        await using var client = await room.LoginAsync(null);
        var before = (await client.ListAsync("CAPABILITY")).ShouldHaveSingleItem();
        before.ShouldContain(" QRESYNC ");
        before.ShouldContain(" THREAD=REFS ");
        before.ShouldNotContain("PREVIEW");
        await client.ListAsync("ID (\"name\" \"BAD mailer\" \"version\" \"1.7\")");
        (await client.ListAsync("CAPABILITY"))[0].ShouldNotContain("QRESYNC");
        (await client.ListAsync("ENABLE QRESYNC CONDSTORE")).ShouldBe(["* ENABLED CONDSTORE"]);
        await using var other = await room.ConnectAsync();
        (await other.AskAsync("LOGIN other pen")).ShouldStartWith("OK");
        (await other.ListAsync("CAPABILITY"))[0].ShouldNotContain("THREAD=");
    }

    [Fact]
    public async Task Who_is_not_told_of_a_limit_has_none()
    {
        await using var room = await MailRoom.OpenAsync();
        room.UseOptions(new ImapOptions { Hostname = "mail.example.test", MessageLimit = 2, SwitchedOff = [new("MESSAGELIMIT=", "", "Simple")] });
        for (var i = 0; i < 3; i++) await room.DeliverAsync("Subject: a\r\n\r\n");
        await using var client = await room.LoginAsync();
        (await client.ListAsync("CAPABILITY"))[0].ShouldContain(" MESSAGELIMIT=2");
        (await client.AskAsync("FETCH 1:* UID")).ShouldStartWith("OK [MESSAGELIMIT 2 2]");
        (await client.AskAsync("COPY 1:* INBOX")).ShouldStartWith("NO [MESSAGELIMIT 2 2]");
        await client.ListAsync("ID (\"name\" \"Simple\")");
        (await client.ListAsync("CAPABILITY"))[0].ShouldNotContain("MESSAGELIMIT");
        (await client.ListAsync("FETCH 1:* UID")).Count.ShouldBe(3);
        (await client.AskAsync("COPY 1:* INBOX")).ShouldStartWith("OK [COPYUID");
    }
}
