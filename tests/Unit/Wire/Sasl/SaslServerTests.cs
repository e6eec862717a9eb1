using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Posthorn.Wire.Sasl;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Wire.Sasl;

public class SaslServerTests
{
    static readonly LoginContext Context = new("smtp", IPAddress.Loopback, true);
    readonly FakeAccounts _accounts = new();

    SaslServer Server(string mechanism) => SaslServer.Create(mechanism, _accounts, Context, [1], false)!;

    ValueTask<SaslStep> Step(SaslServer server, string text) => server.StepAsync(Encoding.UTF8.GetBytes(text), TestContext.Current.CancellationToken);

    [Theory]
    [InlineData("\0user\0pencil", "PLAIN::user:pencil", LoginOutcome.Accepted)]
    [InlineData("user\0user\0pencil", "PLAIN:user:user:pencil", LoginOutcome.Accepted)]
    [InlineData("other\0user\0pencil", "PLAIN:other:user:pencil", LoginOutcome.Rejected)]
    [InlineData("\0user\0pencils", "PLAIN::user:pencils", LoginOutcome.Rejected)]
    [InlineData("\0us\u00ADer\0pen\u00ADcil", "PLAIN::user:pencil", LoginOutcome.Accepted)] // RFC 4013 §3, example 1
    public async Task Plain(string message, string asked, LoginOutcome outcome)
    {
        var step = await Step(Server("PLAIN"), message);
        step.Kind.ShouldBe(SaslStepKind.Done);
        step.Result.Outcome.ShouldBe(outcome);
        _accounts.Asked.ShouldBe([asked]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("user")]
    [InlineData("\0user")]
    [InlineData("\0\0pencil")]
    [InlineData("\0user\0")]
    [InlineData("\0user\0pen\0cil")]
    public async Task Plain_broken(string message)
    {
        (await Step(Server("PLAIN"), message)).Kind.ShouldBe(SaslStepKind.Malformed);
        _accounts.Asked.ShouldBeEmpty();
    }

    [Fact]
    public async Task Login_asks_for_name_and_password()
    {
        var server = Server("login");
        server.ClientFirst.ShouldBeFalse();
        Encoding.ASCII.GetString((await Step(server, "")).Challenge).ShouldBe("Username:");
        Encoding.ASCII.GetString((await Step(server, "user")).Challenge).ShouldBe("Password:");
        (await Step(server, "pencil")).Result.Outcome.ShouldBe(LoginOutcome.Accepted);
        (await Step(server, "pencil")).Kind.ShouldBe(SaslStepKind.Malformed);
    }

    [Fact]
    public async Task Login_takes_the_name_as_initial_response()
    {
        var server = Server("LOGIN");
        Encoding.ASCII.GetString((await Step(server, "user")).Challenge).ShouldBe("Password:");
        (await Step(server, "pencil")).Result.Principal!.Mechanism.ShouldBe("LOGIN");
    }

    [Fact]
    public void Unknown_mechanisms_and_plus_without_a_channel_are_not_there()
    {
        SaslServer.Create("CRAM-MD5", _accounts, Context, [1], false).ShouldBeNull();
        SaslServer.Create("", _accounts, Context, [1], false).ShouldBeNull();
        SaslServer.Create("SCRAM-SHA-256-PLUS", _accounts, Context, null, false).ShouldBeNull();
    }

    [Fact]
    public void Mechanisms_are_offered_only_where_a_login_may_happen()
    {
        SaslMechanisms.Offered(false, false, false).ShouldBeEmpty();
        SaslMechanisms.Offered(false, true, false).ShouldBe(["SCRAM-SHA-256", "PLAIN", "LOGIN"]);
        SaslMechanisms.Offered(true, false, false).ShouldBe(["SCRAM-SHA-256", "PLAIN", "LOGIN"]);
        SaslMechanisms.Offered(true, false, true).ShouldBe(["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"]);
    }

    [Theory]
    [InlineData("PLAIN")]
    [InlineData("LOGIN")]
    [InlineData("SCRAM-SHA-256")]
    [InlineData("SCRAM-SHA-256-PLUS")]
    public async Task No_octets_break_a_mechanism(string mechanism)
    {
        var random = new Random(7677);
        string[] seeds = ["\0user\0pencil", "n,,n=user,r=abc", "p=tls-server-end-point,,n=user,r=abc", "c=biws,r=abcNONCE,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "n=,r=,=2C=3D", "a=\u00E4\uFDD0"];
        _accounts.AppPasswords.Clear();
        for (var run = 0; run < 20_000; run++)
        {
            var server = Server(mechanism);
            for (var step = 0; step < 3; step++)
            {
                var octets = Encoding.UTF8.GetBytes(seeds[random.Next(seeds.Length)]);
                if (random.Next(4) == 0) random.NextBytes(octets);
                for (var i = random.Next(4); i > 0 && octets.Length > 0; i--)
                    octets[random.Next(octets.Length)] = (byte)random.Next(256);
                octets = octets[..random.Next(octets.Length + 1)];
                var answer = await server.StepAsync(octets, TestContext.Current.CancellationToken);
                if (answer.Kind == SaslStepKind.Done) answer.Result.Outcome.ShouldNotBe(LoginOutcome.Unavailable);
                if (answer.Kind != SaslStepKind.Challenge) break;
            }
        }
    }
}

public class SaslBase64Tests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("AA==", "\0")]
    [InlineData("AHVzZXIAcGVuY2ls", "\0user\0pencil")]
    public void Strict_text_is_decoded(string encoded, string plain) =>
        SaslBase64.Decode(Encoding.ASCII.GetBytes(encoded)).ShouldBe(Encoding.ASCII.GetBytes(plain));

    [Theory]
    [InlineData("=")]
    [InlineData("*")]
    [InlineData("AA")]
    [InlineData("AA=")]
    [InlineData("AA== ")]
    [InlineData("AA==AA==")]
    [InlineData("A A=")]
    [InlineData("AB==")]
    [InlineData("AAB=")]
    [InlineData("====")]
    [InlineData("A===")]
    [InlineData("AA-_")]
    [InlineData("AA\r\n")]
    public void Anything_else_is_not(string encoded) => SaslBase64.Decode(Encoding.ASCII.GetBytes(encoded)).ShouldBeNull();

    [Fact]
    public void The_bound_is_12_kB()
    {
        SaslBase64.Decode(Enumerable.Repeat((byte)'A', 12288).ToArray())!.Length.ShouldBe(9216);
        SaslBase64.Decode(Enumerable.Repeat((byte)'A', 12292).ToArray()).ShouldBeNull();
    }

    [Fact]
    public void Random_octets_survive_the_round_trip()
    {
        var random = new Random(4648);
        for (var n = 0; n < 300; n++)
        {
            var octets = new byte[n];
            random.NextBytes(octets);
            SaslBase64.Decode(SaslBase64.Encode(octets)).ShouldBe(octets);
        }
    }
}

public class SaslPrepTests
{
    [Theory]
    [InlineData("I\u00ADX", "IX")] // the examples of RFC 4013 §3 that need no normalisation table
    [InlineData("user", "user")]
    [InlineData("USER", "USER")]
    [InlineData("a\u00A0b\u3000c", "a b c")]
    [InlineData("\uFF21\uFF5E", "A~")]
    [InlineData("ж\U0001F511", "ж\U0001F511")]
    public void Allowed(string text, string prepared) =>
        Encoding.UTF8.GetString(SaslPrep.Prepare(Encoding.UTF8.GetBytes(text))!).ShouldBe(prepared);

    [Theory]
    [InlineData("\u0007")]
    [InlineData("a\r\nb")]
    [InlineData("a\0")]
    [InlineData("\u007F")]
    [InlineData("\u0085")]
    [InlineData("\uE000")]
    [InlineData("\uFFFE")]
    [InlineData("\U0001FFFF")]
    [InlineData("\u202E")]
    public void Forbidden(string text) => SaslPrep.Prepare(Encoding.UTF8.GetBytes(text)).ShouldBeNull();

    [Fact]
    public void Not_utf8()
    {
        SaslPrep.Prepare([0xC3]).ShouldBeNull();
        SaslPrep.Prepare([0xC0, 0x80]).ShouldBeNull();
        SaslPrep.Prepare([0xED, 0xA0, 0x80]).ShouldBeNull();
    }
}

public class ChannelBindingTests
{
    static X509Certificate2 Certificate(HashAlgorithmName hash, RSASignaturePadding? padding)
    {
        if (padding is null)
        {
            using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            return new CertificateRequest("CN=mail.example.test", ec, hash).CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
        }
        using var rsa = RSA.Create(2048);
        return new CertificateRequest("CN=mail.example.test", rsa, hash, padding).CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
    }

    public static TheoryData<string, string> Signatures => new()
    {
        { "SHA256", "pkcs1" }, { "SHA384", "pkcs1" }, { "SHA512", "pkcs1" },
        { "SHA256", "pss" }, { "SHA384", "pss" }, { "SHA512", "pss" },
        { "SHA256", "ecdsa" }, { "SHA384", "ecdsa" }, { "SHA512", "ecdsa" },
    };

    [Theory]
    [MemberData(nameof(Signatures))]
    public void The_hash_follows_the_signature(string hash, string kind)
    {
        var padding = kind switch { "pkcs1" => RSASignaturePadding.Pkcs1, "pss" => RSASignaturePadding.Pss, _ => null };
        using var certificate = Certificate(new HashAlgorithmName(hash), padding);
        ChannelBinding.ServerEndPoint(certificate).ShouldBe(CryptographicOperations.HashData(new HashAlgorithmName(hash), certificate.RawData));
    }

    [Fact]
    public void Without_a_certificate_there_is_none() => ChannelBinding.ServerEndPoint(null).ShouldBeNull();
}
