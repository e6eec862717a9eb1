using Posthorn.Smtp.Server;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery;

/// <summary>Threat row "Submission identity spoofing" (CVE-2024-7208, CVE-2024-7209): login × address × where it stands.</summary>
public class IdentityTests
{
    static readonly (string Address, string[] Owners)[] Matrix =
    [
        ("alice@example.test", ["alice"]),
        ("ALICE@Example.TEST", ["alice"]),
        ("alice@old.test", ["alice"]),
        ("alice+tag@example.test", ["alice"]),
        ("sales@example.test", ["alice"]),
        ("bob@example.test", ["bob"]),
        ("team@example.test", []),
        ("mallory@other.test", ["mallory"]),
        ("alice@other.test", []),
        ("nobody@example.test", []),
        ("alice@far.example", []),
        ("carol@example.test", []),
        ("\"alice@example.test\"@other.test", []),
    ];

    [Theory]
    [InlineData(SmtpService.Submission)]
    [InlineData(SmtpService.Relay)]
    public async Task Submission_identity_spoofing(SmtpService service)
    {
        await using var rig = await Rig.OpenAsync();
        foreach (var user in new[] { "alice", "bob", "mallory" })
        {
            var own = user == "mallory" ? "mallory@other.test" : user + "@example.test";
            foreach (var (address, owners) in Matrix)
            {
                var mine = owners.Contains(user);
                var where = $"{user} as {address}";
                (await Send(address, $"From: {own}\n\n")).ShouldBe(mine ? "250 2.0.0" : "553 5.7.1", where + " in MAIL");
                (await Send(own, $"From: {address}\n\n")).ShouldBe(mine ? "250 2.0.0" : "550 5.7.1", where + " in From");
                (await Send(own, $"From: {own}, {address}\n\n")).ShouldBe(mine ? "250 2.0.0" : "550 5.7.1", where + " as second in From");
                (await Send(own, $"From: {own}\nSender: {address}\n\n")).ShouldBe(mine ? "250 2.0.0" : "550 5.7.1", where + " in Sender");
                (await Send("", $"From: {address}\n\n")).ShouldBe(mine ? "250 2.0.0" : "550 5.7.1", where + " in From under the null sender");
            }

            async Task<string> Send(string mailFrom, string message) =>
                (await rig.SendAsync(rig.Login(user, service), Rig.From(mailFrom), ["bob@example.test"], message)).Last;
        }
    }

    [Theory]
    [InlineData("To: x@y\n\n", "550 5.6.0")]
    [InlineData("From: alice@example.test\nFrom: alice@example.test\n\n", "550 5.6.0")]
    [InlineData("From: alice@example.test\nfrom : mallory@other.test\n\n", "550 5.6.0")]
    [InlineData("From: Alice\n\n", "550 5.6.0")]
    [InlineData("From:\n\n", "550 5.6.0")]
    [InlineData("From: alice@example.test bob@example.test\n\n", "550 5.6.0")]
    [InlineData("From: =?utf-8?q?alice?=@example.test\n\n", "550 5.6.0")]
    [InlineData("From: alice@example.test <mallory@other.test>\n\n", "550 5.7.1")]
    [InlineData("From: mallory@other.test <alice@example.test>\n\n", "550 5.7.1")]
    [InlineData("From: (mallory@other.test) alice@example.test\n\n", "250 2.0.0")]
    [InlineData("From: \"mallory@other.test\" <alice@example.test>\n\n", "250 2.0.0")]
    [InlineData("From: x:alice@example.test, mallory@other.test;\n\n", "550 5.7.1")]
    [InlineData("From: alice@example.test\nSender: a@x, b@y\n\n", "550 5.7.1")]
    [InlineData("From: alice@example.test\nSender: rubbish\n\n", "550 5.7.1")]
    [InlineData("From: alice@example.test\nSender: alice@example.test\nSender: mallory@other.test\n\n", "550 5.7.1")]
    [InlineData("From:\n alice@example.test\n\nFrom: mallory@other.test\n", "250 2.0.0")]
    public async Task From_must_be_one_readable_field(string message, string reply)
    {
        await using var rig = await Rig.OpenAsync();
        (await rig.SendAsync(rig.Login("alice"), Rig.From("alice@example.test"), ["bob@example.test"], message)).Last.ShouldBe(reply);
        rig.Read("bob").Count.ShouldBe(reply[0] == '2' ? 1 : 0);
    }

    [Fact]
    public async Task Strangers_on_port_25_are_taken_as_they_are()
    {
        await using var rig = await Rig.OpenAsync();
        (await rig.SendAsync("bob@example.test", "From: alice@example.test\nFrom: b b b\n\n")).Last.ShouldBe("250 2.0.0");
        (await rig.SendAsync("bob@example.test", "no header at all")).Last.ShouldBe("250 2.0.0");
    }

    [Fact]
    public async Task Submission_without_login_is_refused()
    {
        await using var rig = await Rig.OpenAsync();
        (await rig.SendAsync(Rig.Stranger(SmtpService.Submission), Rig.From("alice@example.test"), ["bob@example.test"], "")).Last.ShouldBe("530 5.7.0");
    }
}
