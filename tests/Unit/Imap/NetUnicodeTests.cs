using Posthorn.Imap.Grammar;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

public class NetUnicodeTests
{
    [Theory]
    [InlineData("", true)]
    [InlineData("Archive", true)]
    [InlineData("Café", true)]
    [InlineData("Cafe\u0301", false)]
    [InlineData("\u0301", true)] // a mark about nothing
    [InlineData("x\u0301", true)] // no letter has both
    [InlineData("\u1EBF", true)]
    [InlineData("\u00EA\u0301", false)] // a letter with a mark takes another
    [InlineData("x\u0323\u0301", true)]
    [InlineData("x\u0301\u0323", false)] // the mark below comes first
    [InlineData("e\u0323\u0301", false)]
    [InlineData("e\u0301\u0301", false)]
    [InlineData("\u0439", true)]
    [InlineData("\u0438\u0306", false)] // й
    [InlineData("\u212B", false)] // Ångström's own letter
    [InlineData("\u0958", false)] // never composed
    [InlineData("\u0915\u093C", true)] // what stands for it
    [InlineData("हिन्दी", true)]
    [InlineData("\uD55C", true)]
    [InlineData("\u1112\u1161", false)] // Hangul in parts
    [InlineData("\uD558\u11AB", false)]
    [InlineData("\uD55C\u11AB", true)] // a syllable that has its end already
    [InlineData("\uD834\uDD57\uD834\uDD65", true)]
    [InlineData("\uD834\uDD5E", false)]
    [InlineData("\uD804\uDC99\uD804\uDCBA", false)]
    [InlineData("😀", true)]
    public void Composed(string text, bool composed) => NetUnicode.IsComposed(text).ShouldBe(composed);
}
