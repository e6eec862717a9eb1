using System.Net;
using System.Text;
using Posthorn.Wire.Sasl;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Wire.Sasl;

/// <summary>The client's mechanisms against the server's, and against servers that lie.</summary>
public class SaslClientTests
{
    static readonly LoginContext Context = new("smtp", IPAddress.Loopback, true);
    readonly FakeAccounts _accounts = new();

    static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);

    async Task<LoginResult> RunAsync(SaslClient client)
    {
        var server = SaslServer.Create(client.Name, _accounts, Context, null, false)!;
        var step = await server.StepAsync(client.Initial() ?? [], TestContext.Current.CancellationToken);
        while (step.Kind == SaslStepKind.Challenge)
        {
            if (client.Answer(step.Challenge) is not { } answer) return new(LoginOutcome.Rejected);
            step = await server.StepAsync(answer, TestContext.Current.CancellationToken);
        }
        return step.Result;
    }

    [Theory]
    [InlineData("user", "pencil", LoginOutcome.Accepted)]
    [InlineData("user", "pencils", LoginOutcome.Rejected)]
    [InlineData("a,b=c", "pass,word=", LoginOutcome.Accepted)]
    [InlineData("nobody", "pencil", LoginOutcome.Rejected)]
    public async Task Every_mechanism_with_our_server(string user, string password, LoginOutcome outcome)
    {
        _accounts.Users["a,b=c"] = (9, "pass,word=");
        _accounts.AppPasswords["a,b=c"] = ["pass,word="];
        var mechanisms = SaslClient.ForPassword(["login", "PLAIN", "X", "Scram-Sha-256"], user, password);
        mechanisms.Select(m => m.Name).ShouldBe(["SCRAM-SHA-256", "PLAIN", "LOGIN"]);
        mechanisms.Select(m => m.ShowsSecret).ShouldBe([false, true, true]);
        foreach (var mechanism in mechanisms)
        {
            (await RunAsync(mechanism)).Outcome.ShouldBe(outcome);
            mechanism.ProofMissing.ShouldBe(mechanism.Name == "SCRAM-SHA-256" && outcome != LoginOutcome.Accepted);
        }
    }

    const string Nonce = "rOprNGfwEbeRWgbNEkqO";
    const string ServerFirst = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    [Fact]
    public void Rfc7677_section_3_example()
    {
        var client = new ScramSha256Client("user", "pencil", Nonce);
        client.Initial().ShouldBe(Ascii("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"));
        Encoding.ASCII.GetString(client.Answer(Ascii(ServerFirst))!).ShouldBe("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        client.ProofMissing.ShouldBeTrue();
        client.Answer("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="u8).ShouldBe([]);
        client.ProofMissing.ShouldBeFalse();
        client.Answer(""u8).ShouldBeNull();
    }

    [Theory]
    [InlineData("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=")]
    [InlineData("v=AAAA")]
    [InlineData("v=")]
    [InlineData("e=invalid-proof")]
    [InlineData("")]
    public void A_server_that_cannot_prove_itself(string final)
    {
        var client = new ScramSha256Client("user", "pencil", Nonce);
        client.Answer(Ascii(ServerFirst)).ShouldNotBeNull();
        client.Answer(Ascii(final)).ShouldBeNull();
        client.ProofMissing.ShouldBeTrue();
    }

    [Theory]
    [InlineData("r=another,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")] // nothing of the server's in it
    [InlineData("r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqOx,s=!,i=4096")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1")] // a proof that is cheap to try passwords on
    [InlineData("r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=-4096")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==")]
    [InlineData("m=ext,r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqO\u00e9,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")]
    [InlineData("x")]
    public void Challenges_that_get_no_proof(string serverFirst) =>
        new ScramSha256Client("user", "pencil", Nonce).Answer(Encoding.Latin1.GetBytes(serverFirst)).ShouldBeNull();

    [Fact]
    public void XOAUTH2_answers_a_refusal_with_nothing()
    {
        var client = SaslClient.ForToken(["XOAUTH2"], "someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")[0];
        client.Initial().ShouldBe(Ascii("user=someuser@example.com\u0001auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\u0001\u0001"));
        client.Answer("{\"status\":\"401\"}"u8).ShouldBe([]);
        client.ServerError.ShouldBe("{\"status\":\"401\"}");
        client.Answer("{}"u8).ShouldBeNull();
        SaslClient.ForToken(["PLAIN"], "u", "t").ShouldBeEmpty();
    }
}
