using System.Text;
using Posthorn.Accounts;
using Posthorn.Accounts.Plans;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Accounts;

public sealed class PlanTests
{
    public const string Example = """
        // seven domains, twelve mailboxes
        { "domains": {
            "example.test": ["old.example", "example.example", "xn--bcher-kva.example"],
            "shop.example": ["store.example"],
            "club.example": []
          }, "accounts": {
            "alice@example.test": {"name": "Alice Ä. \"Al\"", "quota": "2G", "hash": "$6$rounds=1000$saltsalt$Em2jzNBqFAJqT/q.bRSMAplawUmMm0rkqk6pHMhGZX7YlKFWULhIf/dEY6daDN0fqVy1DC76gXo88DpZFnjR5/"},
            "bob@example.test": "$5$rounds=1000$saltsalt$C5Iq3ww6yaCo4XuQVli3JosY.RcXWVwEem3kBd1Tg37",
            "carl@example.test": {"enabled": false},
            "dora@example.test": {},
            "emil@example.test": {"quota": "1500", "messageQuota": 20},
            "fritz@example.test": {"language": "de"},
            "gina@shop.example": {},
            "hans@shop.example": {},
            "ida@shop.example": {},
            "jan@club.example": {},
            "kim@club.example": {},
            "lea@club.example": {}
          }, "aliases": {
            "*@club.example": "kim@club.example",
            "*@*.shop.example": {"to": ["gina@shop.example", "hans+sub@shop.example"], "enabled": false},
            "abuse@*": ["alice@example.test", "bob+abuse@example.test", "far@far.example"]
          } }

        """;

    static Plan Parse(string text) => Plan.Parse(Encoding.UTF8.GetBytes(text));

    [Fact]
    public void Is_written_as_it_is_read()
    {
        var text = Parse(Example).ToString();
        text.ShouldBe(string.Join('\n', Example.Split('\n').Skip(1)));
        text.Count(c => c == '\n').ShouldBeLessThanOrEqualTo(25);
        Parse(text).ToString().ShouldBe(text);
    }

    [Theory]
    [InlineData("{\n\"domain\": {}}", "line 2, domain: unknown; there are domains, accounts, aliases and routes")]
    [InlineData("{\"accounts\": {\n\"a@x.test\": {\n\"quto\": 1}}}", "line 3, accounts.a@x.test.quto: unknown; an account has name, quota, messageQuota, language, enabled, forward, keep, hash, salt and appPasswords")]
    [InlineData("{\"accounts\": {\"a@x.test\": \"secret\"}}", "line 1, accounts.a@x.test: this is no password hash of a known kind (and passwords themselves are never in a plan)")]
    [InlineData("{\"accounts\": {\"a@x.test\": {\"quota\": \"2X\"}}}", "line 1, accounts.a@x.test.quota: this is no size; write 500M or 2G")]
    [InlineData("{\"accounts\": {\"a@x.test\": {\"enabled\": 1}}}", "line 1, accounts.a@x.test.enabled: true or false is wanted")]
    [InlineData("{\"domains\": {\"x.test\": [\n\"y.test\",\n\"-\"]}}", "line 3, domains.x.test[1]: this is no domain name")]
    [InlineData("{\"aliases\": {\"a@*\": []}}", "line 1, aliases.a@*: name at least one address")]
    [InlineData("{\"aliases\": {\"a@*\": {\"enabled\": true}}}", "line 1, aliases.a@*: \"to\" is missing")]
    [InlineData("{\"aliases\": {\n\"*@*\": \"a@x.test\"}}", "line 2, aliases.*@*: \"*@*\" would catch mail in all our domains at once: write it for each domain, as *@domain")]
    [InlineData("{\"domains\": {\"x.test\": [],\n\"x.test\": []}}", "line 2, domains.x.test: this is there twice")]
    [InlineData("[]", "line 1, the document: an object is wanted")]
    public void A_slip_is_named_with_its_place(string json, string text) =>
        Should.Throw<AccountRefusal>(() => Parse(json)).Message.ShouldBe(text);

    const string Salt = "AAECAwQFBgcICQoLDA0ODw==";
    const string Keys = "4096$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=$AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=$AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    [Fact]
    public void App_passwords_stay_on_the_line_of_their_account()
    {
        const string Text = $$$$"""
            { "domains": {
              }, "accounts": {
                "a@x.test": {"salt": "{{{{Salt}}}}", "appPasswords": {"old phone": "{{{{Keys}}}}", "desk \"1\"": {"keys": "{{{{Keys}}}}", "scopes": ["imap", "smtp"], "expires": "2030-12-31T23:59:59.123456Z"}}},
                "b@x.test": {"appPasswords": {}}
              }, "aliases": {
              } }

            """;
        var plan = Parse(Text);
        plan.ToString().ShouldBe(Text);
        plan.Accounts[0].AppPasswords.ShouldBe([
            new("old phone", Keys),
            new("desk \"1\"", Keys, "imap smtp", new DateTimeOffset(2030, 12, 31, 23, 59, 59, 123, 456, TimeSpan.Zero))]);
    }

    [Theory]
    [InlineData("\"salt\": \"AAAA\"", ".salt: this is no salt of an account")]
    [InlineData("\"salt\": \"" + Salt + "\"", ": a \"salt\" is for \"appPasswords\", and there are none")]
    [InlineData("\"appPasswords\": {\"p\": \"" + Keys + "\"}", ": \"appPasswords\" need the \"salt\" they were made with")]
    [InlineData("\"appPasswords\": {\"p\": \"abcd-efgh\"}", ".appPasswords.p: these are no keys of an app password (and app passwords themselves are never in a plan)")]
    [InlineData("\"appPasswords\": {\"p\": \"1" + Keys + "=\"}", ".appPasswords.p: these are no keys of an app password (and app passwords themselves are never in a plan)")]
    [InlineData("\"appPasswords\": {\"p\": {\"scopes\": []}}", ".appPasswords.p: \"keys\" is missing")]
    [InlineData("\"appPasswords\": {\"p\": {\"scopes\": [\"ftp\"]}}", ".appPasswords.p.scopes[0]: this is no scope; there are smtp, pop3, imap, jmap, sieve, dav")]
    [InlineData("\"appPasswords\": {\"p\": {\"expires\": \"soon\"}}", ".appPasswords.p.expires: this is no time; write 2030-12-31T23:59:59Z")]
    [InlineData("\"appPasswords\": {\"p\": \"" + Keys + "\", \"P\": \"" + Keys + "\"}", ".appPasswords.P: this is there twice")]
    [InlineData("\"appPasswords\": {\"\": \"" + Keys + "\"}", ".appPasswords.: an app password has a name of 1 to 100 characters")]
    public void A_slip_in_app_passwords_is_named_too(string members, string text) =>
        Should.Throw<AccountRefusal>(() => Parse("{\"accounts\": {\"a@x.test\": {" + members + "}}}")).Message.ShouldBe("line 1, accounts.a@x.test" + text);

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{\n\"domains\": {]")]
    [InlineData("{} {}")]
    [InlineData("{\"domains\": {\"\\ud800\": []}}")]
    [InlineData("{\"a\":[[[[[[[[[[1]]]]]]]]]]}")]
    public void What_is_no_json_is_refused(string json) => Should.Throw<AccountRefusal>(() => Parse(json)).Message.ShouldStartWith("line ");

    [Theory]
    [InlineData("0", 0)]
    [InlineData("1500", 1500)]
    [InlineData("2g", 2L << 30)]
    [InlineData("500 M", 500L << 20)]
    [InlineData("8796093022207K", 8796093022207L << 10)]
    public void Sizes(string text, long octets)
    {
        PlanReader.TrySize(text, out var size).ShouldBeTrue();
        size.ShouldBe(octets);
        PlanReader.TrySize(PlanWriter.Size(size), out var again).ShouldBeTrue();
        again.ShouldBe(octets);
    }

    [Theory]
    [InlineData("")]
    [InlineData("G")]
    [InlineData("-1")]
    [InlineData("1.5G")]
    [InlineData("9999999999999T")]
    public void What_is_no_size(string text) => PlanReader.TrySize(text, out _).ShouldBeFalse();
}
