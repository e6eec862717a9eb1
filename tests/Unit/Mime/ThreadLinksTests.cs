using System.Text;
using Posthorn.Mime.Structure;
using Posthorn.Mime.Threads;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Mime;

public sealed class ThreadLinksTests
{
    static long[] Of(string message, string prefix = "")
    {
        var octets = Encoding.Latin1.GetBytes(message.ReplaceLineEndings("\r\n"));
        return ThreadLinks.Of(PartTree.Encode(PartTree.Read(octets, Encoding.Latin1.GetBytes(prefix))), octets);
    }

    [Fact]
    public void The_own_link_comes_first_then_those_referred_to_from_the_nearest_on()
    {
        var (one, two, three) = (Of("Message-ID: <1@x>\nSubject: a\n\n")[0], Of("Message-ID: <2@x>\nSubject: a\n\n")[0], Of("Message-ID: <3@x>\nSubject: a\n\n")[0]);
        new[] { one, two, three }.ShouldBeUnique();
        Of("Message-ID: <3@x>\nSubject: Re: a\nReferences: <1@x>\n <2@x>\nIn-Reply-To: <2@x>\n\n").ShouldBe([three, two, one]);
        Of("Message-ID: <3@x>\nSubject: Re: a\nIn-Reply-To: <2@x> <ignored@x>\n\n").ShouldBe([three, two]);
        Of("Message-ID: <3@x>\nsubject: FWD: [list] =?utf-8?q?A?=\nreferences: <1@x> <1@x> <3@x>\n\nReferences: <9@x>\n").ShouldBe([three, one]);
        Of("Subject: a\nReferences: <2@x>\n\n").ShouldBe([two]);
        Of("Subject: a\n\n", "Message-ID: <1@x>\r\n").ShouldBe([one]); // the one that we have given it
    }

    [Fact]
    public void Another_subject_is_another_thread() =>
        Of("Message-ID: <1@x>\nSubject: a\n\n")[0].ShouldNotBe(Of("Message-ID: <1@x>\nSubject: b\n\n")[0]);

    [Fact]
    public void Of_many_the_last_and_the_first_count()
    {
        var all = string.Join("\n ", Enumerable.Range(0, 500).Select(static i => $"<{i}@x>"));
        var links = Of($"Message-ID: <own@x>\nReferences: {all}\n\n");
        links.Length.ShouldBe(10);
        links[^1].ShouldBe(Of("Message-ID: <0@x>\n\n")[0]);
        links[1].ShouldBe(Of("Message-ID: <499@x>\n\n")[0]);
        links[8].ShouldBe(Of("Message-ID: <492@x>\n\n")[0]);
    }

    [Theory]
    [InlineData("Subject: a\n\n")]
    [InlineData("Message-ID: none\nReferences: words\n\n")]
    [InlineData("")]
    public void Nothing_ties_a_message_without_ids(string message) => Of(message).ShouldBeEmpty();

    [Fact]
    public void Rows_without_a_structure_or_with_a_broken_one_stand_alone()
    {
        ThreadLinks.Of([], "Message-ID: <1@x>\r\n\r\n"u8).ShouldBeEmpty();
        ThreadLinks.Of([1, 2, 3], default).ShouldBeEmpty();
    }
}
