using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Smtp.Grammar;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Smtp.Client;

public class EnvelopeLinesTests
{
    /// <summary>What we encode our own server decodes, and no octet of it could end a word or a line.</summary>
    [Fact]
    public void Xtext_comes_back() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), octets =>
    {
        var text = Encoding.ASCII.GetString([.. (octets ?? []).Select(b => (byte)(32 + b % 95))]);
        var encoded = Xtext.Encode(text)!;
        return encoded.All(c => c is > ' ' and < '\u007f' and not '=') && Xtext.Decode(Encoding.ASCII.GetBytes(encoded)) == text;
    }));

    [Fact]
    public void Utf8_addresses_come_back() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(ArbMap.Default.ArbFor<int[]>(), points =>
    {
        var text = string.Concat((points ?? []).Select(p => Math.Abs(p % 0x11000) + 32).Where(Rune.IsValid).Select(p => new Rune(p)).Where(r => !Rune.IsControl(r)));
        var encoded = Xtext.EncodeUtf8Address(text);
        return encoded.All(c => c is > ' ' and < '\u007f' and not '=' and not '+') && Xtext.DecodeUtf8Address(Encoding.ASCII.GetBytes(encoded), raw: false) == text;
    }));

    [Fact]
    public void Text_without_a_form_has_none() => Xtext.Encode("jürgen").ShouldBeNull();
}
