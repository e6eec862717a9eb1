using System.Text;
using Posthorn.Accounts.Credentials;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Accounts;

public sealed class AppPasswordTests
{
    // RFC 7677 §3: user "user", password "pencil"
    [Fact]
    public void Scram_keys_of_the_rfc()
    {
        var (stored, server) = AppPassword.ScramKeys("pencil", Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);
        const string auth = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        var proof = Convert.FromBase64String("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        var signature = System.Security.Cryptography.HMACSHA256.HashData(stored, Encoding.ASCII.GetBytes(auth));
        for (var i = 0; i < proof.Length; i++) proof[i] ^= signature[i];
        System.Security.Cryptography.SHA256.HashData(proof).ShouldBe(stored);
        Convert.ToBase64String(System.Security.Cryptography.HMACSHA256.HashData(server, Encoding.ASCII.GetBytes(auth))).ShouldBe("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    [Fact]
    public void Secrets_use_all_letters_and_none_twice()
    {
        var made = Enumerable.Range(0, 500).Select(_ => AppPassword.Make()).ToList();
        made.Distinct().Count().ShouldBe(500);
        for (var at = 0; at < 31; at++) // every place varies over the alphabet; the last letter holds the three odd bits
            made.Select(m => m[at]).Distinct().Count().ShouldBe(at % 5 == 4 ? 1 : 32, $"letter {at}");
        made.Select(m => m[31]).Distinct().Count().ShouldBe(8);
    }

    [Theory]
    [InlineData("abcd-efgh-ijkl-mnop-qrst-uvwx-yz", true)]
    [InlineData("ABCD EFGH ijklmnopqrstuvwx-y-z", true)]
    [InlineData("abcdefghijklmnopqrstuvwxy", false)]
    [InlineData("abcdefghijklmnopqrstuvwxyza", false)]
    [InlineData("abcdefghijklmnopqrstuvwxy1", false)]
    [InlineData("", false)]
    public void Typed_forms(string typed, bool fits)
    {
        Span<byte> letters = stackalloc byte[26];
        AppPassword.TryNormalize(Encoding.UTF8.GetBytes(typed), letters).ShouldBe(fits);
        if (fits) Encoding.ASCII.GetString(letters).ShouldBe("abcdefghijklmnopqrstuvwxyz");
    }
}
