using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Mime.Envelopes;
using Posthorn.Mime.Structure;
using Posthorn.Tests.Testing.Imap;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Mime;

public class EnvelopeTests
{
    internal static string Of(string header, string prefix = "")
    {
        var text = PartTree.Read(Encoding.UTF8.GetBytes(header + "\r\n"), Encoding.UTF8.GetBytes(prefix)).Envelope.Span;
        ImapShapes.Envelope(ImapValue.Parse(text));
        Envelope.Parse(text).ShouldNotBeNull();
        return Encoding.UTF8.GetString(text);
    }

    static string To(string addresses) => Of("To: " + addresses + "\r\n")["(NIL NIL NIL NIL NIL ".Length..^" NIL NIL NIL NIL)".Length];

    /// <summary>RFC 3501 §8 and RFC 9051 §8.</summary>
    [Fact]
    public void The_example_of_the_rfc() => Of(
        "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\nFrom: Terry Gray <gray@cac.washington.edu>\r\nSubject: IMAP4rev1 WG mtg summary and minutes\r\n" +
        "To: imap@cac.washington.edu\r\ncc: minutes@CNRI.Reston.VA.US,\r\n   John Klensin <KLENSIN@MIT.EDU>\r\nMessage-Id: <B27397-0100000@cac.washington.edu>\r\n" +
        "MIME-Version: 1.0\r\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n").ShouldBe(
        """("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) ((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "<B27397-0100000@cac.washington.edu>")""");

    /// <summary>RFC 5322 appendix A and what is not RFC 5322 at all.</summary>
    [Theory]
    [InlineData("Mary Smith <mary@example.net>", """(("Mary Smith" NIL "mary" "example.net"))""")]
    [InlineData("Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>", """(("Mary Smith" NIL "mary" "x.test")(NIL NIL "jdoe" "example.org")("Who?" NIL "one" "y.test"))""")]
    [InlineData("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>", """((NIL NIL "boss" "nil.test")("Giant; \"Big\" Box" NIL "sysservices" "example.net"))""")]
    [InlineData("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;", """((NIL NIL "A Group" NIL)("Ed Jones" NIL "c" "a.test")(NIL NIL "joe" "where.test")("John" NIL "jdoe" "one.test")(NIL NIL NIL NIL))""")]
    [InlineData("Undisclosed recipients:;", """((NIL NIL "Undisclosed recipients" NIL)(NIL NIL NIL NIL))""")]
    [InlineData("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", """(("Pete" NIL "pete" "silly.test"))""")]
    [InlineData("A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
        """((NIL NIL "A Group" NIL)("Chris Jones" NIL "c" "public.example")(NIL NIL "joe" "example.org")("John" NIL "jdoe" "one.test")(NIL NIL NIL NIL))""")]
    [InlineData("Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example", """(("Mary Smith" "@node.test" "mary" "example.net")(NIL NIL "jdoe" "test.example"))""")]
    [InlineData("Joe Q. Public <john.q.public@example.com>", """(("Joe Q. Public" NIL "john.q.public" "example.com"))""")]
    [InlineData("john . doe @ example.com", """((NIL NIL "john.doe" "example.com"))""")]
    [InlineData("\"a b\"@x.example", """((NIL NIL "a b" "x.example"))""")]
    [InlineData("gray@cac.washington.edu (Terry Gray)", """(("Terry Gray" NIL "gray" "cac.washington.edu"))""")]
    [InlineData("Terry Gray gray@cac.example", """(("Terry Gray" NIL "gray" "cac.example"))""")]
    [InlineData("a@x.example <b@y.example>", """(("a@x.example" NIL "b" "y.example"))""")]
    [InlineData("root", """((NIL NIL "root" ""))""")]
    [InlineData("root, <>, <x>", """((NIL NIL "root" "")(NIL NIL "" "")(NIL NIL "x" ""))""")]
    [InlineData("@", """((NIL NIL "" ""))""")]
    [InlineData("", "NIL")]
    [InlineData("(only a comment)", "NIL")]
    [InlineData(" , ; ,", "NIL")]
    [InlineData("a@[IPv6:2001:db8::1]", """((NIL NIL "a" "[IPv6:2001:db8::1]"))""")]
    [InlineData("a@b; c@d", """((NIL NIL "a" "b")(NIL NIL "c" "d"))""")]
    [InlineData("g: a@b", """((NIL NIL "g" NIL)(NIL NIL "a" "b")(NIL NIL NIL NIL))""")]
    [InlineData("g: h: a@b;;", """((NIL NIL "g" NIL)(NIL NIL "a" "b")(NIL NIL NIL NIL))""")]
    [InlineData("\"unclosed <a@b>", """((NIL NIL "unclosed <a@b>" ""))""")]
    [InlineData("A <a@b", """(("A" NIL "a" "b"))""")]
    [InlineData("a@b>c, d@e", """((NIL NIL "a" "b")(NIL NIL "d" "e"))""")]
    [InlineData("=?utf-8?Q?J=C3=B6rg?= <j@b>", """(("=?utf-8?Q?J=C3=B6rg?=" NIL "j" "b"))""")]
    [InlineData("Jörg <j@b>", "(({5}\r\nJörg NIL \"j\" \"b\"))")]
    [InlineData("a\0b <c\u0001@d>", "(({3}\r\na?b NIL {2}\r\nc\u0001 \"d\"))")]
    [InlineData("\"x\" \"y\" <a@b>", """(("x y" NIL "a" "b"))""")]
    [InlineData("[list] <a@b>", """(("[list]" NIL "a" "b"))""")]
    public void Addresses(string list, string expected) => To(list).ShouldBe(expected);

    [Theory]
    [InlineData("From: a@b\r\nSender: \r\nReply-To: c@d\r\n", """(NIL NIL ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) ((NIL NIL "c" "d")) NIL NIL NIL NIL NIL)""")]
    [InlineData("Subject:\r\nDate: \r\n", """("" "" NIL NIL NIL NIL NIL NIL NIL NIL)""")]
    [InlineData("Subject: one\r\n two\r\n\tthree\r\nSubject: no\r\n", "(NIL \"one two\tthree\" NIL NIL NIL NIL NIL NIL NIL NIL)")]
    [InlineData("To: a@b\r\nTo: c@d\r\nFrom: e@f\r\nFrom: g@h\r\n", """(NIL NIL ((NIL NIL "e" "f")) ((NIL NIL "e" "f")) ((NIL NIL "e" "f")) ((NIL NIL "a" "b")(NIL NIL "c" "d")) NIL NIL NIL NIL)""")]
    [InlineData("Subject : a\\b\"c\r\n", """(NIL "a\\b\"c" NIL NIL NIL NIL NIL NIL NIL NIL)""")]
    [InlineData("", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)")]
    public void Fields(string header, string expected) => Of(header).ShouldBe(expected);

    [Fact]
    public void Fields_of_the_prefix_come_first() =>
        Of("Subject: s\r\nDate: late\r\n", "Received: from x\r\n\tby y\r\nDate: early\r\nMessage-ID: <i@h>\r\n").ShouldBe("""("early" "s" NIL NIL NIL NIL NIL NIL NIL "<i@h>")""");

    [Fact]
    public void Ten_thousand_addresses_become_a_thousand()
    {
        var list = string.Concat(Enumerable.Range(0, 10_000).Select(i => $"a{i}@b,"));
        ImapValue.Parse(Encoding.UTF8.GetBytes(Of("To: " + list + "\r\nTo: " + list + "\r\nCc: g:" + list + "\r\n")))[5].List!.Count.ShouldBe(1000);
    }

    [Fact]
    public void A_flood_of_fields_stays_small()
    {
        var flood = string.Concat(Enumerable.Repeat("To: " + string.Concat(Enumerable.Repeat("some.body@example.com, ", 100)) + "\r\n", 2000));
        Of(flood).Length.ShouldBeLessThan(200_000);
        PartTree.Encode(PartTree.Read(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("Content-Type: message/rfc822\r\nSubject: " + new string('x', 100_000) + "\r\n\r\n", 60)))))
            .Length.ShouldBeLessThan(1_000_000);
    }

    [Fact]
    public void Taken_apart_again()
    {
        var e = Envelope.Parse(Encoding.UTF8.GetBytes(Of("Subject: =?utf-8?Q?caf=C3=A9?= \"x\"\r\nFrom: Jörg <j@b>\r\nTo: \"a \\\"b\\\"\" <x@y>, g: z@z;\r\nMessage-ID: <i@h>\r\n")));
        e.Subject.ShouldBe("café \"x\"");
        e.From.ShouldBe([new("Jörg", "j", "b")]);
        e.ReplyTo.ShouldBe(e.From);
        e.To.ShouldBe([new("a \"b\"", "x", "y"), new(null, "g", null), new(null, "z", "z"), new(null, null, null)]);
        (e.Date, e.MessageId).ShouldBe((null, "<i@h>"));
    }

    [Fact]
    public void Parse_throws_nothing_but_FormatException()
    {
        var good = Encoding.UTF8.GetBytes(Of("Subject: a\"b\r\nFrom: Jörg <j@b>\r\nTo: g: z@z;\r\n"));
        for (var n = 0; n < good.Length; n++) Should.Throw<FormatException>(() => Envelope.Parse(good.AsSpan(0, n)));
        var random = new Random(1);
        for (var i = 0; i < 5000; i++)
        {
            var bad = good.ToArray();
            bad[random.Next(bad.Length)] = (byte)random.Next(256);
            try { Envelope.Parse(bad); }
            catch (FormatException) { }
        }
    }

    /// <summary>Against a simple reference: names, local parts and hosts made of plain words, written with comments and folding between.</summary>
    [Fact]
    public void Agrees_with_a_reference_on_well_formed_lists()
    {
        var word = Gen.Elements("a", "bc", "d1", "x-y", "z_z");
        var space = Gen.Elements("", " ", "\r\n ", " (c) ", " (c (d) \\) e) ");
        var mailbox =
            from name in Gen.Frequency((1, Gen.Constant("")), (2, word), (1, word.Select(w => w + " " + w)), (1, word.Select(w => "\"" + w + ", \\\"" + w + "\"")))
            from local in Gen.OneOf(word, word.Select(w => w + "." + w))
            from host in word.Select(w => w + ".example")
            from s in space.ArrayOf(4)
            select (Text: $"{s[0]}{name}{(name == "" ? "" : " ")}<{s[1].Trim()}{local}@{host}>{s[2]}",
                Shown: $"({(name == "" ? s[0].Contains("(c)") ? "\"c\"" : s[0].Contains("(c ") ? "\"c (d) \\\\) e\"" : "NIL" : name.StartsWith('"') ? name : '"' + name + '"')} NIL \"{local}\" \"{host}\")");
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(Arb.From(mailbox.NonEmptyListOf()), list =>
            To(string.Join(",", list.Select(m => m.Text))).ShouldBe("(" + string.Concat(list.Select(m => m.Shown)) + ")")));
    }

    [Fact]
    public void Odd_lists_are_always_sane()
    {
        var piece = Gen.Elements("a", "@", "<", ">", ":", ";", ",", "(", ")", "\"", "\\", " ", ".", "[", "]", "\r\n ", "\0", "é", "g:", "x@y");
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5000).WithEndSize(60), Prop.ForAll(Arb.From(Gen.ArrayOf(piece)), p => { Of("From: " + string.Concat(p) + "\r\n"); }));
    }
}
