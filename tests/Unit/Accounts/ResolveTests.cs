using Posthorn.Accounts;
using Posthorn.Wire.Addresses;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Accounts;

public sealed class ResolveTests
{
    static Picture Example() => new Picture()
        .Domain("example.test").Domain("shop.example").Domain("old.example", "example.test")
        .Account("alice@example.test").Account("bob@example.test").Account("carol@shop.example")
        .Alias("sales@example.test", "alice@example.test", "x@far.example")
        .Alias("abuse@*", "alice@example.test")
        .Alias("info*@example.test", "bob@example.test")
        .Alias("info-fr*@example.test", "alice@example.test")
        .Alias("*@shop.example", "carol@shop.example")
        .Alias("*@*.example.test", "bob@example.test")
        .Alias("*@*.lab.example.test", "alice@example.test");

    [Theory]
    [InlineData("bob@example.test", "bob@example.test")]
    [InlineData("BOB@EXAMPLE.TEST", "bob@example.test")]
    [InlineData("bob@old.example", "bob@example.test")]
    [InlineData("bob+x@old.example", "bob@example.test/x")]
    [InlineData("bob+X+y@example.test", "bob@example.test/X+y")]
    [InlineData("bob+@example.test", "bob@example.test")]
    [InlineData("sales@example.test", "alice@example.test", "→ x@far.example")]
    [InlineData("Sales+q3@old.example", "alice@example.test/q3", "→ x@far.example")]
    [InlineData("abuse@shop.example", "alice@example.test")]
    [InlineData("abuse+spam@shop.example", "alice@example.test/spam")]
    [InlineData("abuse@any.example.test", "alice@example.test")]
    [InlineData("info@example.test", "bob@example.test")]
    [InlineData("info-de@example.test", "bob@example.test")]
    [InlineData("Info-FR-paris@example.test", "alice@example.test")]
    [InlineData("whoever@shop.example", "carol@shop.example")]
    [InlineData("whoever+tag@shop.example", "carol@shop.example")]
    [InlineData("carol+tag@shop.example", "carol@shop.example/tag")]
    [InlineData("any@a.b.example.test", "bob@example.test")]
    [InlineData("any@a.lab.example.test", "alice@example.test")]
    [InlineData("any@lab.example.test", "bob@example.test")]
    [InlineData("Postmaster@example.test", "alice@example.test")]
    [InlineData("postmaster@shop.example", "carol@shop.example")]
    public void Ends_where_the_order_says(string address, params string[] ends) => Example().Ends(address).ShouldBe(ends);

    [Theory]
    [InlineData("nobody@example.test", ResolutionStatus.NoSuchUser)]
    [InlineData("+x@example.test", ResolutionStatus.NoSuchUser)]
    [InlineData("bob@far.example", ResolutionStatus.NotLocal)]
    [InlineData("bob@sub.shop.example", ResolutionStatus.NotLocal)]
    [InlineData("bob@sub.old.example", ResolutionStatus.NotLocal)]
    [InlineData("bob@[127.0.0.1]", ResolutionStatus.NotLocal)]
    public void Ends_nowhere(string address, ResolutionStatus status)
    {
        Example().Resolve(address).Status.ShouldBe(status);
        Example().Resolve(address, explain: true).Status.ShouldBe(status);
    }

    [Fact]
    public void An_alias_on_an_account_keeps_the_copy_it_names()
    {
        var picture = new Picture().Domain("example.test").Account("bob@example.test")
            .Alias("bob@example.test", "bob@example.test", "bob@far.example");
        picture.Problems().ShouldBeEmpty();
        picture.Ends("bob@example.test").ShouldBe(["bob@example.test", "→ bob@far.example"]);
        picture.Ends("bob+x@example.test").ShouldBe(["bob@example.test/x", "→ bob@far.example"]);
    }

    [Fact]
    public void Two_ways_to_one_mailbox_deliver_once()
    {
        var picture = new Picture().Domain("example.test").Account("bob@example.test")
            .Alias("all@example.test", "team@example.test", "bob@example.test", "ops@example.test")
            .Alias("team@example.test", "bob@example.test").Alias("ops@example.test", "team@example.test", "Bob@example.test");
        picture.Ends("all@example.test").ShouldBe(["bob@example.test"]);
    }

    [Fact]
    public void What_is_switched_off_takes_no_mail()
    {
        var picture = new Picture().Domain("example.test").Domain("off.example", enabled: false)
            .Account("alice@example.test").Account("bob@example.test", enabled: false).Account("eve@off.example")
            .Alias("both@example.test", "alice@example.test", "bob@example.test").Alias("one@example.test", "bob@example.test");
        picture.Resolve("bob@example.test").Status.ShouldBe(ResolutionStatus.Disabled);
        picture.Resolve("bob+x@example.test").Status.ShouldBe(ResolutionStatus.Disabled);
        picture.Resolve("eve@off.example").Status.ShouldBe(ResolutionStatus.Disabled);
        picture.Resolve("one@example.test").Status.ShouldBe(ResolutionStatus.Disabled);
        picture.Ends("both@example.test").ShouldBe(["alice@example.test"]);
        picture.Directory().IsLocalDomain("off.example").ShouldBeTrue(); // refused, never relayed
    }

    [Fact]
    public void A_loop_that_got_into_the_store_is_put_off_not_lost()
    {
        var picture = new Picture().Domain("example.test").Account("bob@example.test")
            .Alias("a@example.test", "b@example.test", "bob@example.test").Alias("b@example.test", "a@example.test");
        var resolution = picture.Resolve("a@example.test");
        resolution.Status.ShouldBe(ResolutionStatus.Broken);
        resolution.Destinations.ShouldBeEmpty();
    }

    [Fact]
    public void The_row_that_cannot_be_read_does_not_stop_the_others()
    {
        var picture = new Picture().Domain("example.test").Account("bob@example.test")
            .Alias("not a pattern", "bob@example.test").Alias("x@example.test", "no address").Alias("y@example.test", "bob@example.test");
        picture.Ends("y@example.test").ShouldBe(["bob@example.test"]);
        picture.Problems().Count.ShouldBe(2);
    }

    [Fact]
    public void Postmaster_without_a_domain_is_the_default_domains()
    {
        var picture = new Picture { Options = new() { DefaultDomain = "shop.example" } }
            .Domain("example.test").Domain("shop.example").Account("alice@example.test").Account("carol@shop.example");
        Picture.Words(picture.Directory().ResolvePostmaster()).ShouldBe(["carol@shop.example"]);
        new Picture().Directory().ResolvePostmaster().Status.ShouldBe(ResolutionStatus.NoSuchUser);
    }

    [Theory]
    [InlineData(2, "bob@example.test", true)]
    [InlineData(2, "bob+x@old.example", true)]
    [InlineData(2, "BOB@example.test", true)]
    [InlineData(2, "info-de@example.test", true)]
    [InlineData(2, "alice@example.test", false)]
    [InlineData(2, "sales@example.test", false)]
    [InlineData(1, "sales@example.test", false)]
    [InlineData(1, "abuse@shop.example", true)]
    [InlineData(2, "bob@far.example", false)]
    [InlineData(9, "bob@example.test", false)]
    public void Sends_only_as_what_reaches_it_alone(long account, string address, bool may) =>
        Example().Directory().MaySendAs(account, EmailAddress.TryParse(address)!).ShouldBe(may);

    [Fact]
    public void Sends_as_itself_though_an_alias_also_forwards_it()
    {
        var picture = new Picture().Domain("example.test").Account("bob@example.test").Alias("bob@example.test", "bob@example.test", "b@far.example");
        picture.Directory().MaySendAs(1, EmailAddress.TryParse("bob@example.test")!).ShouldBeTrue();
    }

    [Theory]
    [InlineData("bob@example.test", 2L)]
    [InlineData("Bob@Example.Test", 2L)]
    [InlineData("bob@old.example", 2L)]
    [InlineData("bob", null)]
    [InlineData("bob+x@example.test", null)]
    [InlineData("sales@example.test", null)]
    [InlineData("@", null)]
    [InlineData("", null)]
    public void Logs_in_by_name(string name, long? id) => Example().Directory().ByLogin(name)?.Id.ShouldBe(id ?? -1);

    [Fact]
    public void A_name_without_a_domain_is_completed()
    {
        var picture = new Picture { Options = new() { DefaultDomain = "example.test" } }.Domain("example.test").Account("bob@example.test");
        picture.Directory().ByLogin("BOB")!.Id.ShouldBe(1);
        picture.Directory().ByLogin("alice").ShouldBeNull();
    }

    [Fact]
    public void Plain_resolution_of_an_account_or_alias_makes_nothing_new()
    {
        using var directory = Example().Directory();
        EmailAddress[] addresses = [.. new[] { "bob@example.test", "bob@old.example", "sales@example.test", "info-de@example.test", "x@a.example.test" }.Select(a => EmailAddress.TryParse(a)!)];
        foreach (var address in addresses) directory.Resolve(address);
        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var address in addresses) directory.Resolve(address);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    [Fact]
    public void A_change_is_seen_at_the_next_question()
    {
        var picture = new Picture().Domain("example.test");
        using var directory = picture.Directory();
        directory.ByLogin("bob@example.test").ShouldBeNull();
        picture.Account("bob@example.test");
        directory.Reload();
        directory.ByLogin("bob@example.test").ShouldNotBeNull();
    }
}
