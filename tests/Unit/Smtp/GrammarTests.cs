using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Smtp.Grammar;
using Posthorn.Smtp.Server;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Smtp;

public class GrammarTests
{
    static MailParameters Mail(string s) => MailArguments.Parse(Encoding.UTF8.GetBytes(s));

    static RcptParameters Rcpt(string s, bool utf8 = false) => RcptArguments.Parse(Encoding.UTF8.GetBytes(s), utf8, "mail.example.test");

    static SmtpFault Bad(Action parse) => Should.Throw<BadSyntax>(parse).Reply;

    [Fact]
    public void Mail_with_every_parameter()
    {
        var m = Mail("from:<Smith@Bar.COM> SIZE=12 body=8bitmime SMTPUTF8 RET=hdrs ENVID=a+2Bb+20c AUTH=<>");
        m.ReversePath!.ToString().ShouldBe("Smith@bar.com");
        m.Size.ShouldBe(12);
        m.Body.ShouldBe(BodyType.EightBitMime);
        m.SmtpUtf8.ShouldBeTrue();
        m.Return.ShouldBe("HDRS");
        m.EnvelopeId.ShouldBe("a+b c");
        m.Auth.ShouldBe("<>");
    }

    [Fact]
    public void Mail_with_nothing()
    {
        var m = Mail("FROM:<>");
        m.ShouldBe(new MailParameters(null, null, BodyType.SevenBit, false, null, null, null));
    }

    [Theory]
    [InlineData("FROM:<a@b.example> BODY=BINARYMIME", BodyType.BinaryMime)]
    [InlineData("FROM:<a@b.example> BODY=7bit", BodyType.SevenBit)]
    public void Body(string text, BodyType body) => Mail(text).Body.ShouldBe(body);

    [Theory]
    [InlineData("TO:<a@b.example>")]
    [InlineData("FROM")]
    [InlineData("")]
    [InlineData("FROM:<a@b.example> SIZE")]
    [InlineData("FROM:<a@b.example> SIZE=")]
    [InlineData("FROM:<a@b.example> =12")]
    [InlineData("FROM:<a@b.example> BODY=9BIT")]
    [InlineData("FROM:<a@b.example> BODY=7BIT BODY=7BIT")]
    [InlineData("FROM:<a@b.example> RET=SOME")]
    [InlineData("FROM:<a@b.example> ENVID=a+0Ab")]
    [InlineData("FROM:<a@b.example> ENVID=a+0D")]
    [InlineData("FROM:<a@b.example> ENVID=+")]
    [InlineData("FROM:<a@b.example> ENVID=+4")]
    [InlineData("FROM:<a@b.example> AUTH=a+00b")]
    [InlineData("FROM:<a@b.example>\tSIZE=1")]
    [InlineData("FROM:<a@b.example>SIZE=1")]
    [InlineData("FROM:<> SI?ZE=1")]
    public void Mail_with_bad_arguments(string text) => Bad(() => Mail(text)).ShouldBe(SmtpFault.Arguments);

    [Fact]
    public void Long_envelope_ids_are_refused()
    {
        Mail("FROM:<> ENVID=" + new string('a', 100)).EnvelopeId!.Length.ShouldBe(100);
        Bad(() => Mail("FROM:<> ENVID=" + new string('a', 101))).ShouldBe(SmtpFault.Arguments);
    }

    [Theory]
    [InlineData("TO:<@a.example,@b.example:c@d.example>", "c@d.example")]
    [InlineData("TO:<@[192.0.2.1]:c@d.example>", "c@d.example")]
    [InlineData("TO:<\"a b\"@d.example>", "\"a b\"@d.example")]
    [InlineData("TO:<\"a\\\"b\"@d.example>", "\"a\\\"b\"@d.example")]
    [InlineData("TO:<c@[IPv6:2001:db8::1]>", "c@[IPv6:2001:db8::1]")]
    [InlineData("TO:<pOstmaster>", "postmaster@mail.example.test")]
    [InlineData("to: <c@d.example>", "c@d.example")]
    [InlineData("TO:<c%e@d.example>", "c%e@d.example")]
    [InlineData("TO:<e!c@d.example>", "e!c@d.example")]
    public void Recipients(string text, string address) => Rcpt(text).Recipient.ToString().ShouldBe(address);

    [Theory]
    [InlineData("TO:<>")]
    [InlineData("TO:<postmasters>")]
    [InlineData("TO:<a@b.example")]
    [InlineData("TO:a@b.example")]
    [InlineData("TO:<a@b@c.example>")]
    [InlineData("TO:<a..b@c.example>")]
    [InlineData("TO:<@a.example>")]
    [InlineData("TO:<@a.example:>")]
    [InlineData("TO:<@a.example;c@d.example>")]
    [InlineData("TO:<a@-b.example>")]
    [InlineData("TO:<\"\"@b.example>")]
    [InlineData("TO:")]
    public void Recipients_that_are_none(string text) => Bad(() => Rcpt(text)).ShouldBe(SmtpFault.RecipientSyntax);

    /// <summary>Threat table: CRLF in envelope; control characters even in quotes are 553 5.1.3.</summary>
    [Theory]
    [InlineData("TO:<\"a\tb\"@c.example>")]
    [InlineData("TO:<\"a\\\u0001b\"@c.example>")]
    [InlineData("TO:<a\u007f@c.example>")]
    [InlineData("TO:<a@c\u001b.example>")]
    [InlineData("TO:<@a\u0002.example:b@c.example>")]
    public void Controls_in_addresses(string text)
    {
        Bad(() => Rcpt(text)).ShouldBe(SmtpFault.ControlInAddress);
        Bad(() => Mail("FROM" + text[2..])).ShouldBe(SmtpFault.ControlInAddress);
    }

    [Fact]
    public void Dsn_parameters()
    {
        var r = Rcpt("TO:<a@b.example> notify=success,DELAY ORCPT=rfc822;Dana+2BA+40x@Ivory.EDU");
        r.Notify.ShouldBe("SUCCESS,DELAY");
        r.OriginalRecipient.ShouldBe("rfc822;Dana+A@x@Ivory.EDU");
        Rcpt(@"TO:<a@b.example> ORCPT=utf-8;\x{6C49}\x{2B}@b.example").OriginalRecipient.ShouldBe("utf-8;汉+@b.example");
        Rcpt("TO:<a@b.example> ORCPT=utf-8;汉@b.example", utf8: true).OriginalRecipient.ShouldBe("utf-8;汉@b.example");
    }

    [Theory]
    [InlineData("NOTIFY=NEVER,SUCCESS")]
    [InlineData("NOTIFY=SUCCESS,SUCCESS")]
    [InlineData("NOTIFY=SOMETIMES")]
    [InlineData("NOTIFY=,")]
    [InlineData("ORCPT=rfc822")]
    [InlineData("ORCPT=;a@b.example")]
    [InlineData("ORCPT=rfc822;a+0D+0Ab")]
    [InlineData(@"ORCPT=utf-8;\x{A}")]
    [InlineData(@"ORCPT=utf-8;\x{D800}")]
    [InlineData(@"ORCPT=utf-8;\x{110000}")]
    [InlineData(@"ORCPT=utf-8;\x{}")]
    [InlineData(@"ORCPT=utf-8;\x{41")]
    public void Dsn_parameters_that_are_none(string parameter) => Bad(() => Rcpt("TO:<a@b.example> " + parameter)).ShouldBe(SmtpFault.Arguments);

    [Fact]
    public void Unknown_parameters_are_555()
    {
        Bad(() => Mail("FROM:<> FOO=bar")).ShouldBe(SmtpFault.UnknownParameter);
        Bad(() => Rcpt("TO:<a@b.example> SIZE=1")).ShouldBe(SmtpFault.UnknownParameter);
    }

    [Fact]
    public void Beyond_ASCII_only_with_SMTPUTF8()
    {
        Bad(() => Mail("FROM:<jörg@b.example>")).ShouldBe(SmtpFault.NeedsSmtpUtf8);
        Bad(() => Mail("FROM:<a@bücher.example>")).ShouldBe(SmtpFault.NeedsSmtpUtf8);
        Mail("FROM:<jörg@bücher.example> SMTPUTF8").ReversePath!.Domain.ShouldBe("xn--bcher-kva.example");
        Bad(() => Rcpt("TO:<jörg@b.example>")).ShouldBe(SmtpFault.NeedsSmtpUtf8);
        Rcpt("TO:<jörg@b.example>", utf8: true).Recipient.LocalPart.ShouldBe("jörg");
    }

    [Theory]
    [InlineData("12", 12, false)]
    [InlineData("0 LAST", 0, true)]
    [InlineData(" 12  last ", 12, true)]
    public void Chunks(string text, long size, bool last)
    {
        ChunkArguments.TryParse(Encoding.ASCII.GetBytes(text), out var s, out var l).ShouldBeTrue();
        (s, l).ShouldBe((size, last));
    }

    [Theory, InlineData(""), InlineData("-1"), InlineData("1 FIRST"), InlineData("1 LAST 2"), InlineData("1x"), InlineData("1234567890123456789"), InlineData("+1")]
    public void Chunks_that_are_none(string text) => ChunkArguments.TryParse(Encoding.ASCII.GetBytes(text), out _, out _).ShouldBeFalse();

    /// <summary>Whatever the octets are, the grammar gives a value without control characters or refuses.</summary>
    [Fact]
    public void No_octets_break_the_grammar()
    {
        var words = new[] { "FROM:", "TO:", "<", ">", "@", "a", "b.example", "\"", "\\", ":", ",", " ", "SIZE=", "ENVID=", "+0A", "+41", "ORCPT=", "utf-8;", "rfc822;", @"\x{", "}", "NOTIFY=", "NEVER", "AUTH=", "\r", "\n", "\0", "\t", "ö", "\u00ff", "[", "]", "IPv6:", "127.0.0.1", "=" };
        var gen = Gen.Elements(words).ListOf().Select(w => string.Concat(w));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5000), Prop.ForAll(gen.ToArbitrary(), text =>
        {
            foreach (var prefix in new[] { "FROM:<", "TO:<", "", "FROM:<> ", "TO:<a@b.example> " })
            {
                var octets = Encoding.Latin1.GetBytes(prefix + text);
                try
                {
                    Clean(MailArguments.Parse(octets) is var m ? [m.ReversePath?.ToString(), m.EnvelopeId, m.Auth] : []);
                }
                catch (BadSyntax) { }
                try
                {
                    Clean(RcptArguments.Parse(octets, true, "h.example") is var r ? [r.Recipient.ToString(), r.OriginalRecipient, r.Notify] : []);
                }
                catch (BadSyntax) { }
                ChunkArguments.TryParse(octets, out _, out _);
            }
        }));
    }

    static void Clean(string?[] values)
    {
        foreach (var value in values) (value ?? "").Any(char.IsControl).ShouldBeFalse();
    }
}
