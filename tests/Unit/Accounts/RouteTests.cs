using FsCheck;
using FsCheck.Fluent;
using Posthorn.Accounts.Routes;
using Posthorn.Wire.Addresses;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Accounts;

public sealed class RouteTests
{
    [Theory]
    [InlineData("mx", "mx")]
    [InlineData(" MX ", "mx")]
    [InlineData("smtp:relay.corp.example:25", "smtp:relay.corp.example:25")]
    [InlineData("smtp:Relay.Corp.Example", "smtp:relay.corp.example:25")]
    [InlineData("smtp:bücher.example:587", "smtp:xn--bcher-kva.example:587")]
    [InlineData("smtps:relay.example", "smtps:relay.example:465")]
    [InlineData("smtp:192.0.2.1:2525", "smtp:192.0.2.1:2525")]
    [InlineData("smtp:[2001:DB8::1]", "smtp:[2001:db8::1]:25")]
    [InlineData("smtp:[2001:db8::1]:2525", "smtp:[2001:db8::1]:2525")]
    [InlineData("lmtp:localhost:24", "lmtp:localhost:24")]
    [InlineData("lmtp:unix:/run/dovecot/lmtp", "lmtp:unix:/run/dovecot/lmtp")]
    [InlineData("mbox:/var/mail/{user}", "mbox:/var/mail/{user}")]
    [InlineData("maildir:/home/{user}/Maildir/", "maildir:/home/{user}/Maildir/")]
    [InlineData("maildir:/srv/{domain}/{user}", "maildir:/srv/{domain}/{user}")]
    [InlineData("discard", "discard")]
    [InlineData("hold", "hold")]
    public void A_transport_has_one_text(string text, string normal)
    {
        var transport = Transport.Parse(text);
        transport.ToString().ShouldBe(normal);
        Transport.Parse(normal).ShouldBe(transport);
    }

    [Theory]
    [InlineData("", "is no transport")]
    [InlineData("pigeon:x", "is no transport")]
    [InlineData("smtp", "a host is missing")]
    [InlineData("smtp:", "a host is missing")]
    [InlineData("smtp:re lay", "is no host name")]
    [InlineData("smtp:relay:0", "is no port")]
    [InlineData("smtp:relay:65536", "is no port")]
    [InlineData("smtp:relay:+25", "is no port")]
    [InlineData("smtp:2001:db8::1", "in brackets")]
    [InlineData("smtp:[192.0.2.1]:25", "is no IPv6 address")]
    [InlineData("smtp:[fe80::1%eth0]", "is no IPv6 address")]
    [InlineData("smtp:[::1", "[address]")]
    [InlineData("lmtp:localhost", "no port of its own")]
    [InlineData("lmtp:localhost:25", "port 25")]
    [InlineData("lmtp:unix:run/lmtp", "begin with \"/\"")]
    [InlineData("lmtp:unix:/run/{user}", "same for every recipient")]
    [InlineData("mbox:mail/{user}", "begin with \"/\"")]
    [InlineData("mbox:", "a path is missing")]
    [InlineData("mbox:/var/mail/", "not a directory")]
    [InlineData("mbox:/var/mail/{home}", "{user} and {domain}")]
    [InlineData("mbox:/var/../etc/{user}", "no place in the path")]
    [InlineData("mbox:/var/mail/a\nb", "control characters")]
    [InlineData("mx:far.example", "nothing follows")]
    [InlineData("discard:", "nothing follows")]
    public void What_is_no_transport_is_told_why(string text, string why)
    {
        Transport.TryParse(text, out var none, out var reason).ShouldBeFalse();
        none.ShouldBeNull();
        reason.ShouldNotBeNull().ShouldContain(why);
    }

    [Fact]
    public void Any_text_is_read_or_refused_and_what_is_read_is_written_back() => Prop.ForAll(
        (from kind in Gen.Elements("mx", "smtp:", "smtps:", "lmtp:", "lmtp:unix:", "mbox:", "maildir:", "discard", "hold", "")
         from rest in Gen.Elements("", "a.example", "[::1]", "[", "]", ":", "25", "/a", "/{user}", "{", "..", "%", "@", " ", "é", "\0").ListOf(4)
         select kind + string.Concat(rest)).ToArbitrary(),
        text => !Transport.TryParse(text, out var transport, out _) || Transport.Parse(transport.ToString()) == transport).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("Example.NET", "example.net")]
    [InlineData("*@example.net", "example.net")]
    [InlineData("*.corp.example", "*.corp.example")]
    [InlineData("*@*.corp.example", "*.corp.example")]
    [InlineData("User@Example.net", "user@example.net")]
    [InlineData("bücher.example", "xn--bcher-kva.example")]
    [InlineData("[192.0.2.1]", "[192.0.2.1]")]
    public void Patterns_have_one_form(string text, string normal)
    {
        RoutePattern.TryParse(text, out var pattern, out _).ShouldBeTrue();
        pattern!.ToString().ShouldBe(normal);
        RoutePattern.TryParse(normal, out var same, out _).ShouldBeTrue();
        same.ShouldBe(pattern);
    }

    [Theory]
    [InlineData("*", "route default")]
    [InlineData("*@*", "route default")]
    [InlineData("", "route default")]
    [InlineData("a*@example.net", "no pattern")]
    [InlineData("user@*.example.net", "no pattern")]
    [InlineData("*.*.example.net", "no pattern")]
    [InlineData("ex ample.net", "no pattern")]
    [InlineData("*.[192.0.2.1]", "no pattern")]
    public void What_is_no_pattern_is_told_why(string text, string why)
    {
        RoutePattern.TryParse(text, out _, out var reason).ShouldBeFalse();
        reason!.ShouldContain(why);
    }

    static readonly RouteBook Book = new(
    [
        Of(1, RouteKind.Default, "", "smtp:default.example"),
        Of(2, RouteKind.Recipient, "*.example", "smtp:widest.example"),
        Of(3, RouteKind.Recipient, "*.corp.example", "smtp:below.example"),
        Of(4, RouteKind.Recipient, "corp.example", "smtp:domain.example"),
        Of(5, RouteKind.Recipient, "boss@corp.example", "smtp:boss.example"),
        Of(6, RouteKind.Sender, "shop.test", "smtp:shop.example"),
        Of(7, RouteKind.Sender, "*.test", "smtp:test.example"),
        Of(8, RouteKind.Sender, "boss@shop.test", "smtp:seller.example"),
        Of(9, RouteKind.Recipient, "dns.example", "mx"),
    ]);

    static Route Of(long id, RouteKind kind, string pattern, string transport) => new(id, kind, pattern, Transport.Parse(transport), new(), RouteRows.Name(kind, pattern));

    [Theory]
    [InlineData("boss@corp.example", "boss@shop.test", 5)]
    [InlineData("BOSS@corp.example", null, 5)]
    [InlineData("boss+x@corp.example", null, 4)]
    [InlineData("x@corp.example", "boss@shop.test", 4)]
    [InlineData("x@a.corp.example", "boss@shop.test", 3)]
    [InlineData("x@a.b.corp.example", null, 3)]
    [InlineData("x@notcorp.example", null, 2)]
    [InlineData("x@dns.example", "boss@shop.test", 9)]
    [InlineData("x@far.net", "boss@shop.test", 8)]
    [InlineData("x@far.net", "a@shop.test", 6)]
    [InlineData("x@far.net", "a@b.shop.test", 7)]
    [InlineData("x@far.net", "a@test", 1)]
    [InlineData("x@far.net", null, 1)]
    [InlineData("x@[192.0.2.1]", null, 1)]
    [InlineData("x@example", null, 1)]
    public void The_most_specific_route_wins_recipients_before_senders(string recipient, string? sender, long id) =>
        Book.Find(EmailAddress.TryParse(recipient)!, sender is null ? null : EmailAddress.TryParse(sender)).Id.ShouldBe(id);

    [Fact]
    public void Without_routes_it_is_the_exchangers() => RouteBook.Empty.Find(EmailAddress.TryParse("x@far.net")!, null).ShouldBe(RouteBook.Mx);

    [Fact]
    public void Only_an_address_or_its_very_domain_takes_mail_of_ours_away()
    {
        Book.FindOwn(EmailAddress.TryParse("boss@corp.example")!)!.Id.ShouldBe(5);
        Book.FindOwn(EmailAddress.TryParse("x@corp.example")!)!.Id.ShouldBe(4);
        Book.FindOwn(EmailAddress.TryParse("x@a.corp.example")!).ShouldBeNull();
        Book.FindOwn(EmailAddress.TryParse("x@dns.example")!).ShouldBeNull();
    }

    [Fact]
    public void Settings_are_written_as_they_are_read()
    {
        (string, string)[] texts =
        [
            ("tls", "verified"), ("login", "us er"), ("tokenCommand", "/usr/bin/token --for \"a b\" \"\""), ("concurrency", "3"), ("rate", "60"),
            ("retryFirst", "30s"), ("retryMost", "90m"), ("delayNotice", "4h"), ("giveUp", "5d"), ("giveUpBounces", "36h"),
        ];
        var settings = RouteSettingsText.Read(texts);
        RouteSettingsText.Write(settings).ShouldBe(texts);
        settings.Login!.TokenCommand.ShouldBe(["/usr/bin/token", "--for", "a b", ""]);
        settings.GiveUpBounces.ShouldBe(TimeSpan.FromHours(36));
    }

    [Fact]
    public void Commands_are_split_and_joined() => Prop.ForAll(
        Gen.Elements("a", " ", "\"", "\\", "/", "é").ListOf(5).Select(string.Concat).ListOf(3).ToArbitrary(),
        words => words.Count == 0 || CommandLine.TrySplit(CommandLine.Join([.. words]), out var back) && back.SequenceEqual(words)).QuickCheckThrowOnFailure();

    [Fact]
    public void A_row_that_cannot_be_read_does_not_stop_the_others()
    {
        var book = RouteRows.Book([new(1, 1, "far.example", "pigeon", "", default), new(2, 9, "far.example", "hold", "", default), new(3, 1, "far.example", "hold", "tls maybe", default), new(4, 1, "far.example", "discard", "", default)]);
        book.All.ShouldHaveSingleItem().Transport.Kind.ShouldBe(TransportKind.Discard);
    }
}
