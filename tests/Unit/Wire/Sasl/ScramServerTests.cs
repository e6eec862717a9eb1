using System.Net;
using System.Text;
using Posthorn.Wire.Sasl;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Wire.Sasl;

public class ScramServerTests
{
    static readonly LoginContext Context = new("pop3", IPAddress.Loopback, true);
    readonly FakeAccounts _accounts = new();

    static byte[] Ascii(string text) => Encoding.UTF8.GetBytes(text);

    ValueTask<SaslStep> Step(SaslServer server, string text) => server.StepAsync(Ascii(text), TestContext.Current.CancellationToken);

    [Fact]
    public async Task Rfc7677_section_3_example()
    {
        var server = new ScramServer(_accounts, Context, null, false, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
        var first = await Step(server, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        Encoding.ASCII.GetString(first.Challenge).ShouldBe("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
        var final = await Step(server, "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        final.Kind.ShouldBe(SaslStepKind.Challenge);
        Encoding.ASCII.GetString(final.Challenge).ShouldBe("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        var done = await Step(server, "");
        done.Kind.ShouldBe(SaslStepKind.Done);
        done.Result.Outcome.ShouldBe(LoginOutcome.Accepted);
        done.Result.Principal!.AccountId.ShouldBe(7);
    }

    async Task<SaslStep> Login(string mechanism, string header, string user, string password, byte[]? serverBinding, byte[] clientBinding, bool plusOffered = false)
    {
        var server = SaslServer.Create(mechanism, _accounts, Context, serverBinding, plusOffered)!;
        var bare = $"n={user},r=fyko+d2lbbFgONRv9qkxdawL";
        var first = await Step(server, header + bare);
        if (first.Kind != SaslStepKind.Challenge) return first;
        var (answer, verifier) = ScramClient.Answer(header, bare, Encoding.ASCII.GetString(first.Challenge), password, clientBinding);
        var final = await server.StepAsync(answer, TestContext.Current.CancellationToken);
        if (final.Kind != SaslStepKind.Challenge) return final;
        Encoding.ASCII.GetString(final.Challenge).ShouldBe(verifier);
        return await Step(server, "");
    }

    [Fact]
    public async Task Any_of_several_app_passwords_fits()
    {
        _accounts.AppPasswords["user"] = [.. Enumerable.Range(0, 12).Select(i => "secret" + i)];
        for (var i = 0; i < 12; i += 11)
        {
            var done = await Login("scram-sha-256", "n,,", "user", "secret" + i, null, []);
            done.Result.Outcome.ShouldBe(LoginOutcome.Accepted);
            done.Result.Principal!.Credential.ShouldBe("app-password:" + (i + 1));
        }
    }

    [Fact]
    public async Task A_wrong_password_and_an_unknown_user_look_alike()
    {
        var wrong = await Login("SCRAM-SHA-256", "n,,", "user", "pencils", null, []);
        var unknown = await Login("SCRAM-SHA-256", "n,,", "nobody", "pencil", null, []);
        foreach (var step in new[] { wrong, unknown })
        {
            step.Kind.ShouldBe(SaslStepKind.Done);
            step.Result.Outcome.ShouldBe(LoginOutcome.Rejected);
            Encoding.ASCII.GetString(step.Challenge).ShouldBe("e=invalid-proof");
        }
        _accounts.Asked.ShouldBe(["SCRAM-SHA-256:user:-", "SCRAM-SHA-256:nobody:-"]);
    }

    [Fact]
    public async Task Plus_binds_the_login_to_the_certificate()
    {
        byte[] binding = [1, 2, 3, 4];
        (await Login("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,", "user", "pencil", binding, binding, true)).Result.Outcome.ShouldBe(LoginOutcome.Accepted);
        var relayed = await Login("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,", "user", "pencil", binding, [4, 3, 2, 1], true);
        relayed.Result.Outcome.ShouldBe(LoginOutcome.Rejected);
        _accounts.Asked[^1].ShouldBe("SCRAM-SHA-256-PLUS:user:-");
    }

    [Theory]
    [InlineData("SCRAM-SHA-256", "y,,", true, "e=server-does-support-channel-binding")] // the list was changed on the way
    [InlineData("SCRAM-SHA-256", "p=tls-server-end-point,,", true, "e=channel-binding-not-supported")]
    [InlineData("SCRAM-SHA-256-PLUS", "n,,", true, "e=channel-bindings-dont-match")]
    [InlineData("SCRAM-SHA-256-PLUS", "y,,", true, "e=channel-bindings-dont-match")]
    [InlineData("SCRAM-SHA-256-PLUS", "p=tls-unique,,", true, "e=unsupported-channel-binding-type")]
    public async Task Binding_downgrades_are_refused(string mechanism, string header, bool plusOffered, string error)
    {
        byte[] binding = [1, 2, 3, 4];
        var step = await Login(mechanism, header, "user", "pencil", binding: binding, plusOffered: plusOffered);
        step.Result.Outcome.ShouldBe(LoginOutcome.Rejected);
        Encoding.ASCII.GetString(step.Challenge).ShouldBe(error);
    }

    Task<SaslStep> Login(string mechanism, string header, string user, string password, byte[] binding, bool plusOffered) =>
        Login(mechanism, header, user, password, mechanism.EndsWith("PLUS") ? binding : null, binding, plusOffered);

    [Fact]
    public async Task Y_is_fine_where_plus_was_not_offered() =>
        (await Login("SCRAM-SHA-256", "y,,", "user", "pencil", null, [])).Result.Outcome.ShouldBe(LoginOutcome.Accepted);

    [Theory]
    [InlineData("n,a=user,", LoginOutcome.Accepted)]
    [InlineData("n,a=other,", LoginOutcome.Rejected)]
    public async Task Nobody_acts_for_another(string header, LoginOutcome outcome) =>
        (await Login("SCRAM-SHA-256", header, "user", "pencil", null, [])).Result.Outcome.ShouldBe(outcome);

    [Fact]
    public async Task Equals_and_comma_in_a_name_are_decoded()
    {
        _accounts.Users["a,b=c"] = (9, "");
        _accounts.AppPasswords["a,b=c"] = ["pencil"];
        (await Login("SCRAM-SHA-256", "n,,", "a=2Cb=3Dc", "pencil", null, [])).Result.Principal!.AccountId.ShouldBe(9);
    }

    [Theory]
    [InlineData("")]
    [InlineData("n")]
    [InlineData("n,")]
    [InlineData("n,,")]
    [InlineData("x,,n=user,r=abc")]
    [InlineData("n,,n=,r=abc")]
    [InlineData("n,,n=user,r=")]
    [InlineData("n,,n=user")]
    [InlineData("n,,n=us=er,r=abc")]
    [InlineData("n,,n=us=2cer,r=abc")]
    [InlineData("n,,m=ext,n=user,r=abc")]
    [InlineData("n,user,n=user,r=abc")]
    [InlineData("p=,,n=user,r=abc")]
    [InlineData("n,,n=user,r=a b")]
    [InlineData("n,,n=us\0er,r=abc")]
    public async Task Broken_first_messages(string message) =>
        (await Step(SaslServer.Create("SCRAM-SHA-256", _accounts, Context, null, false)!, message)).Kind.ShouldBe(SaslStepKind.Malformed);

    [Theory]
    [InlineData("")]
    [InlineData("c=biws")]
    [InlineData("c=biws,r=NONCE")]
    [InlineData("c=biw,r=NONCE,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")]
    [InlineData("c=biws,r=NONCE,p=dHzbZapWIk4jUhN")]
    [InlineData("c=biws,r=NONCE,p=AAAA")]
    [InlineData("r=NONCE,c=biws,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")]
    public async Task Broken_final_messages(string message)
    {
        var server = new ScramServer(_accounts, Context, null, false, "NCE");
        (await Step(server, "n,,n=user,r=NO")).Kind.ShouldBe(SaslStepKind.Challenge);
        (await Step(server, message)).Kind.ShouldBe(SaslStepKind.Malformed);
        (await Step(server, message)).Kind.ShouldBe(SaslStepKind.Malformed);
        _accounts.Asked.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_foreign_nonce_is_refused_though_the_proof_fits()
    {
        var server = new ScramServer(_accounts, Context, null, false, "server");
        var first = Encoding.ASCII.GetString((await Step(server, "n,,n=user,r=client")).Challenge);
        // A client that answers with another nonce, and a proof over just that.
        var parts = first.Split(',');
        var salt = Convert.FromBase64String(parts[1][2..]);
        var keys = ScramClient.Keys("pencil", salt, 4096);
        var authMessage = Ascii($"n=user,r=client,{first},c=biws,r=clientother");
        var proof = keys.ClientKey.Zip(System.Security.Cryptography.HMACSHA256.HashData(keys.StoredKey, authMessage), (a, b) => (byte)(a ^ b)).ToArray();
        var step = await Step(server, $"c=biws,r=clientother,p={Convert.ToBase64String(proof)}");
        step.Result.Outcome.ShouldBe(LoginOutcome.Rejected);
    }

    [Fact]
    public async Task Throttling_gives_no_verifier()
    {
        _accounts.Force = LoginOutcome.Throttled;
        var step = await Login("SCRAM-SHA-256", "n,,", "user", "pencil", null, []);
        step.Kind.ShouldBe(SaslStepKind.Done);
        step.Result.Outcome.ShouldBe(LoginOutcome.Throttled);
    }
}
