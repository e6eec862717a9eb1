using System.Text;
using Posthorn.Smtp.Server;
using Posthorn.Wire.Addresses;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery;

/// <summary>Rows of the threat table (docs/threats.md) that concern what a message carries into the store.</summary>
public class ThreatTests
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    // Shell, SQL, LDAP, format strings, paths: letters like others, everywhere.
    static readonly string[] Nasty =
    [
        "$(touch pwned)", "`touch pwned`", "|touch pwned", ";touch pwned;", "& touch pwned", "> pwned", "'; DROP TABLE messages; --", "x' OR '1'='1", "\\\" OR 1=1 --",
        "*)(uid=*", "%s%n", "${jndi:ldap://x}", "{0}", "../../../../tmp/pwned", "..\\..\\x", "/etc/passwd", "-oQ/tmp", "$1", "%00", "\u202Egnp.exe", "O'Brien",
    ];

    static string Quoted(string local) => $"\"{local.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";

    static EmailAddress Address(string local, string domain) => EmailAddress.TryParse($"{Quoted(local)}@{domain}").ShouldNotBeNull(local);

    [Fact]
    public async Task Command_execution_from_mail_and_injection_corpus()
    {
        await using var rig = await Rig.OpenAsync(hold: true);
        foreach (var nasty in Nasty)
        {
            var client = rig.Login("alice");
            client.Helo = nasty;
            client.ReverseName = nasty;
            var mail = new MailParameters(Address("alice+" + nasty, "example.test"), null, BodyType.SevenBit, true, "FULL", nasty, nasty);
            var (transaction, refusal) = await rig.Backend.MailAsync(client, mail, Ct);
            refusal.ShouldBeNull(nasty);
            await using (transaction)
            {
                foreach (var to in new[] { Address(nasty, "far.example"), Address("bob+" + nasty, "example.test") })
                    (await transaction!.RecipientAsync(new RcptParameters(to, "NEVER", "rfc822;" + nasty), Ct)).Positive.ShouldBeTrue($"{to}");
                (await transaction!.RecipientAsync(new RcptParameters(Address(nasty, "example.test"), null, null), Ct)).Enhanced.ShouldBe("5.1.1");
                transaction.BeginData().ShouldBeNull();
                await transaction.WriteAsync(Encoding.UTF8.GetBytes($"From: alice@example.test\r\nSubject: {nasty}\r\nMessage-ID: <{nasty}@x>\r\n\r\n{nasty}\r\n"), Ct);
                (await transaction.CommitAsync(verbose: true, Ct))[0].Code.ShouldBe(250, nasty);
            }
            rig.Queued()[^1].Address.ShouldBe(Address(nasty, "far.example").ToString());
            rig.Story(transaction.Id)[0].Detail.ShouldNotBeEmpty();
        }
        // Each as it was said, and the tables are all there.
        rig.Queued().Select(q => q.Address).ShouldBe(Nasty.Select(n => Address(n, "far.example").ToString()), ignoreOrder: true);
        rig.Read("bob").Count.ShouldBe(Nasty.Length);
        File.Exists("pwned").ShouldBeFalse();
        File.Exists("/tmp/pwned").ShouldBeFalse();
    }

    [Fact]
    public async Task External_converters_path_traversal()
    {
        await using var rig = await Rig.OpenAsync();
        // A tag names a mailbox that is there, never a file.
        foreach (var tag in new[] { "../../bob", "..", "/etc", "Work/../../x", "Work\0", "work/" })
        {
            if (tag.Contains('\0')) EmailAddress.TryParse($"\"alice+{tag}\"@example.test").ShouldBeNull();
            else (await rig.SendAsync(Rig.Stranger(), Rig.From("s@far.example"), [$"\"alice+{tag}\"@example.test"], "A: b\n\n")).Last.ShouldBe("250 2.0.0", tag);
        }
        rig.Read("alice").Count.ShouldBe(5);
        rig.Read("alice", "Work").ShouldBeEmpty();
        rig.Read("bob").ShouldBeEmpty();
    }

    [Theory]
    [InlineData("From: alice@example.test\r\nX: y\rFrom: mallory@other.test\r\n\r\nbody")]
    [InlineData("From: alice@example.test\r\nX: y\nFrom: mallory@other.test\r\n\r\nbody")]
    [InlineData("From: alice@example.test\r\nX: y\n\nFrom: mallory@other.test\r\n\r\nbody")]
    [InlineData("From: alice@example.test\n\nFrom: mallory@other.test\r\n\r\nbody")]
    [InlineData("From: alice@example.test\0\r\n\r\nbody")]
    [InlineData("From: alice@example.test\r\nX: \0\r\n\r\nbody")]
    [InlineData("From: alice@example.test\r\n\r\r\nbody")]
    public async Task DMARC_by_ambiguous_From_in_a_binary_header(string message)
    {
        await using var rig = await Rig.OpenAsync();
        (await SendBinaryAsync(rig, rig.Login("alice"), message)).ShouldBe("550 5.6.0");
        (await SendBinaryAsync(rig, Rig.Stranger(), message)).ShouldBe("550 5.6.0");
        // In a header that does not fit into memory too.
        (await SendBinaryAsync(rig, rig.Login("alice"), string.Concat(Enumerable.Repeat("X-Long: " + new string('x', 50_000) + "\r\n", 5)) + message)).ShouldBe("550 5.6.0");
        rig.Read("bob").ShouldBeEmpty();
    }

    [Theory]
    [InlineData("From: alice@example.test\r\n\r\nbody \r \n \0 end")]
    [InlineData("From: alice@example.test\r\n\r\n\n\n")]
    [InlineData("From: alice@example.test\r\n")]
    [InlineData("From: alice@example.test")]
    public async Task A_binary_body_is_free(string message)
    {
        await using var rig = await Rig.OpenAsync();
        (await SendBinaryAsync(rig, rig.Login("alice"), message)).ShouldBe("250 2.0.0");
        rig.Read("bob").ShouldHaveSingleItem().Body.ShouldBe(message);
    }

    static async Task<string> SendBinaryAsync(Rig rig, SmtpClientInfo client, string message)
    {
        var (transaction, _) = await rig.Backend.MailAsync(client, Rig.From("alice@example.test") with { Body = BodyType.BinaryMime }, Ct);
        await using (transaction)
        {
            (await transaction!.RecipientAsync(Rig.To("bob@example.test"), Ct)).Positive.ShouldBeTrue();
            transaction.BeginData().ShouldBeNull();
            await transaction.WriteAsync(Encoding.UTF8.GetBytes(message), Ct);
            return Rig.Show((await transaction.CommitAsync(false, Ct))[0]);
        }
    }
}
