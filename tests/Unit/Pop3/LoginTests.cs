using System.Security.Cryptography.X509Certificates;
using System.Text;
using Posthorn.Tests.Unit.Wire.Sasl;
using Posthorn.Wire.Sasl;
using Shouldly;
using Xunit;
using ScramClient = Posthorn.Tests.Unit.Wire.Sasl.ScramClient;

namespace Posthorn.Tests.Unit.Pop3;

public class LoginTests
{
    static string B64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    static string Unb64(string line)
    {
        line.ShouldStartWith("+ ");
        return Encoding.UTF8.GetString(Convert.FromBase64String(line[2..]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Auth_plain(bool initial)
    {
        await using var office = await PostOffice.OpenAsync();
        await using var client = await office.ConnectAsync();
        var message = B64("\0user\0pencil");
        if (!initial) (await client.AskAsync("AUTH plain")).ShouldBe("+ ");
        (await client.AskAsync(initial ? "AUTH PLAIN " + message : message)).ShouldStartWith("+OK");
    }

    [Fact]
    public async Task Auth_login()
    {
        await using var office = await PostOffice.OpenAsync();
        await using var client = await office.ConnectAsync();
        Unb64(await client.AskAsync("AUTH LOGIN")).ShouldBe("Username:");
        Unb64(await client.AskAsync(B64("user"))).ShouldBe("Password:");
        (await client.AskAsync(B64("pencil"))).ShouldStartWith("+OK");
    }

    [Fact]
    public async Task Auth_scram_with_and_without_channel_binding_over_tls()
    {
        await using var office = await PostOffice.OpenAsync();
        foreach (var plus in new[] { false, true })
        {
            await using var client = await office.ConnectAsync("192.0.2.1");
            (await client.AskAsync("AUTH SCRAM-SHA-256")).ShouldStartWith("-ERR");
            await client.StartTlsAsync();
            await client.AskAsync("CAPA");
            (await client.LinesAsync()).ShouldContain("SASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN");
            var header = plus ? "p=tls-server-end-point,," : "n,,";
            var binding = plus ? ChannelBinding.ServerEndPoint(new X509Certificate2(client.Tls!.RemoteCertificate!))! : [];
            var first = Unb64(await client.AskAsync($"AUTH SCRAM-SHA-256{(plus ? "-PLUS" : "")} {B64(header + "n=user,r=abcdef")}"));
            var (answer, verifier) = Wire.Sasl.ScramClient.Answer(header, "n=user,r=abcdef", first, "pencil", binding);
            Unb64(await client.AskAsync(Convert.ToBase64String(answer))).ShouldBe(verifier);
            (await client.AskAsync("")).ShouldStartWith("+OK");
            await client.AskAsync("QUIT");
            await client.Session;
        }
    }

    [Theory]
    [InlineData("*")]
    [InlineData("=")]
    [InlineData("not base64")]
    [InlineData("")]
    public async Task Cancelled_or_broken_exchanges_leave_the_session_in_order(string response)
    {
        await using var office = await PostOffice.OpenAsync();
        await using var client = await office.ConnectAsync();
        await client.AskAsync("AUTH PLAIN");
        (await client.AskAsync(response)).ShouldStartWith("-ERR");
        (await client.AskAsync("AUTH PLAIN " + B64("\0user\0pencil"))).ShouldStartWith("+OK");
    }

    [Fact]
    public async Task Names_and_passwords_may_hold_spaces_and_utf8()
    {
        await using var office = await PostOffice.OpenAsync();
        office.Accounts.Users["jürgen müller"] = (office.User, "geheim nis ß ");
        await using var client = await office.ConnectAsync();
        await client.AskAsync("USER jürgen müller");
        (await client.AskAsync("PASS geheim nis ß ")).ShouldStartWith("+OK");
    }

    [Fact]
    public async Task Pass_needs_user_right_before()
    {
        await using var office = await PostOffice.OpenAsync();
        await using var client = await office.ConnectAsync();
        (await client.AskAsync("PASS pencil")).ShouldStartWith("-ERR");
        await client.AskAsync("USER user");
        (await client.AskAsync("PASS wrong")).ShouldStartWith("-ERR [AUTH]");
        (await client.AskAsync("PASS pencil")).ShouldStartWith("-ERR");
        office.Accounts.Asked.Count.ShouldBe(1);
    }
}
