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
}
