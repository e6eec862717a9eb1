using Posthorn.Smtp.Server;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery;

public class RoutingTests
{
    /// <summary>The forms in which relays were once asked to forward; a stranger gets none of them through.</summary>
    [Theory]
    [InlineData("user@other.example", "550 5.7.1")]
    [InlineData("user%other.example@example.test", "550 5.1.1")]
    [InlineData("user%other.example@[127.0.0.1]", "550 5.7.1")]
    [InlineData("other.example!user@example.test", "550 5.1.1")]
    [InlineData("other.example!user@[127.0.0.1]", "550 5.7.1")]
    [InlineData("\"user@other.example\"@example.test", "550 5.1.1")]
    [InlineData("\"user%other.example\"@example.test", "550 5.1.1")]
    [InlineData("\"other.example!user\"@example.test", "550 5.1.1")]
    [InlineData("\"bob@other.example\"@old.test", "550 5.1.1")]
    [InlineData("\"user@other.example@example.test\"@example.test", "550 5.1.1")]
    [InlineData("\"<user@other.example>\"@example.test", "550 5.1.1")]
    [InlineData("\"@example.test:user\"@other.example", "550 5.7.1")]
    [InlineData("user@[192.0.2.1]", "550 5.7.1")]
    [InlineData("user@[127.0.0.1]", "550 5.7.1")]
    [InlineData("user@[IPv6:::1]", "550 5.7.1")]
    [InlineData("bob@[127.0.0.1]", "550 5.7.1")]
    [InlineData("bob@localhost", "550 5.7.1")]
    [InlineData("bob@sub.example.test", "550 5.7.1")]
    [InlineData("bob@mail.example.test", "550 5.7.1")]
    [InlineData("bob@example.test.other.example", "550 5.7.1")]
    [InlineData("user%other.example%example.test@example.test", "550 5.1.1")]
    [InlineData("example.test!user%other.example@other.test", "550 5.1.1")]
    public async Task Open_relay_forms_are_refused_from_strangers(string address, string reply)
    {
        await using var rig = await Rig.OpenAsync();
        (await rig.SendAsync(address)).Last.ShouldBe(reply);
        rig.Queued().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("user%other.example@example.test")]
    [InlineData("\"user@other.example\"@example.test")]
    public async Task A_login_does_not_make_local_parts_into_routes(string address)
    {
        await using var rig = await Rig.OpenAsync();
        var sent = await rig.SendAsync(rig.Login("alice"), Rig.From("alice@example.test"), [address], "From: alice@example.test\n\n");
        sent.Last.ShouldBe("550 5.1.1");
    }

    [Fact]
    public async Task Relaying_is_for_the_authenticated_and_the_trusted()
    {
        await using var rig = await Rig.OpenAsync();
        var trusted = Rig.Stranger();
        trusted.Trusted = true;
        (await rig.SendAsync(trusted, Rig.From("x@far.example"), ["user@other.example"], "A: b\n\n")).Last.ShouldBe("250 2.0.0");
        (await rig.SendAsync(rig.Login("alice"), Rig.From("alice@example.test"), ["user@other.example"], "From: alice@example.test\n\n")).Last.ShouldBe("250 2.0.0");
        (await rig.SendAsync("user@other.example")).Last.ShouldBe("550 5.7.1");
        rig.Queued().Count.ShouldBe(2);
    }

    [Fact]
    public async Task Lmtp_takes_no_foreign_recipients_whoever_asks()
    {
        await using var rig = await Rig.OpenAsync();
        var client = Rig.Stranger(SmtpService.Lmtp);
        client.Trusted = true;
        (await rig.SendAsync(client, Rig.From("x@far.example"), ["user@other.example"], "A: b\n\n")).Last.ShouldBe("550 5.1.2");
    }

    [Theory]
    [InlineData("nobody@example.test", "550 5.1.1")]
    [InlineData("nobody@old.test", "550 5.1.1")]
    [InlineData("carol@example.test", "550 5.2.1")]
    [InlineData("bob@example.test", "250 2.0.0")]
    [InlineData("BOB@old.test", "250 2.0.0")]
    [InlineData("bob+any@example.test", "250 2.0.0")]
    [InlineData("postmaster@mail.example.test", "250 2.0.0")] // what <postmaster> becomes
    [InlineData("Root@mail.example.test", "250 2.0.0")] // what a name alone becomes for cron
    [InlineData("other@mail.example.test", "550 5.7.1")]
    [InlineData("PostMaster@other.test", "250 2.0.0")]
    public async Task Recipients(string address, string reply)
    {
        await using var rig = await Rig.OpenAsync();
        (await rig.SendAsync(address)).Last.ShouldBe(reply);
    }
}
