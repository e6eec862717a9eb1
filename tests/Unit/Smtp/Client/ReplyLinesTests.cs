using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Smtp.Client;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Smtp.Client;

public class ReplyLinesTests
{
    static string Read(params string[] lines)
    {
        var reply = new ReplyLines();
        foreach (var line in lines)
        {
            if (reply.Reply is not null) return "over too early";
            if (reply.Add(Encoding.Latin1.GetBytes(line)) is { } wrong) return "wrong: " + wrong;
        }
        return reply.Reply is { } r ? $"{r.Code} {r.Enhanced ?? "-"} {string.Join('|', r.Lines)}" : "not over";
    }

    [Theory]
    [InlineData("250 2.1.0 ok", "250 2.1.0 ok")]
    [InlineData("250 ok", "250 - ok")]
    [InlineData("250", "250 - ")]
    [InlineData("250 ", "250 - ")]
    [InlineData("250\tok", "250 - ok")]
    [InlineData("250-", "not over")]
    [InlineData("250 2.1.0", "250 2.1.0 ")]
    [InlineData("554 5.7.26  two spaces", "554 5.7.26 two spaces")]
    [InlineData("550 4.7.1 of another class", "550 - 4.7.1 of another class")] // RFC 2034 §4
    [InlineData("550 5.7 short", "550 - 5.7 short")]
    [InlineData("550 5.7.1.2 long", "550 - 5.7.1.2 long")]
    [InlineData("550 5.7.1234 long", "550 - 5.7.1234 long")]
    [InlineData("550 5..1 odd", "550 - 5..1 odd")]
    [InlineData("299 odd but clear", "299 - odd but clear")]
    [InlineData("150 mark", "wrong: \"150 mark\"")]
    [InlineData("650 no", "wrong: \"650 no\"")]
    [InlineData("25", "wrong: \"25\"")]
    [InlineData("", "wrong: \"\"")]
    [InlineData("250ok", "wrong: \"250ok\"")]
    [InlineData("250_ok", "wrong: \"250_ok\"")]
    [InlineData("\u0001\u0002", "wrong: \"??\"")]
    public void One_line(string line, string reply) => Read(line).ShouldBe(reply);

    [Fact]
    public void More_lines()
    {
        Read("250-2.0.0 a", "250-2.0.0 b", "250-c", "250 2.0.0").ShouldBe("250 2.0.0 a|b|c|");
        Read("250-a", "250-2.0.0 b", "250 c").ShouldBe("250 - a|2.0.0 b|c"); // the first line says whether there are enhanced codes
        Read("250-a", "251 b").ShouldBe("wrong: lines of 250 and 251 in one reply");
        Read([.. Enumerable.Repeat("250-a", 99), "250 b"]).ShouldStartWith("250 - a|");
        Read([.. Enumerable.Repeat("250-a", 101)]).ShouldStartWith("wrong: a reply of more than 100 lines");
        Read([.. Enumerable.Repeat("250-" + new string('a', 2000), 50)]).ShouldStartWith("wrong: a reply of more than 100 lines or 64 kB");
    }

    [Fact]
    public void Long_lines_are_cut() => Read("250 " + new string('a', 5000)).Length.ShouldBe(ReplyLines.MaxLine + 2);

    /// <summary>No octets throw, and none get through as a control character.</summary>
    [Fact]
    public void Random_octets() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(5000), Prop.ForAll(ArbMap.Default.ArbFor<byte[][]>(), lines =>
    {
        var reply = new ReplyLines();
        foreach (var line in lines ?? [])
        {
            if (reply.Reply is not null) break;
            if (reply.Add([.. "250-"u8, .. line ?? []]) is { } wrong && wrong.Any(char.IsControl)) return false;
        }
        if (reply.Reply is null && reply.Add("250 end"u8) is not null) return true;
        return reply.Reply!.Lines.All(l => !l.Any(char.IsControl)) && reply.Reply.Lines.Length > 0;
    }));

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("trailing  ", "trailing")]
    [InlineData("a\tb\u0000c\u001b[0m\u007f\u0085\u2028d", "a b?c?[0m???d")]
    [InlineData("grüße ✓", "grüße ✓")]
    public void Words_are_cleaned(string dirty, string clean)
    {
        CleanText.Of(Encoding.UTF8.GetBytes(dirty)).ShouldBe(clean);
        CleanText.Of(dirty).ShouldBe(clean);
    }
}
