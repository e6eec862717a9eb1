using Posthorn.Accounts.Addresses;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Accounts;

public sealed class AddressRulesTests
{
    static Picture Example() => new Picture().Domain("example.test").Domain("old.example", "example.test").Account("bob@example.test");

    static void Refused(Picture picture, string code, string text)
    {
        var problem = picture.Problems().ShouldHaveSingleItem();
        problem.Code.ShouldBe(code);
        problem.Text.ShouldBe(text);
    }

    [Fact]
    public void A_dangling_target() => Refused(Example().Alias("x@example.test", "nobody@example.test"), "target",
        "alias x@example.test leads to nobody@example.test, but there is no such address here");

    [Fact]
    public void A_dangling_target_behind_another_name() => Refused(Example().Alias("x@example.test", "nobody@old.example"), "target",
        "alias x@example.test leads to nobody@old.example, but there is no such address here");

    [Fact]
    public void A_loop_to_itself() => Refused(Example().Alias("x@example.test", "x+y@old.example"), "loop",
        "alias x@example.test leads into a loop: x@example.test → x@example.test");

    [Fact]
    public void A_catch_all_that_catches_its_own_target() => Refused(Example().Alias("*@example.test", "nobody@example.test"), "loop",
        "alias *@example.test leads into a loop: *@example.test → *@example.test");

    [Fact]
    public void A_loop_over_three()
    {
        var picture = Example().Alias("a@example.test", "b@example.test").Alias("b@example.test", "c@example.test").Alias("c@*", "a@example.test");
        picture.Problems().Select(p => p.Code).ShouldBe(["loop", "loop", "loop"]);
        picture.Problems()[0].Text.ShouldBe("alias a@example.test leads into a loop: a@example.test → b@example.test → c@* → a@example.test");
    }

    [Fact]
    public void Too_long_a_chain()
    {
        var picture = Example();
        for (var i = 0; i < 11; i++) picture.Alias($"a{i}@example.test", i == 10 ? "bob@example.test" : $"a{i + 1}@example.test");
        var problem = picture.Problems().ShouldHaveSingleItem();
        problem.Text.ShouldStartWith("alias a0@example.test leads into more than 10 aliases in a row: a0@example.test → ");
    }

    [Fact]
    public void An_alias_that_takes_an_accounts_mail() => Refused(Example().Alias("bob@example.test", "b@far.example"), "account",
        "alias bob@example.test: this is an account, which would get no more mail; to send copies on, name bob@example.test among the targets too");

    [Fact]
    public void A_pattern_of_a_domain_that_is_not_ours() => Refused(Example().Alias("x@far.example", "bob@example.test"), "domain",
        "alias x@far.example: far.example is not one of our domains");

    [Fact]
    public void A_pattern_that_another_name_would_hide() => Refused(Example().Alias("x@old.example", "bob@example.test"), "domain",
        "alias x@old.example: old.example is another name of example.test: write x@example.test");

    [Fact]
    public void Subdomains_of_another_name_are_fine() => Example().Alias("*@*.old.example", "bob@example.test").Problems().ShouldBeEmpty();

    [Fact]
    public void An_old_fault_does_not_block_a_change()
    {
        var before = Example().Alias("x@example.test", "nobody@example.test");
        var after = Example().Alias("x@example.test", "nobody@example.test").Alias("y@example.test", "bob@example.test");
        AddressRules.New(before.Rows, after.Rows, new()).ShouldBeEmpty();
        AddressRules.New(after.Rows, Example().Alias("y@example.test", "x@example.test").Rows, new()).ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData("Sales@Example.TEST", "sales@example.test")]
    [InlineData("sales@*", "sales@*")]
    [InlineData("*@Example.test", "*@example.test")]
    [InlineData("*@*.example.test", "*@*.example.test")]
    [InlineData("Info.*@example.test", "info.*@example.test")]
    [InlineData("x@bücher.example", "x@xn--bcher-kva.example")]
    [InlineData("\"a b\"@example.test", "\"a b\"@example.test")]
    public void Patterns_have_one_normal_form(string text, string normal)
    {
        AliasPattern.TryParse(text, out var pattern, out _).ShouldBeTrue();
        pattern!.ToString().ShouldBe(normal);
        AliasPattern.TryParse(normal, out var again, out _).ShouldBeTrue();
        again.ShouldBe(pattern);
    }

    [Theory]
    [InlineData("")]
    [InlineData("sales")]
    [InlineData("@example.test")]
    [InlineData("sales@")]
    [InlineData("*@*")]
    [InlineData("info*@*")]
    [InlineData("sales@*.example.test")]
    [InlineData("in*fo@example.test")]
    [InlineData("**@example.test")]
    [InlineData("a..b@example.test")]
    [InlineData("x@[127.0.0.1]")]
    [InlineData("x@exa mple.test")]
    public void What_is_no_pattern_is_refused_with_a_reason(string text)
    {
        AliasPattern.TryParse(text, out _, out var reason).ShouldBeFalse();
        reason.ShouldNotBeNullOrEmpty();
    }
}
