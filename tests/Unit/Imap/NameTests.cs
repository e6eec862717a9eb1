using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Imap.Grammar;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

public class NameTests
{
    /// <summary>RFC 3501 §5.1.3 and more.</summary>
    [Theory]
    [InlineData("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-")]
    [InlineData("A & B", "A &- B")]
    [InlineData("&&", "&-&-")]
    [InlineData("Entwürfe", "Entw&APw-rfe")]
    [InlineData("é", "&AOk-")]
    [InlineData("😀", "&2D3eAA-")]
    [InlineData("", "")]
    [InlineData("a\tb", "a&AAk-b")]
    [InlineData("é&é", "&AOk-&-&AOk-")]
    public void Modified_utf7(string name, string coded)
    {
        ModifiedUtf7.Encode(name).ShouldBe(coded);
        ModifiedUtf7.TryDecode(Encoding.ASCII.GetBytes(coded), out var back).ShouldBeTrue();
        back.ShouldBe(name);
    }

    /// <summary>Each name has one form only: RFC 3501 §5.1.3 forbids all of these.</summary>
    [Theory]
    [InlineData("&")]
    [InlineData("&AOk")]
    [InlineData("&Jjo!")]
    [InlineData("&U,BTFw-&ZeVnLIqe-")]
    [InlineData("&AGE-")]
    [InlineData("&AOl-")]
    [InlineData("&2D0-")]
    [InlineData("&3gA-")]
    [InlineData("&AO-")]
    [InlineData("&AAA-")]
    [InlineData("&A/k-")]
    [InlineData("a\tb")]
    [InlineData("\u00e9")]
    public void Not_modified_utf7(string coded) => ModifiedUtf7.TryDecode(Encoding.UTF8.GetBytes(coded), out _).ShouldBeFalse();

    [Fact]
    public void Any_name_comes_back_and_any_octets_decode_to_what_encodes_to_them()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(3000), Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), s =>
        {
            var name = new string([.. s.Get.Where(c => !char.IsSurrogate(c) && c != 0)]);
            ModifiedUtf7.TryDecode(Encoding.ASCII.GetBytes(ModifiedUtf7.Encode(name)), out var back).ShouldBeTrue();
            back.ShouldBe(name);
        }));
        var piece = Gen.Elements("&", "-", "A", "AOk", "U,BTFw", "2D3eAA", "+", ",", "/", " ");
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5000), Prop.ForAll(Arb.From(Gen.ArrayOf(piece)), p =>
        {
            var coded = string.Concat(p);
            if (ModifiedUtf7.TryDecode(Encoding.ASCII.GetBytes(coded), out var name)) ModifiedUtf7.Encode(name).ShouldBe(coded);
        }));
    }

    [Theory]
    [InlineData("*", "INBOX", true)]
    [InlineData("*", "a/b/c", true)]
    [InlineData("%", "a", true)]
    [InlineData("%", "a/b", false)]
    [InlineData("a/%", "a/b", true)]
    [InlineData("a/%", "a/b/c", false)]
    [InlineData("a/%", "a/", true)]
    [InlineData("%/%", "a/b", true)]
    [InlineData("%/%", "a", false)]
    [InlineData("*b", "aaab", true)]
    [InlineData("*%b", "a/ab", true)]
    [InlineData("%*b", "a/ab", true)]
    [InlineData("a*", "a", true)]
    [InlineData("a**", "ab", true)]
    [InlineData("%b*", "a/b", false)]
    [InlineData("inbox", "INBOX", false)]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("*", "", true)]
    [InlineData("a%c*e", "abcde", true)]
    [InlineData("a%c*e", "a/cde", false)]
    public void Patterns(string pattern, string name, bool matches) => new ListPattern(pattern, '/').Matches(name).ShouldBe(matches);

    /// <summary>Slow and plainly right.</summary>
    static bool Reference(ReadOnlySpan<char> p, ReadOnlySpan<char> s)
    {
        if (p.Length == 0) return s.Length == 0;
        if (p[0] is not ('*' or '%')) return s.Length > 0 && s[0] == p[0] && Reference(p[1..], s[1..]);
        for (var n = 0; ; n++)
        {
            if (Reference(p[1..], s[n..])) return true;
            if (n == s.Length || p[0] == '%' && s[n] == '/') return false;
        }
    }

    [Fact]
    public void Agrees_with_a_reference()
    {
        var pattern = Gen.Elements("a", "b", "/", "*", "%").ListOf().Select(l => string.Concat(l.Take(9)));
        var name = Gen.Elements("a", "b", "/").ListOf().Select(l => string.Concat(l.Take(12)));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(10_000).WithEndSize(20), Prop.ForAll(Arb.From(pattern), Arb.From(name), (p, n) =>
            new ListPattern(p, '/').Matches(n) == Reference(p, n)));
    }

    [Fact]
    public void Long_patterns_over_many_words()
    {
        var p = string.Concat(Enumerable.Repeat("a%b", 60));
        new ListPattern(p, '/').Matches(string.Concat(Enumerable.Repeat("axxb", 60))).ShouldBeTrue();
        new ListPattern(p, '/').Matches(string.Concat(Enumerable.Repeat("ax/b", 60))).ShouldBeFalse();
        new ListPattern(string.Concat(Enumerable.Repeat("*a", 200)), '/').Matches(new string('a', 200)).ShouldBeTrue();
    }

    [Fact]
    public void Work_is_bounded_whatever_the_pattern()
    {
        foreach (var bomb in (string[])[string.Concat(Enumerable.Repeat("*a", 30_000)), string.Concat(Enumerable.Repeat("%*", 30_000)) + "b", string.Concat(Enumerable.Repeat("*a%a", 250)) + "b"])
        {
            var pattern = new ListPattern(bomb, '/');
            pattern.Matches(new string('a', 1000)).ShouldBeFalse();
            pattern.Work.ShouldBeLessThanOrEqualTo(1000 * (2001 / 64 + 1));
        }
    }
}
