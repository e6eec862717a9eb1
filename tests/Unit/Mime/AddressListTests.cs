using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Mime.Headers;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Mime;

public class AddressListTests
{
    [Theory]
    [InlineData("alice@example.test", "alice@example.test")]
    [InlineData(" Alice <alice@example.test>\r\n", "alice@example.test")]
    [InlineData("\"Q. Smith, Jr.\" <q@x.test>, John Q. Public <john.q@y.test>", "q@x.test|john.q@y.test")]
    [InlineData("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "pete@silly.test")]
    [InlineData("A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n     joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)", "c@public.example|joe@example.org|jdoe@one.test")]
    [InlineData("Undisclosed recipients:;", "")]
    [InlineData("Mary Smith <@node.test,@other.test:mary@example.net>, , jdoe@test  . example", "mary@example.net|jdoe@test.example")]
    [InlineData("=?utf-8?q?J=C3=B6rg?= <joerg@example.test>", "joerg@example.test")]
    [InlineData("\"a b\"@example.test", "\"a b\"@example.test")]
    [InlineData("\"plain\"@example.test", "plain@example.test")]
    [InlineData("\"a\\\"b\\\\\"@example.test", "\"a\\\"b\\\\\"@example.test")]
    [InlineData("john . doe @ example . test", "john.doe@example.test")]
    [InlineData("u@[192.0.2.1]", "u@[192.0.2.1]")]
    [InlineData("[list] someone <s@x.test>", "s@x.test")]
    [InlineData("a@x.test <b@y.test>", "a@x.test|b@y.test")]
    [InlineData("Jörg <j@x.test>", "j@x.test")]
    [InlineData("(a (b (c)) d) e@x.test", "e@x.test")]
    [InlineData("", "")]
    public void Reads(string value, string expected)
    {
        var into = new List<string>();
        AddressList.TryRead(Encoding.UTF8.GetBytes(value), into).ShouldBeTrue();
        string.Join('|', into).ShouldBe(expected);
    }

    [Theory]
    [InlineData("alice")]
    [InlineData("alice@")]
    [InlineData("@example.test")]
    [InlineData("a b@example.test")]
    [InlineData("a..b@example.test")]
    [InlineData(".a@example.test")]
    [InlineData("a.@example.test")]
    [InlineData("<a@x.test")]
    [InlineData("a@x.test b@y.test")]
    [InlineData("a@x.test; b@y.test")]
    [InlineData("<a@x.test> <b@y.test>")]
    [InlineData("\"unended <a@x.test>")]
    [InlineData("(unended a@x.test")]
    [InlineData("group: a@x.test")]
    [InlineData("\"\"@x.test")]
    [InlineData("\"a\r\n\0b\"@x.test")]
    [InlineData("a\0@x.test")]
    [InlineData("=?utf-8?q?alice?=@example.test")]
    [InlineData("a@x.test\0")]
    [InlineData("a@[1.2.3.4")]
    [InlineData("a@x..test")]
    public void Refuses(string value) => AddressList.TryRead(Encoding.UTF8.GetBytes(value), []).ShouldBeFalse();

    [Fact]
    public void Comments_nest_to_a_bounded_depth()
    {
        AddressList.TryRead(Encoding.ASCII.GetBytes(new string('(', 32) + new string(')', 32) + "a@x.test"), []).ShouldBeTrue();
        AddressList.TryRead(Encoding.ASCII.GetBytes(new string('(', 33) + new string(')', 33) + "a@x.test"), []).ShouldBeFalse();
        AddressList.TryRead(Encoding.ASCII.GetBytes(new string('(', 1_000_000)), []).ShouldBeFalse();
    }

    [Fact]
    public void A_thousand_addresses_and_no_more()
    {
        var list = string.Join(',', Enumerable.Range(0, 1000).Select(i => $"u{i}@x.test"));
        var into = new List<string>();
        AddressList.TryRead(Encoding.ASCII.GetBytes(list), into).ShouldBeTrue();
        into.Count.ShouldBe(1000);
        AddressList.TryRead(Encoding.ASCII.GetBytes(list + ",v@x.test"), []).ShouldBeFalse();
    }

    [Fact]
    public void Never_throws_on_random_octets_and_gives_no_control_characters()
    {
        var alphabet = Gen.Elements("\"\\()<>@,;:.[] \t\r\n\0a=?é"u8.ToArray());
        var inputs = Gen.ArrayOf(alphabet);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(3000).WithEndSize(60), Prop.ForAll(Arb.From(inputs), octets =>
        {
            var into = new List<string>();
            AddressList.TryRead(octets, into);
            return into.All(a => a.Contains('@') && !a.Any(c => c is '\r' or '\n' or '\0'));
        }));
    }
}
