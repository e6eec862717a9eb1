using System.Text;
using Posthorn.Accounts.Credentials;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Accounts;

public sealed class PasswordHashTests
{
    static bool Verify(string password, string hash) => PasswordHash.Verify(Encoding.UTF8.GetBytes(password), hash);

    [Theory]
    [InlineData(true, "$argon2id$v=19$m=19456,t=2,p=1$")]
    [InlineData(false, "$pbkdf2-sha256$i=600000$")]
    public void Made_hashes_are_phc_strings_that_verify(bool argon2, string start)
    {
        Assert.SkipWhen(argon2 && !Argon2.Available, "libargon2 is not here");
        var hasher = new PasswordHash(argon2);
        var hash = hasher.Make("correct battery horse"u8);
        hash.ShouldStartWith(start);
        Verify("correct battery horse", hash).ShouldBeTrue();
        Verify("correct battery horsf", hash).ShouldBeFalse();
        hasher.Make("correct battery horse"u8).ShouldNotBe(hash);
        hasher.NeedsUpgrade(hash).ShouldBeFalse();
        PasswordHash.Recognises(hash).ShouldBeTrue();
    }

    // Made by other programs: OpenSSL's passwd, libxcrypt, the argon2 tool, and by hand.
    public static TheoryData<string, string, string> Foreign => new()
    {
        { "Tr0ub4dor & 3 ü", "$1$abcdefgh$x9VXlt0jtBpk0EHe922q21", "md5-crypt" },
        { "Tr0ub4dor & 3 ü", "$2b$05$abcdefghijklmnopqrstuuo.gl4GOuz6Amv6B2B8lgYYUPN0Kjda.", "bcrypt" },
        { "Tr0ub4dor & 3 ü", "$2y$05$abcdefghijklmnopqrstuuo.gl4GOuz6Amv6B2B8lgYYUPN0Kjda.", "bcrypt" },
        { "Tr0ub4dor & 3 ü", "$2a$05$abcdefghijklmnopqrstuuo.gl4GOuz6Amv6B2B8lgYYUPN0Kjda.", "bcrypt" },
        { "Tr0ub4dor & 3 ü", "$5$rounds=1000$saltsalt$C5Iq3ww6yaCo4XuQVli3JosY.RcXWVwEem3kBd1Tg37", "sha256-crypt" },
        { "Tr0ub4dor & 3 ü", "$6$rounds=1000$saltsalt$Em2jzNBqFAJqT/q.bRSMAplawUmMm0rkqk6pHMhGZX7YlKFWULhIf/dEY6daDN0fqVy1DC76gXo88DpZFnjR5/", "sha512-crypt" },
        { "Tr0ub4dor & 3 ü", "$y$j75$LdJMENpBABJJ3hIHjB1Bi.$ihS0zhpzu4Kv06yod7ZQiW/pLHQwXfWc5jQ10stmTT1", "yescrypt" },
        { "Tr0ub4dor & 3 ü", "{BLF-CRYPT}$2b$05$abcdefghijklmnopqrstuuo.gl4GOuz6Amv6B2B8lgYYUPN0Kjda.", "bcrypt" },
        { "Tr0ub4dor & 3 ü", "{SHA512-CRYPT}$6$rounds=1000$saltsalt$Em2jzNBqFAJqT/q.bRSMAplawUmMm0rkqk6pHMhGZX7YlKFWULhIf/dEY6daDN0fqVy1DC76gXo88DpZFnjR5/", "sha512-crypt" },
        { "Tr0ub4dor & 3 ü", "{SSHA}rnLAMt7rZsUyuHVUQDSz3Fnm/AlzYWx0", "ssha" },
        { "Tr0ub4dor & 3 ü", "{SSHA512}BKEzlByd3EJfi2phMYvljkaw+kFp+RHM/ruwdvAVs/2RjrqhxgyHXP7asM3xKieRmkNsKuau6O9HulPeeEGLNHNhbHRzYWx0", "ssha512" },
        { "Tr0ub4dor & 3 ü", "$pbkdf2-sha512$1000$c2FsdHNhbHRzYWx0c2FsdA$DyUJBWCx9IE0jw5DqZNIT3Bf0E7rFUAe1IbQQl4lIfIjtqBVf/1qrxSZCYnzu2LSry2TTGtRuqSqGf.XF2FyhA", "pbkdf2-sha512" },
        { "Tr0ub4dor & 3 ü", "$argon2id$v=19$m=256,t=2,p=1$c2FsdHNhbHRzYWx0$ShtaPcXGss0Jwpi16FrYrCdZ/xnpmxYeg+kUu/6U9Yc", "argon2id" },
        { "Tr0ub4dor & 3 ü", "{ARGON2I}$argon2i$v=19$m=256,t=2,p=1$c2FsdHNhbHRzYWx0$fFlkU7pCCP5qEfXJPT9YeEfdlQrDTPo9EQK2c7HTuk0", "argon2i" },
    };

    [Theory]
    [MemberData(nameof(Foreign))]
    public void Hashes_of_other_servers_verify_and_want_an_upgrade(string password, string hash, string scheme)
    {
        Assert.SkipUnless(Argon2.Available && UnixCrypt.Available, "libargon2 or libcrypt is not here");
        PasswordHash.Recognises(hash).ShouldBeTrue();
        Verify(password, hash).ShouldBeTrue();
        Verify(password + "x", hash).ShouldBeFalse();
        Verify("", hash).ShouldBeFalse();
        Verify(password + "\0x", hash).ShouldBeFalse();
        new PasswordHash().NeedsUpgrade(hash).ShouldBeTrue();
        PasswordHash.Scheme(hash).ShouldBe(scheme);
    }

    [Fact]
    public void Weaker_parameters_want_an_upgrade_stronger_ones_do_not()
    {
        const string tail = "$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        var argon2 = new PasswordHash();
        var pbkdf2 = new PasswordHash(argon2: false);
        argon2.NeedsUpgrade("$argon2id$v=19$m=4096,t=3,p=1" + tail).ShouldBeTrue();
        argon2.NeedsUpgrade("$argon2id$v=19$m=65536,t=3,p=4" + tail).ShouldBeFalse();
        pbkdf2.NeedsUpgrade("$argon2id$v=19$m=65536,t=3,p=4" + tail).ShouldBeFalse();
        pbkdf2.NeedsUpgrade("$pbkdf2-sha256$i=10000" + tail).ShouldBeTrue();
        pbkdf2.NeedsUpgrade("$pbkdf2-sha256$i=600000" + tail).ShouldBeFalse();
        argon2.NeedsUpgrade("$pbkdf2-sha256$i=600000" + tail).ShouldBe(Argon2.Available);
    }

    [Theory]
    [InlineData("")]
    [InlineData("secret")]
    [InlineData("{PLAIN}secret")]
    [InlineData("{SSHA}")]
    [InlineData("$argon2id$v=19$m=99999999,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("$pbkdf2-sha256$i=600000$c2FsdHNhbHQ$")]
    [InlineData("$pbkdf2-sha256$i=0$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("$9$whatever$whateverwhateverwhatever")]
    public void What_is_no_hash_is_not_recognised_and_fits_no_password(string hash)
    {
        PasswordHash.Recognises(hash).ShouldBeFalse();
        Verify("secret", hash).ShouldBeFalse();
        Verify("", hash).ShouldBeFalse();
    }

    [Theory]
    [InlineData("short")]
    [InlineData("elevenchars")]
    [InlineData("aaaaaaaaaaaaaaaa")]
    [InlineData("abcabcabcabc")]
    [InlineData("123456789012")]
    [InlineData("Password1234")]
    [InlineData("correcthorsebatterystaple")]
    [InlineData("Bob@example.test")]
    [InlineData("tab\there-and-more")]
    public void Poor_passwords_are_refused(string password) => PasswordRules.Refusal(password, "bob@example.test").ShouldNotBeNull();

    [Theory]
    [InlineData("twelve-chars")]
    [InlineData("grün ist die Hoffnung")]
    public void Good_passwords_pass(string password) => PasswordRules.Refusal(password, "bob@example.test").ShouldBeNull();
}
