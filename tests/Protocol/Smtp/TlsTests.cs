using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Posthorn.Smtp.Server;
using Posthorn.Wire.Sasl;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Protocol.Smtp;

/// <summary>STARTTLS and what only TLS gives (RFC 3207, RFC 4954), and the threat-table row of TLS close inside a transfer.</summary>
public class TlsTests
{
    [Fact]
    public async Task Everything_said_before_the_handshake_is_forgotten()
    {
        var rig = new SmtpRig();
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        (await talk.AskAsync("EHLO a.example")).ShouldContain("250-STARTTLS");
        await talk.AskAsync("MAIL FROM:<a@a.example>");
        await talk.AskAsync("RCPT TO:<b@foo.com>");
        (await talk.AskAsync("STARTTLS")).ShouldBe("220 2.0.0 Ready to start TLS");
        rig.Backend.Open.ShouldBe(0);
        await talk.StartTlsAsync();
        (await talk.AskAsync("DATA")).ShouldStartWith("503 5.5.1 EHLO");
        (await talk.AskAsync("MAIL FROM:<a@a.example>")).ShouldStartWith("503 5.5.1 EHLO");
        (await talk.AskAsync("EHLO b.example")).ShouldNotContain("STARTTLS");
        (await talk.AskAsync("STARTTLS")).ShouldStartWith("503 5.5.1");
        (await talk.AskAsync("MAIL FROM:<a@a.example>")).ShouldStartWith("250");
        rig.Backend.LastClient!.Tls.ShouldStartWith("TLS1.3 TLS_");
        rig.Backend.LastClient.Helo.ShouldBe("b.example");
    }

    [Fact]
    public async Task A_login_before_the_handshake_is_forgotten()
    {
        var rig = new SmtpRig { Service = SmtpService.Submission, PlaintextLogin = true, Client = "127.0.0.1" };
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        await talk.AskAsync("EHLO a.example");
        (await talk.AskAsync("AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=")).ShouldStartWith("235");
        (await talk.AskAsync("STARTTLS")).ShouldStartWith("220");
        await talk.StartTlsAsync();
        (await talk.AskAsync("EHLO a.example")).ShouldContain("250-AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN");
        (await talk.AskAsync("MAIL FROM:<a@a.example>")).ShouldStartWith("530 5.7.0");
        (await talk.AskAsync("AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=")).ShouldStartWith("235");
        rig.Accounts.Contexts.Select(c => c.Encrypted).ShouldBe([false, true]);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Scram_with_and_without_channel_binding(bool plus)
    {
        var rig = new SmtpRig { Service = SmtpService.Submission };
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        await talk.AskAsync("EHLO a.example");
        await talk.AskAsync("STARTTLS");
        var tls = await talk.StartTlsAsync();
        await talk.AskAsync("EHLO a.example");
        var header = plus ? "p=tls-server-end-point,," : "n,,";
        byte[] binding = plus ? ChannelBinding.ServerEndPoint(new X509Certificate2(tls.RemoteCertificate!))! : [];
        const string bare = "n=user,r=rOprNGfwEbeRWgbNEkqO";
        var first = await talk.AskAsync($"AUTH SCRAM-SHA-256{(plus ? "-PLUS" : "")} {Base64(header + bare)}");
        first.ShouldStartWith("334 ");
        var challenge = Encoding.UTF8.GetString(Convert.FromBase64String(first[4..]));
        var keys = SmtpRig.Users.Keys("pencil");
        var withoutProof = $"c={Convert.ToBase64String([.. Encoding.UTF8.GetBytes(header), .. binding])},{challenge.Split(',')[0]}";
        var signature = HMACSHA256.HashData(keys.StoredKey, Encoding.UTF8.GetBytes($"{bare},{challenge},{withoutProof}"));
        var proof = keys.ClientKey.Zip(signature, (a, b) => (byte)(a ^ b)).ToArray();
        (await talk.AskAsync(Base64($"{withoutProof},p={Convert.ToBase64String(proof)}"))).ShouldStartWith("334 dj"); // v=
        (await talk.AskAsync("")).ShouldStartWith("235");
        (await talk.AskAsync("MAIL FROM:<user@example.test>")).ShouldStartWith("250");
        rig.Backend.LastClient!.Principal!.Address.ShouldBe("user@example.test");
    }

    static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    /// <summary>Threat table: TLS close inside transfer.</summary>
    [Theory, InlineData("MAIL FROM:<a@a.example>\r\n"), InlineData("MAIL FROM:<a@a.example>\r\nRCPT TO:<b@foo.com>\r\nDATA\r\n"),
     InlineData("MAIL FROM:<a@a.example>\r\nRCPT TO:<b@foo.com>\r\nBDAT 100 LAST\r\n")]
    public async Task TLS_close_inside_transfer(string before)
    {
        var rig = new SmtpRig();
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        await talk.AskAsync("EHLO a.example");
        await talk.AskAsync("STARTTLS");
        var tls = await talk.StartTlsAsync();
        await talk.AskAsync("EHLO a.example");
        await talk.SendAsync(before);
        await talk.ReplyAsync();
        await talk.SendAsync("text\r\n");
        await tls.ShutdownAsync(); // close_notify
        // In clear behind it: never read.
        await talk.Transport.SendAsync("\r\n.\r\nMAIL FROM:<evil@a.example>\r\n"u8.ToArray());
        await talk.Running.WaitAsync(TimeSpan.FromSeconds(30));
        rig.Backend.Messages.ShouldBeEmpty();
        rig.Backend.Opened.ShouldBe(1);
        rig.Backend.Open.ShouldBe(0);
        rig.Backend.Violations.ShouldBeEmpty();
    }
}
