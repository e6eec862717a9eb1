using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Search.Segments;
using Posthorn.Storage;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Search;

public sealed class PostingsTests
{
    /// <summary>Lists of every density, with how many messages there are.</summary>
    static readonly Gen<(int All, int[] List)> Lists =
        from all in Gen.Choose(1, 600)
        from density in Gen.Elements(0, 1, 10, 50, 90, 99, 100)
        from draws in Gen.Choose(0, 99).ArrayOf(all)
        select (all, Enumerable.Range(0, all).Where(i => draws[i] < density).ToArray());

    static Postings Stored((int All, int[] List) some)
    {
        var octets = new ArrayBufferWriter<byte>();
        Postings.Write(some.List, some.All, octets);
        octets.Write("rest"u8);
        var at = 0;
        var read = Postings.Read(octets.WrittenMemory, ref at, some.All);
        at.ShouldBe(octets.WrittenCount - 4);
        return read;
    }

    [Fact]
    public void A_list_is_read_as_it_was_written() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(Lists.ToArbitrary(), some =>
    {
        var read = Stored(some);
        read.Length(some.All).ShouldBe(some.List.Length);
        var back = new List<int>();
        read.CopyTo(back, some.All);
        back.ShouldBe(some.List);
    }));

    [Fact]
    public void Narrowing_is_intersection()
    {
        var pairs = from one in Lists from other in Gen.Choose(0, 100).ArrayOf(one.All) select (one, other);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(pairs.ToArbitrary(), pair =>
        {
            var list = Enumerable.Range(0, pair.one.All).Where(i => pair.other[i] < 30).ToList();
            var expected = list.Intersect(pair.one.List).ToList();
            Stored(pair.one).Narrow(list);
            list.ShouldBe(expected);
        }));
    }

    [Theory]
    [InlineData(1000, 10, 25)]
    [InlineData(1000, 500, 130)]
    [InlineData(1000, 990, 25)]
    [InlineData(1000, 1000, 4)]
    public void A_list_takes_little_room(int all, int count, int most)
    {
        var octets = new ArrayBufferWriter<byte>();
        Postings.Write([.. Enumerable.Range(0, count).Select(i => (int)((long)i * all / count))], all, octets);
        octets.WrittenCount.ShouldBeLessThanOrEqualTo(most);
    }

    [Fact]
    public void Octets_of_anybody_end_in_an_error_or_a_list()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll<byte[]>(octets =>
        {
            var at = 0;
            try { Postings.Read(octets, ref at, 100); }
            catch (FormatException) { return; }
            at.ShouldBeLessThanOrEqualTo(octets.Length);
        }));
    }

    [Fact]
    public void Lists_of_messages_know_when_they_were_changed()
    {
        long[] ids = [5L << 40 | 7, 5L << 40 | 8, 5L << 40 | 4000];
        var octets = MessageList.Encode(ids);
        MessageList.Decode(octets, 3).ShouldBe(ids);
        for (var i = 0; i < octets.Length; i++)
        {
            octets[i] ^= 4;
            Should.Throw<StoreDamageException>(() => MessageList.Decode(octets, 3));
            octets[i] ^= 4;
        }
        Should.Throw<StoreDamageException>(() => MessageList.Decode(octets, 2));
    }
}
