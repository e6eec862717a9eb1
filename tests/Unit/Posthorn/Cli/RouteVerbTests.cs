using System.Text.Json.Nodes;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Cli;

/// <summary>The verbs about routes and forwards, once by themselves and once through a running server.</summary>
public sealed class RouteVerbTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Routes_are_added_shown_changed_and_removed(bool running)
    {
        await using var program = new Program();
        if (running) await program.ServeAsync();
        var secret = Path.Combine(program.Home, "secret");
        File.WriteAllText(secret, "s3cret\n");
        File.SetUnixFileMode(secret, UnixFileMode.UserRead);

        (await program.RunAsync("route add *.corp.example smtp:relay.corp.example:25")).ShouldBe(0, program.Errors);
        program.Output.ShouldBe("Added the route *.corp.example: smtp:relay.corp.example:25.\n");
        (await program.RunAsync($"route add --sender *@shop.example smtp:out.shop.example:587 --tls verified --login shop --password-file {secret} --concurrency 3 --rate 60 --retry-first 5m --retry-most 2h --delay-notice 6h --give-up 3d --give-up-bounces 1d")).ShouldBe(0, program.Errors);
        (await program.RunAsync("", "route", "add", "token.example", "smtps:out.example", "--login", "me", "--token-command", "/bin/true --for \"a b\"")).ShouldBe(0, program.Errors);
        (await program.RunAsync("route default smtp:smart.example --tls required")).ShouldBe(0, program.Errors);
        program.Output.ShouldBe("The route is now default: smtp:smart.example:25, tls required.\n");

        (await program.RunAsync("route list")).ShouldBe(0);
        program.Output.Split('\n')[0].ShouldBe("*.corp.example       smtp:relay.corp.example:25");
        var routes = (await program.JsonAsync("route list"))["routes"]!.AsArray();
        routes.Select(r => r!["route"]!.ToString()).ShouldBe(["*.corp.example", "sender shop.example", "token.example", "default"]);
        JsonNode.DeepEquals(routes[1]!["settings"], JsonNode.Parse($$"""
            {"tls": "verified", "login": "shop", "passwordFile": "{{secret}}", "concurrency": "3", "rate": "60", "retryFirst": "5m", "retryMost": "2h", "delayNotice": "6h", "giveUp": "3d", "giveUpBounces": "1d"}
            """)).ShouldBeTrue();
        routes[2]!["settings"]!["tokenCommand"]!.ToString().ShouldBe("/bin/true --for \"a b\"");

        (await program.RunAsync("route set --sender shop.example --rate default --transport smtps:out.shop.example")).ShouldBe(0, program.Errors);
        (await program.JsonAsync("route show --sender shop.example"))["transport"]!.ToString().ShouldBe("smtps:out.shop.example:465");
        (await program.RunAsync("route show default")).ShouldBe(0);
        program.Output.ShouldBe("Route      default\nTransport  smtp:smart.example:25\ntls        required\n");
        (await program.RunAsync("route remove *.corp.example")).ShouldBe(0, program.Errors);
        (await program.RunAsync("route remove *.corp.example")).ShouldBe(67);
        (await program.RunAsync("route default mx")).ShouldBe(0);
        (await program.JsonAsync("route show default"))["transport"]!.ToString().ShouldBe("mx");

        (await program.RunAsync("route add far.example fax:1")).ShouldBe(65);
        program.Errors.ShouldStartWith("posthorn: \"fax:1\" is no transport: write mx, smtp:host:port");
        (await program.RunAsync("route add far.example lmtp:host")).ShouldBe(65);
        program.Errors.ShouldBe("posthorn: \"lmtp:host\": LMTP has no port of its own: write lmtp:host:port\n");
        (await program.RunAsync("route add far.example mbox:mail/{user}")).ShouldBe(65);
        File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        (await program.RunAsync($"route add far.example smtp:h.example --login me --password-file {secret}")).ShouldBe(65);
        program.Errors.ShouldBe($"posthorn: the password file {secret} is open to others: chmod 600 {secret}\n");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_way_of_an_address_is_explained(bool running)
    {
        await using var program = new Program();
        if (running) await program.ServeAsync();
        (await program.RunAsync("domain add example.test")).ShouldBe(0);
        (await program.RunAsync("domain add lists.example")).ShouldBe(0);
        (await program.RunAsync("account add bob@example.test --no-password")).ShouldBe(0);
        (await program.RunAsync("account add amy@example.test --no-password")).ShouldBe(0);
        (await program.RunAsync("alias add all@example.test bob@example.test x@far.example y@a.corp.example")).ShouldBe(0);
        (await program.RunAsync("route add *.corp.example smtp:relay.corp.example:25")).ShouldBe(0);
        (await program.RunAsync("route add --sender *@shop.example smtp:out.shop.example:587")).ShouldBe(0);
        (await program.RunAsync("route add *@lists.example lmtp:unix:/run/lists")).ShouldBe(0, program.Errors);

        async Task<string[]> Ends(string line)
        {
            (await program.RunAsync("address explain " + line)).ShouldBe(0, program.Errors);
            return [.. program.Output.Split('\n').Where(l => l.StartsWith("→ ", StringComparison.Ordinal)).Select(l => l[2..])];
        }

        (await Ends("all@example.test")).ShouldBe(["mailbox of bob@example.test", "x@far.example: no route: mail exchangers of far.example by DNS", "y@a.corp.example: route *.corp.example: smtp:relay.corp.example:25"]);
        (await Ends("x@far.example --sender me@shop.example")).ShouldBe(["x@far.example: route sender shop.example: smtp:out.shop.example:587"]);
        (await Ends("x@far.example --sender <>")).ShouldBe(["x@far.example: no route: mail exchangers of far.example by DNS"]);
        (await Ends("x@[192.0.2.1]")).ShouldBe(["x@[192.0.2.1]: no route: straight to the host [192.0.2.1]"]);
        (await Ends("anybody@lists.example")).ShouldBe(["anybody@lists.example: route lists.example: lmtp:unix:/run/lists"]);

        (await program.RunAsync("account forward bob@example.test --to amy@example.test,b@far.example --no-keep")).ShouldBe(0, program.Errors);
        program.Output.ShouldBe("bob@example.test forwards to amy@example.test, b@far.example, keeping nothing.\n");
        (await Ends("bob@example.test")).ShouldBe(["mailbox of amy@example.test", "b@far.example: no route: mail exchangers of far.example by DNS"]);
        (await program.RunAsync("account show bob@example.test")).ShouldBe(0);
        program.Output.ShouldContain("Forward        amy@example.test, b@far.example, keeping nothing");
        (await program.RunAsync("account list")).ShouldBe(0);
        program.Output.ShouldContain("forwards to amy@example.test");
        var shown = await program.JsonAsync("account show bob@example.test");
        (shown["forward"]!.AsArray().Count, shown["keep"]!.GetValue<bool>()).ShouldBe((2, false));
        (await program.RunAsync("account forward bob@example.test --to b@far.example")).ShouldBe(0);
        (await program.JsonAsync("account show bob@example.test"))["keep"]!.GetValue<bool>().ShouldBeTrue();
        (await program.RunAsync("account forward bob@example.test --off")).ShouldBe(0);
        program.Output.ShouldBe("bob@example.test forwards to nobody.\n");
        (await program.RunAsync("account forward bob@example.test")).ShouldBe(64);
        (await program.RunAsync("account forward bob@example.test --to x@far.example --off")).ShouldBe(64);
        (await program.RunAsync("account forward bob@example.test --to x@far.example --keep --no-keep")).ShouldBe(64);
        (await program.RunAsync("account forward bob@example.test --to nonsense")).ShouldBe(65);

        (await program.RunAsync("srs rotate")).ShouldBe(0);
        program.Output.ShouldBe("There is a new key; 0 old ones are still good.\n");
    }

    [Fact]
    public async Task A_plan_carries_routes_and_forwards_to_another_store()
    {
        await using var program = new Program();
        foreach (var line in new[]
        {
            "domain add example.test", "account add bob@example.test --no-password", "account forward bob@example.test --to b@far.example --no-keep",
            "route add *.corp.example smtp:relay.corp.example:25 --tls verified --give-up 2d", "route add --sender *@shop.example hold", "route default smtp:smart.example",
        })
            (await program.RunAsync(line)).ShouldBe(0, program.Errors);
        (await program.RunAsync("export")).ShouldBe(0);
        var plan = program.Output;
        await using var fresh = new Program();
        (await fresh.RunAsync(plan, "apply")).ShouldBe(0, fresh.Errors);
        (await fresh.RunAsync("export")).ShouldBe(0);
        fresh.Output.ShouldBe(plan);
        (await fresh.RunAsync(plan, "apply", "--prune")).ShouldBe(0, fresh.Errors);
        fresh.Output.ShouldBe("Nothing to change.\n");
    }
}
