using Posthorn.Accounts;
using Posthorn.Wire.Addresses;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Accounts;

/// <summary>Forwards of accounts and routes of our own addresses, as they change where an address ends.</summary>
public sealed class ForwardTests
{
    static Picture Small() => new Picture().Domain("x.test").Domain("old.test", "x.test").Account("a@x.test").Account("b@x.test").Account("c@x.test").Account("off@x.test", enabled: false);

    [Fact]
    public void A_forward_keeps_a_copy_or_does_not()
    {
        Small().Forward("a@x.test", true, "f@far.example").Ends("a@x.test").ShouldBe(["a@x.test", "→ f@far.example"]);
        Small().Forward("a@x.test", false, "f@far.example", "b@x.test").Ends("A+t@old.test").ShouldBe(["→ f@far.example", "b@x.test/t"]);
    }

    [Fact]
    public void A_circle_of_forwards_leaves_the_mail_in_the_mailboxes_of_the_circle()
    {
        var picture = Small().Forward("a@x.test", false, "b@x.test").Forward("b@x.test", false, "c@x.test", "f@far.example").Forward("c@x.test", false, "b@x.test");
        picture.Ends("a@x.test").ShouldBe(["b@x.test", "c@x.test", "→ f@far.example"]);
        picture.Ends("c@x.test").ShouldBe(["c@x.test", "b@x.test", "→ f@far.example"]);
        Small().Forward("a@x.test", false, "a@x.test").Ends("a@x.test").ShouldBe(["a@x.test"]);
    }

    [Fact]
    public void A_circle_through_an_alias_leaves_the_mail_with_who_forwards()
    {
        var picture = Small().Forward("a@x.test", false, "team@x.test").Alias("team@x.test", "a@x.test", "b@x.test");
        picture.Problems().ShouldBeEmpty();
        picture.Ends("team@x.test").ShouldBe(["a@x.test", "b@x.test"]);
        picture.Ends("a@x.test").ShouldBe(["a@x.test", "b@x.test"]);
    }

    [Fact]
    public void A_forward_that_nobody_takes_leaves_the_mail_where_it_is()
    {
        Small().Forward("a@x.test", false, "off@x.test", "nobody@x.test").Ends("a@x.test").ShouldBe(["a@x.test"]);
        Small().Forward("off@x.test", false, "a@x.test").Resolve("off@x.test").Status.ShouldBe(ResolutionStatus.Disabled);
    }

    [Fact]
    public void Too_long_a_chain_ends_in_the_mailbox_it_came_to()
    {
        var picture = new Picture().Domain("x.test");
        for (var i = 0; i < 20; i++) picture.Account($"a{i}@x.test");
        for (var i = 0; i < 19; i++) picture.Forward($"a{i}@x.test", false, $"a{i + 1}@x.test");
        picture.Ends("a0@x.test").ShouldBe(["a10@x.test"]);
    }

    [Fact]
    public void Many_ways_through_many_forwards_cost_little()
    {
        var picture = new Picture().Domain("x.test");
        string[] all = [.. Enumerable.Range(0, 20).Select(i => $"a{i}@x.test")];
        foreach (var one in all) picture.Account(one);
        foreach (var one in all) picture.Forward(one, false, all);
        picture.Ends("a0@x.test").Order().ShouldBe(all.Order());
    }

    [Fact]
    public void A_forward_changes_nothing_of_who_may_send()
    {
        var directory = Small().Forward("a@x.test", false, "b@x.test").Alias("info@x.test", "a@x.test").Route("x.test", "mbox:/var/mail/{user}").Directory();
        directory.MaySendAs(1, EmailAddress.TryParse("a@old.test")!).ShouldBeTrue();
        directory.MaySendAs(1, EmailAddress.TryParse("info@x.test")!).ShouldBeTrue();
        directory.MaySendAs(2, EmailAddress.TryParse("a@x.test")!).ShouldBeFalse();
        directory.MaySendAs(2, EmailAddress.TryParse("info@x.test")!).ShouldBeFalse();
    }

    [Fact]
    public void Who_sends_on_is_known()
    {
        static string? By(Picture picture, string address) => picture.Resolve(address).Destinations.OfType<Destination.Foreign>().Single().ForwardedBy?.ToString();
        By(Small().Forward("a@x.test", true, "f@far.example"), "a+t@old.test").ShouldBe("a@x.test");
        By(Small().Alias("s@x.test", "f@far.example"), "S+t@old.test").ShouldBe("s@x.test");
        By(Small().Alias("*@x.test", "f@far.example"), "Any+t@x.test").ShouldBe("any+t@x.test");
        By(Small().Alias("abuse@*", "f@far.example"), "abuse+t@x.test").ShouldBe("abuse@x.test");
        By(Small().Alias("s@x.test", "a@x.test").Forward("a@x.test", true, "f@far.example"), "s@x.test").ShouldBe("a@x.test");
        By(Small().Route("x.test", "lmtp:unix:/run/x"), "any@x.test").ShouldBeNull();
    }

    [Fact]
    public void What_forwards_lead_to_must_be_there()
    {
        Small().Forward("a@x.test", true, "nobody@x.test", "f@far.example").Problems().ShouldHaveSingleItem().Text.ShouldBe("account a@x.test forwards to nobody@x.test, but there is no such address here");
        Small().Forward("a@x.test", true, "nobody@x.test").Route("x.test", "lmtp:unix:/run/x").Problems().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("a@x.test", "→ a@x.test")]
    [InlineData("a+t@old.test", "→ a+t@x.test")]
    [InlineData("anybody@x.test", "→ anybody@x.test")]
    [InlineData("postmaster@x.test", "→ postmaster@x.test")]
    [InlineData("team@x.test", "→ b@x.test")]
    public void A_route_of_a_domain_of_ours_takes_all_its_addresses(string address, string end) =>
        Small().Alias("team@x.test", "b@x.test").Route("x.test", "lmtp:unix:/run/lmtp").Ends(address).ShouldBe([end]);

    [Fact]
    public void A_route_leaves_what_is_disabled_refused()
    {
        Small().Route("x.test", "hold").Resolve("off@x.test").Status.ShouldBe(ResolutionStatus.Disabled);
        Small().Domain("y.test", enabled: false).Route("y.test", "hold").Resolve("any@y.test").Status.ShouldBe(ResolutionStatus.Disabled);
    }

    [Fact]
    public void A_route_of_one_address_takes_that_alone()
    {
        var picture = Small().Route("a@x.test", "mbox:/var/mail/{user}").Route("new@x.test", "smtp:other.example");
        picture.Ends("a@x.test").ShouldBe(["→ a@x.test"]);
        picture.Ends("a+t@x.test").ShouldBe(["→ a@x.test"]); // a file needs no tag
        picture.Ends("b@x.test").ShouldBe(["b@x.test"]);
        picture.Ends("new@x.test").ShouldBe(["→ new@x.test"]);
        picture.Resolve("none@x.test").Status.ShouldBe(ResolutionStatus.NoSuchUser);
    }

    [Theory]
    [InlineData("*.test", "smtp:relay.example", 1)]
    [InlineData("x.test", "mx", 1)]
    [InlineData("x.test", "smtp:relay.example", 2)]
    [InlineData("", "smtp:relay.example", 0)]
    public void Routes_that_do_not_name_the_domain_leave_its_mailboxes_alone(string pattern, string transport, int kind)
    {
        var picture = Small().Route(pattern, transport, kind);
        picture.Ends("a@x.test").ShouldBe(["a@x.test"]);
        picture.Resolve("none@x.test").Status.ShouldBe(ResolutionStatus.NoSuchUser);
    }

    [Fact]
    public void A_route_for_another_name_of_a_domain_is_refused() =>
        Small().Route("old.test", "hold").Problems().ShouldHaveSingleItem().Text.ShouldBe("route old.test: old.test is another name of x.test: write x.test");

    [Theory]
    [InlineData("a@x.test", "a@x.test is an account: forwards to f@far.example, and keeps: INBOX of a@x.test|f@far.example is on another host: sent on")]
    [InlineData("b+t@x.test", "b+t@x.test is no account; b@x.test is: forwards to c@x.test, and keeps nothing|c@x.test is an account: forwards to b@x.test, and keeps nothing|b@x.test is an account: forwards to c@x.test, and keeps nothing|a circle of forwards: the mail stays with b@x.test and c@x.test")]
    [InlineData("r@y.test", "r@y.test is no account and no alias: route y.test: lmtp:unix:/run/lmtp")]
    [InlineData("z@y.test", "z@y.test is an account: route y.test: lmtp:unix:/run/lmtp")]
    public void Each_step_is_told(string address, string steps) =>
        string.Join('|', Small().Domain("y.test").Account("z@y.test").Route("y.test", "lmtp:unix:/run/lmtp")
            .Forward("a@x.test", true, "f@far.example").Forward("b@x.test", false, "c@x.test").Forward("c@x.test", false, "b@x.test")
            .Resolve(address, explain: true).Steps).ShouldBe(steps);
}
