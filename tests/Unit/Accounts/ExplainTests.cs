using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Accounts;

public sealed class ExplainTests
{
    static readonly Picture Example = new Picture()
        .Domain("example.test").Domain("old.example", "example.test").Domain("off.example", enabled: false)
        .Account("alice@example.test").Account("bob@example.test").Account("carl@example.test", enabled: false)
        .Alias("sales@example.test", "alice@example.test", "team@example.test", "x@far.example")
        .Alias("team@example.test", "bob+team@example.test", "carl@example.test")
        .Alias("abuse@*", "alice@example.test").Alias("info*@example.test", "bob@example.test")
        .Alias("alice@example.test", "alice@example.test", "al@far.example")
        .Alias("*@*.example.test", "bob@example.test");

    [Theory]
    [InlineData("bob@example.test", "bob@example.test is an account: INBOX of bob@example.test")]
    [InlineData("bob+x@old.example",
        "old.example is another name of example.test: bob+x@example.test",
        "bob+x@example.test is no account; bob@example.test is: folder x of bob@example.test when it exists, else INBOX")]
    [InlineData("sales+q@example.test",
        "sales+q@example.test is no account; sales@example.test is an alias: alice@example.test, team@example.test and x@far.example (the tag q goes with it)",
        "alice@example.test is an account with an alias of the same name: alice@example.test and al@far.example",
        "alice@example.test is the account itself: folder q of alice@example.test when it exists, else INBOX",
        "al@far.example is on another host: sent on",
        "team@example.test is an alias: bob+team@example.test and carl@example.test",
        "bob+team@example.test is no account; bob@example.test is: folder team of bob@example.test when it exists, else INBOX",
        "carl@example.test is an account, but disabled: refused (550 5.2.1)",
        "x@far.example is on another host: sent on")]
    [InlineData("abuse@old.example",
        "old.example is another name of example.test: abuse@example.test",
        "abuse@example.test matches abuse@* (in all our domains): alice@example.test",
        "alice@example.test is an account with an alias of the same name: alice@example.test and al@far.example",
        "alice@example.test is the account itself: INBOX of alice@example.test",
        "al@far.example is on another host: sent on")]
    [InlineData("info-x@example.test",
        "info-x@example.test is no account and no alias, but matches info*@example.test: bob@example.test",
        "bob@example.test is an account: INBOX of bob@example.test")]
    [InlineData("z@sub.example.test",
        "z@sub.example.test is in a subdomain; *@*.example.test catches it: bob@example.test",
        "bob@example.test is an account: INBOX of bob@example.test")]
    [InlineData("postmaster@example.test",
        "postmaster@example.test: no account or alias of this name, but every domain has a postmaster (RFC 5321 §4.5.1), so the first account stands in: alice@example.test")]
    [InlineData("nobody@example.test", "nobody@example.test is no account, no alias and matches no pattern: refused as unknown (550 5.1.1)")]
    [InlineData("a@off.example", "off.example is switched off: refused (550 5.2.1)")]
    [InlineData("a@far.example", "far.example is not one of our domains: mail for a@far.example goes to another host, and only from those who may relay")]
    public void Tells_the_story(string address, params string[] steps) => Example.Resolve(address, explain: true).Steps.ShouldBe(steps);

    [Fact]
    public void Tells_of_a_loop() =>
        new Picture().Domain("example.test").Alias("a@example.test", "b@example.test").Alias("b@example.test", "a@example.test")
            .Resolve("a@example.test", explain: true).Steps[^1].ShouldBe("a loop: a@example.test → b@example.test → a@example.test: put off (451)");
}
