using System.Text;
using Posthorn.Accounts;
using Posthorn.Accounts.Credentials;
using Posthorn.Accounts.Plans;
using Posthorn.Accounts.Routes;
using Posthorn.Accounts.Service;
using Posthorn.Wire.Addresses;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Accounts;

public sealed class RouteServiceTests : IAsyncLifetime
{
    readonly PasswordKdf _kdf = new(threads: 1);
    readonly string _files = Directory.CreateTempSubdirectory("posthorn-routes-").FullName;
    TestStore _store = null!;
    AccountService _accounts = null!;
    RouteService _routes = null!;
    AccountDirectory _directory = null!;

    public async ValueTask InitializeAsync()
    {
        _store = await TestStore.OpenAsync();
        _accounts = new(_store.Store, _kdf, new(), TimeProvider.System);
        _routes = new(_store.Store, new());
        _directory = new(_store.Store, new());
        await _accounts.AddDomainAsync("x.test", Ct);
        await _accounts.AddAccountAsync(new() { Address = "a@x.test" }, Ct);
    }

    public async ValueTask DisposeAsync()
    {
        _directory.Dispose();
        await _store.DisposeAsync();
        _kdf.Dispose();
        Directory.Delete(_files, recursive: true);
    }

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    string Secret(string name, string text = "secret", UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        var path = Path.Combine(_files, name);
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, mode);
        return path;
    }

    Task<RouteView> Add(string pattern, string transport, params (string, string)[] settings) => _routes.AddAsync(RouteKind.Recipient, pattern, transport, settings, Ct).AsTask();

    static async Task Refused(string text, Func<Task> act) => (await Should.ThrowAsync<AccountRefusal>(act)).Message.ShouldContain(text);

    static EmailAddress Parse(string text) => EmailAddress.TryParse(text)!;

    [Fact]
    public async Task A_route_is_in_the_picture_once_it_is_answered()
    {
        await Add("*.corp.example", "smtp:relay.corp.example:25", ("tls", "verified"), ("giveUp", "2d"));
        await _routes.AddAsync(RouteKind.Sender, "*@shop.example", "smtp:shop.example", [], Ct);
        await _routes.SetDefaultAsync("smtp:out.example", [], Ct);
        var found = _directory.Routes.Find(Parse("x@a.corp.example"), null);
        (found.Name, found.Transport.Host, found.Settings.Tls, found.Settings.GiveUp).ShouldBe(("*.corp.example", "relay.corp.example", TlsPolicy.Verified, TimeSpan.FromDays(2)));
        _directory.Routes.Find(Parse("x@far.example"), Parse("me@shop.example")).Name.ShouldBe("sender shop.example");
        _directory.Routes.Find(Parse("x@far.example"), null).Name.ShouldBe("default");
        _routes.List().Select(r => r.Name).ShouldBe(["*.corp.example", "sender shop.example", "default"]);

        (await _routes.SetDefaultAsync("mx", [], Ct)).Transport.ShouldBe("mx");
        _directory.Routes.Find(Parse("x@far.example"), null).ShouldBe(RouteBook.Mx);
        await _routes.RemoveAsync(RouteKind.Sender, "shop.example", Ct);
        _routes.List().ShouldHaveSingleItem();
        await Refused("there is no route sender shop.example", () => _routes.RemoveAsync(RouteKind.Sender, "shop.example", Ct).AsTask());
    }

    [Fact]
    public async Task A_route_is_changed_in_part()
    {
        await Add("far.example", "smtp:a.example", ("tls", "required"), ("rate", "5"), ("login", "me"), ("passwordFile", Secret("p")));
        var token = Secret("t");
        var set = await _routes.SetAsync(RouteKind.Recipient, "*@far.example", null, [("rate", "default"), ("tls", "verified"), ("tokenFile", token)], Ct);
        set.Transport.ShouldBe("smtp:a.example:25");
        set.Settings.ShouldBe([("tls", "verified"), ("login", "me"), ("tokenFile", token)]);
        await Refused("takes no login", () => _routes.SetAsync(RouteKind.Recipient, "far.example", "lmtp:localhost:24", [], Ct).AsTask());
        set = await _routes.SetAsync(RouteKind.Recipient, "far.example", "hold", [("login", "default"), ("tokenFile", "default"), ("tls", "default")], Ct);
        (set.Transport, set.Settings.Count).ShouldBe(("hold", 0));
    }

    [Fact]
    public async Task A_login_goes_over_TLS_or_not_at_all()
    {
        var file = Secret("p");
        (await Add("a.example", "smtp:relay.example", ("login", "me"), ("passwordFile", file))).Settings[0].ShouldBe(("tls", "required"));
        (await Add("b.example", "smtps:relay.example", ("login", "me"), ("passwordFile", file))).Settings[0].Name.ShouldBe("login");
        (await Add("c.example", "smtp:127.0.0.1:2525", ("login", "me"), ("passwordFile", file), ("tls", "none"))).Settings[0].ShouldBe(("tls", "none"));
        await Refused("needs tls required or verified", () => Add("d.example", "smtp:relay.example", ("login", "me"), ("passwordFile", file), ("tls", "opportunistic")));
    }

    [Fact]
    public async Task What_does_not_fit_is_refused_and_changes_nothing()
    {
        await Refused("is no transport", () => Add("far.example", "fax:1"));
        await Refused("no port of its own", () => Add("far.example", "lmtp:host"));
        await Refused("begin with \"/\"", () => Add("far.example", "mbox:mail/{user}"));
        await Refused("knows no TLS", () => Add("far.example", "lmtp:localhost:24", ("tls", "none")));
        await Refused("takes no login", () => Add("far.example", "mx", ("login", "me"), ("passwordFile", Secret("p"))));
        await Refused("TLS from the start", () => Add("far.example", "smtps:h.example", ("tls", "none")));
        await Refused("needs a user name", () => Add("far.example", "smtp:h.example", ("passwordFile", Secret("p"))));
        await Refused("one place for its secret", () => Add("far.example", "smtp:h.example", ("login", "me")));
        await Refused("one place for its secret", () => Add("far.example", "smtp:h.example", ("login", "me"), ("passwordFile", Secret("p")), ("tokenFile", Secret("t"))));
        await Refused("must begin with \"/\"", () => Add("far.example", "smtp:h.example", ("login", "me"), ("passwordFile", "p")));
        await Refused("there is no password file", () => Add("far.example", "smtp:h.example", ("login", "me"), ("passwordFile", Path.Combine(_files, "none"))));
        await Refused("is empty", () => Add("far.example", "smtp:h.example", ("login", "me"), ("passwordFile", Secret("e", ""))));
        await Refused("is open to others: chmod 600", () => Add("far.example", "smtp:h.example", ("login", "me"), ("tokenFile", Secret("o", mode: UnixFileMode.UserRead | UnixFileMode.OtherRead))));
        await Refused("by its whole path", () => Add("far.example", "smtp:h.example", ("login", "me"), ("tokenCommand", "token")));
        await Refused("is no program that can be run", () => Add("far.example", "smtp:h.example", ("login", "me"), ("tokenCommand", Secret("c"))));
        await Refused("is no time", () => Add("far.example", "mx", ("giveUp", "5 weeks")));
        await Refused("is no number from 1 to 1000", () => Add("far.example", "mx", ("concurrency", "0")));
        await Refused("none, opportunistic, required and verified", () => Add("far.example", "mx", ("tls", "maybe")));
        _routes.List().ShouldBeEmpty();
        await Add("far.example", "hold");
        await Refused("route far.example is there already", () => Add("*@far.example", "mx"));
    }

    [Fact]
    public async Task A_route_that_aliases_need_stays()
    {
        await Add("list@x.test", "lmtp:unix:/run/lists");
        await _accounts.AddAliasAsync("news@x.test", ["list@x.test"], Ct);
        await Refused("route list@x.test is still needed", () => _routes.RemoveAsync(RouteKind.Recipient, "list@x.test", Ct).AsTask());
    }

    [Fact]
    public async Task A_forward_is_set_shown_and_ended()
    {
        var view = await _accounts.SetForwardAsync("a@x.test", ["F@far.example", "f@FAR.example"], keep: false, Ct);
        (view.Forward.ShouldHaveSingleItem(), view.KeepsForwarded).ShouldBe(("F@far.example", false));
        await Refused("there is no such address here", () => _accounts.SetForwardAsync("a@x.test", ["none@x.test"], true, Ct).AsTask());
        await Refused("at most 20", () => _accounts.SetForwardAsync("a@x.test", [.. Enumerable.Range(0, 21).Select(i => $"f{i}@far.example")], true, Ct).AsTask());
        _accounts.Account("a@x.test").Forward.ShouldBe(["F@far.example"]);
        await _accounts.AddAccountAsync(new() { Address = "b@x.test" }, Ct);
        await _accounts.SetForwardAsync("a@x.test", ["b@x.test"], true, Ct);
        await Refused("is still needed", () => _accounts.RemoveAccountAsync("b@x.test", ct: Ct).AsTask());
        await _accounts.SetNameAsync("a@x.test", "A", Ct);
        _accounts.Account("a@x.test").Forward.ShouldBe(["b@x.test"]); // other changes leave it
        (await _accounts.SetForwardAsync("a@x.test", [], false, Ct)).KeepsForwarded.ShouldBeTrue();
        await _accounts.RemoveAccountAsync("b@x.test", ct: Ct);
    }

    const string Document = """
        { "domains": {
            "x.test": []
          }, "accounts": {
            "a@x.test": {"forward": ["b@x.test", "f@far.example"], "keep": false},
            "b@x.test": {"forward": "g@far.example"}
          }, "aliases": {
          }, "routes": {
            "z.example": "hold",
            "*.corp.example": {"to": "smtp:relay.corp.example:25", "tls": "verified", "login": "me", "tokenCommand": "/bin/token \"a b\"", "giveUp": "2d"},
            "sender shop.example": {"to": "mx", "rate": "60"},
            "default": "smtp:[2001:db8::1]:25",
            "a.example": "discard"
          } }

        """;

    [Fact]
    public async Task A_plan_holds_routes_and_forwards_in_their_order()
    {
        var plan = Plan.Parse(Encoding.UTF8.GetBytes(Document));
        plan.ToString().ShouldBe(Document);
        await _accounts.ApplyAsync(plan, prune: true, Ct);
        _accounts.Diff(plan, prune: true).ShouldBeEmpty();
        _accounts.Export().ToString().ShouldBe(Document);

        var other = Plan.Parse(Encoding.UTF8.GetBytes("""{"domains": {"x.test": []}, "accounts": {"a@x.test": {"forward": "b@x.test"}, "b@x.test": {}}, "routes": {"z.example": "discard", "*@new.example": "hold"}}"""));
        var steps = _accounts.Diff(other, prune: true).Select(s => s.ToString()).ToArray();
        steps.ShouldBe(
        [
            "~ account a@x.test: forward to b@x.test instead of to b@x.test, f@far.example (keeping nothing)",
            "~ account b@x.test: forward none instead of to g@far.example",
            "~ route z.example: discard instead of hold",
            "+ route new.example: hold",
            "- route *.corp.example: smtp:relay.corp.example:25",
            "- route sender shop.example: mx",
            "- route default: smtp:[2001:db8::1]:25",
            "- route a.example: discard",
        ]);
        await _accounts.ApplyAsync(other, prune: true, Ct);
        _accounts.Diff(other, prune: true).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("{\"routes\": {\"*\": \"mx\"}}", "line 1, routes.*: a route for everything is the default")]
    [InlineData("{\"routes\": {\n\"a.example\": \"fax\"}}", "line 2, routes.a.example: \"fax\" is no transport")]
    [InlineData("{\"routes\": {\"a.example\": {\"tls\": \"none\"}}}", "line 1, routes.a.example: \"to\" is missing")]
    [InlineData("{\"routes\": {\"a.example\": {\"to\": \"mx\", \"tsl\": \"none\"}}}", "line 1, routes.a.example: tsl: there is no such setting")]
    [InlineData("{\"routes\": {\"a.example\": {\"to\": [\"mx\"]}}}", "line 1, routes.a.example.to: a text is wanted")]
    [InlineData("{\"accounts\": {\"a@x.test\": {\"keep\": false}}}", "line 1, accounts.a@x.test: \"keep\" is for \"forward\"")]
    public void What_is_wrong_in_a_plan_is_named(string text, string why) =>
        Should.Throw<AccountRefusal>(() => Plan.Parse(Encoding.UTF8.GetBytes(text))).Message.ShouldStartWith(why);
}
