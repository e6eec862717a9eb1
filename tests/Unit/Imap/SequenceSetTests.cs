using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Imap.Grammar;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

public class SequenceSetTests
{
    static SequenceSet Read(string text)
    {
        var r = new ImapReader(Encoding.ASCII.GetBytes(text), ImapLimits.User);
        var set = r.SequenceSet();
        r.End();
        return set;
    }

    static string Resolved(string text, uint largest) => string.Join(',', Read(text).Resolve(largest).Select(x => x.First == x.Last ? $"{x.First}" : $"{x.First}:{x.Last}"));

    /// <summary>RFC 9051 §9, sequence-set and seq-range.</summary>
    [Theory]
    [InlineData("2,4:7,9,12:*", 15u, "2,4:7,9,12:15")]
    [InlineData("2:4", 10u, "2:4")]
    [InlineData("4:2", 10u, "2:4")]
    [InlineData("*:4", 10u, "4:10")]
    [InlineData("*:4", 2u, "2")]
    [InlineData("559:*", 100u, "100")]
    [InlineData("*", 7u, "7")]
    [InlineData("*", 0u, "")]
    [InlineData("1:*", 0u, "")]
    [InlineData("1:4294967295", 3u, "1:3")]
    [InlineData("5:9", 3u, "")]
    [InlineData("1,2,3,2:5,7,6", 9u, "1:7")]
    [InlineData("4294967295", 4294967295u, "4294967295")]
    [InlineData("1:4294967295,4294967295", 4294967295u, "1:4294967295")]
    public void Examples(string text, uint largest, string resolved) => Resolved(text, largest).ShouldBe(resolved);

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("1:0")]
    [InlineData("1,")]
    [InlineData("1:")]
    [InlineData("1:2:3")]
    [InlineData("4294967296")]
    [InlineData("-1")]
    [InlineData("**")]
    [InlineData("$,1")]
    public void Not_sets(string text) => Should.Throw<BadSyntax>(() => Read(text));

    [Fact]
    public void Saved_is_dollar() => (Read("$").IsSaved, Read("$").ToString()).ShouldBe((true, "$"));

    [Fact]
    public void Atoms_are_counted()
    {
        Should.Throw<BadSyntax>(() => Read(string.Join(',', Enumerable.Repeat("1", 10_001))));
        Read(string.Join(',', Enumerable.Repeat("1:4294967295", 5000))).Resolve(uint.MaxValue).ShouldHaveSingleItem();
    }

    [Fact]
    public void Agrees_with_a_set_of_numbers_and_comes_back()
    {
        var number = Gen.Choose(0, 20).Select(n => (uint)n);
        var ranges = Gen.Zip(number, number).Select(t => new SequenceRange(t.Item1, t.Item2)).NonEmptyListOf();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(Arb.From(ranges), Arb.From(Gen.Choose(0, 25)), (list, largest) =>
        {
            var set = new SequenceSet([.. list]);
            Read(set.ToString()).Ranges.ShouldBe(set.Ranges);
            var expected = new SortedSet<uint>();
            foreach (var (first, last) in list)
            {
                uint a = first == 0 ? (uint)largest : first, b = last == 0 ? (uint)largest : last;
                for (var n = Math.Min(a, b); n <= Math.Max(a, b); n++)
                    if (n >= 1 && n <= largest) expected.Add(n);
            }
            var resolved = set.Resolve((uint)largest);
            for (uint n = 1; n <= 30; n++) SequenceSet.Contains(resolved, n).ShouldBe(expected.Contains(n));
            SequenceSet.Of([.. expected]).Ranges.ShouldBe(resolved);
        }));
    }
}
