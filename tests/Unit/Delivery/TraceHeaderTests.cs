using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using Posthorn.Delivery.Inbound;
using Posthorn.Mime.Headers;
using Posthorn.Smtp.Server;
using Posthorn.Wire.Addresses;
using Posthorn.Wire.Sasl;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery;

public class TraceHeaderTests
{
    static readonly DateTimeOffset At = new(2026, 3, 1, 7, 5, 9, TimeSpan.FromHours(2));

    static string Golden(string name, [CallerFilePath] string here = "") =>
        File.ReadAllText(Path.Combine(Path.GetDirectoryName(here)!, "Golden", name)).ReplaceLineEndings("\r\n");

    static SmtpClientInfo Client(string ip = "192.0.2.7", SmtpService service = SmtpService.Relay) =>
        new() { Service = service, Address = IPAddress.Parse(ip), Helo = "client.far.example", Extended = true, SessionId = "s" };

    static MailParameters Mail(bool utf8 = false) => new(EmailAddress.TryParse("sender@far.example"), null, BodyType.SevenBit, utf8, null, null, null);

    static byte[] Common(SmtpClientInfo client, string? only, string message = "From: a@b\r\n\r\n", bool utf8 = false) =>
        TraceHeader.Common("mail.example.test"u8, client, Mail(utf8), "0abc", only is null ? null : EmailAddress.TryParse(only), At, HeaderSummary.Read(Encoding.UTF8.GetBytes(message)));

    [Fact]
    public void One_recipient()
    {
        var prefix = TraceHeader.Final(EmailAddress.TryParse("sender@far.example"), new EmailAddress("bob", "example.test"), Common(Client(), "bob@example.test"));
        Encoding.UTF8.GetString(prefix).ShouldBe(Golden("one-recipient.txt"));
    }

    [Fact]
    public void Several_recipients_are_not_named_and_the_null_sender_is_empty()
    {
        var client = Client("2001:db8::1");
        client.ReverseName = "mx.far.example";
        Encoding.UTF8.GetString(TraceHeader.Final(null, new EmailAddress("bob", "example.test"), Common(client, null))).ShouldBe(Golden("null-sender.txt"));
    }

    [Fact]
    public void A_submission_gets_the_fields_it_lacks()
    {
        var client = Client("::ffff:192.0.2.9", SmtpService.Submission);
        client.Principal = new Principal(1, "bob@example.test", "PLAIN", "password");
        client.Tls = "TLS1.3";
        Encoding.UTF8.GetString(Common(client, "x@far.example")).ShouldBe(Golden("submission.txt"));
        Encoding.UTF8.GetString(Common(client, "x@far.example", "Date: x\r\nMessage-ID: <y>\r\n\r\n")).Split("\r\n").Length.ShouldBe(4);
    }

    [Theory]
    [InlineData(SmtpService.Relay, false, false, false, false, "SMTP")]
    [InlineData(SmtpService.Relay, true, false, false, false, "ESMTP")]
    [InlineData(SmtpService.Relay, true, true, false, false, "ESMTPS")]
    [InlineData(SmtpService.Submission, true, false, true, false, "ESMTPA")]
    [InlineData(SmtpService.Submission, true, true, true, false, "ESMTPSA")]
    [InlineData(SmtpService.Relay, true, false, false, true, "UTF8SMTP")]
    [InlineData(SmtpService.Relay, true, true, false, true, "UTF8SMTPS")]
    [InlineData(SmtpService.Submission, true, false, true, true, "UTF8SMTPA")]
    [InlineData(SmtpService.Submission, true, true, true, true, "UTF8SMTPSA")]
    [InlineData(SmtpService.Lmtp, true, false, false, false, "LMTP")]
    [InlineData(SmtpService.Lmtp, true, true, false, false, "LMTPS")]
    [InlineData(SmtpService.Lmtp, true, false, true, false, "LMTPA")]
    [InlineData(SmtpService.Lmtp, true, true, true, false, "LMTPSA")]
    [InlineData(SmtpService.Lmtp, true, true, true, true, "UTF8LMTPSA")]
    public void Protocol_names_of_RFC_3848_and_RFC_6531(SmtpService service, bool extended, bool tls, bool login, bool utf8, string name)
    {
        var client = Client(service: service);
        client.Extended = extended;
        client.Tls = tls ? "TLS1.3" : null;
        client.Principal = login ? new Principal(1, "a@b", "PLAIN", "password") : null;
        Encoding.ASCII.GetString(TraceHeader.Protocol(client, utf8)).ShouldBe(name);
    }

    [Theory]
    [InlineData("a\r\nX-Evil: 1")]
    [InlineData("a\nb\0c\td (x) <y>; \"z\"")]
    [InlineData("")]
    public void CRLF_in_envelope_headers_we_emit(string evil)
    {
        var client = Client();
        client.Helo = evil;
        client.ReverseName = evil;
        // The grammar refuses such an address; were one to come from elsewhere, it would still make no line.
        var address = new EmailAddress(evil, "example.test");
        var prefix = Encoding.UTF8.GetString(TraceHeader.Final(address, address, Common(client, null)));
        prefix.Split("\r\n").Length.ShouldBe(6);
        prefix.Replace("\r\n", "").ShouldNotContain('\r');
        prefix.Replace("\r\n", "").ShouldNotContain('\n');
        prefix.ShouldNotContain('\0');
    }

    [Theory]
    [InlineData("192.0.2.7", "[192.0.2.7]")]
    [InlineData("::ffff:192.0.2.7", "[192.0.2.7]")]
    [InlineData("2001:db8::1", "[IPv6:2001:db8::1]")]
    [InlineData("fe80::1%3", "[IPv6:fe80::1]")]
    [InlineData("::1", "[IPv6:::1]")]
    public void Address_literals_of_RFC_5321_4_1_3(string ip, string literal)
    {
        var w = new OctetWriter(new byte[64]);
        w.AddLiteral(IPAddress.Parse(ip));
        Encoding.ASCII.GetString(w.Written).ShouldBe(literal);
        EmailAddress.TryParse("a@" + literal).ShouldNotBeNull();
    }

    [Theory]
    [InlineData("[IPv6:2001:db8::7]", "[IPv6:2001:db8::7]")]
    [InlineData("x)(by=evil;", "x??by?evil?")]
    [InlineData("a%b{c}~`", "a?b?c???")]
    public void A_HELO_cannot_end_its_clause(string helo, string shown)
    {
        var client = Client();
        client.Helo = helo;
        Encoding.UTF8.GetString(Common(client, null)).ShouldStartWith($"Received: from {shown} (unknown [192.0.2.7])\r\n\tby mail.example.test with ");
    }

    [Fact]
    public void The_longest_names_fit()
    {
        var client = Client("2001:db8:1111:2222:3333:4444:5555:6666");
        client.Helo = new string('h', 5000);
        client.ReverseName = new string('r', 5000);
        var address = new EmailAddress(new string('"', 64), new string('d', 255));
        TraceHeader.Final(address, address, TraceHeader.Common(new byte[255], client, Mail(), "0123456789abc", address, At, HeaderSummary.Read("A: b\r\n\r\n"u8))).Length.ShouldBeLessThan(4096);
    }

    [Fact]
    public void Dates_as_RFC_5322_has_them()
    {
        for (var at = At; at < At.AddDays(400); at = at.AddHours(37.13))
        {
            var w = new OctetWriter(new byte[64]);
            w.AddDate(at);
            Encoding.ASCII.GetString(w.Written).ShouldBe(at.UtcDateTime.ToString("ddd, d MMM yyyy HH:mm:ss +0000", System.Globalization.CultureInfo.InvariantCulture));
        }
    }
}
