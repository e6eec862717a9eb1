using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Cli;

/// <summary>Each verb on a real store, once by itself and once through the control socket of a running server.</summary>
public sealed class VerbTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Verbs_work_with_and_without_a_server(bool running)
    {
        await using var program = new Program();
        if (running) await program.ServeAsync();

        (await program.RunAsync("domain add example.test")).ShouldBe(0, program.Errors);
        program.Output.ShouldBe("Added the domain example.test.\n");
        (await program.RunAsync("domain alias add old.example example.test")).ShouldBe(0, program.Errors);
        (await program.RunAsync("correct horse battery\n", "account", "add", "bob@example.test", "--name", "Bob B", "--quota", "1G", "--password-stdin")).ShouldBe(0, program.Errors);
        (await program.RunAsync("alias add info@* bob@example.test friend@elsewhere.example")).ShouldBe(0, program.Errors);

        (await program.RunAsync("address explain bob+x@old.example")).ShouldBe(0);
        program.Output.ShouldContain("old.example is another name of example.test");
        program.Output.ShouldContain("mailbox of bob@example.test, folder x");

        var account = await program.JsonAsync("account show bob@example.test");
        account["quota"]!.GetValue<long>().ShouldBe(1L << 30);
        account["enabled"]!.GetValue<bool>().ShouldBeTrue();
        (await program.RunAsync("account disable bob@example.test")).ShouldBe(0);
        (await program.JsonAsync("account show bob@example.test"))["enabled"]!.GetValue<bool>().ShouldBeFalse();
        (await program.RunAsync("account enable bob@example.test")).ShouldBe(0);

        var made = await program.JsonAsync("account app-password add bob@example.test phone --scopes pop3,smtp");
        made["password"]!.GetValue<string>().Length.ShouldBeGreaterThan(20);
        (await program.JsonAsync("account app-password list bob@example.test"))["appPasswords"]!.AsArray().Count.ShouldBe(1);
        (await program.RunAsync("account app-password revoke bob@example.test phone")).ShouldBe(0);
        (await program.JsonAsync("account app-password list bob@example.test"))["appPasswords"]!.AsArray().ShouldBeEmpty();

        (await program.RunAsync("alias remove info@*")).ShouldBe(0, program.Errors);
        (await program.RunAsync("domain alias remove old.example")).ShouldBe(0, program.Errors);
        (await program.RunAsync("account remove bob@example.test")).ShouldBe(0, program.Errors);
        (await program.RunAsync("domain remove example.test")).ShouldBe(0, program.Errors);
        (await program.JsonAsync("domain list")).ToJsonString().ShouldBe("""{"domains":[]}""");
        (await program.RunAsync("store verify")).ShouldBe(0, program.Output);
        if (running) program.Logged().ShouldContain("command \"domain remove\" ended with 0");
        else File.Exists(Path.Combine(program.DataDirectory, "control.sock")).ShouldBeFalse();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Verbs_end_with_the_codes_of_sysexits(bool running)
    {
        await using var program = new Program();
        if (running) await program.ServeAsync();
        (await program.RunAsync("domain add example.test")).ShouldBe(0);

        (await program.RunAsync("domain add example.test")).ShouldBe(65);
        program.Errors.ShouldStartWith("posthorn: example.test is there already");
        (await program.RunAsync("account show nobody@example.test")).ShouldBe(67);
        (await program.RunAsync("account add")).ShouldBe(64);
        (await program.RunAsync("account add x@example.test")).ShouldBe(64); // nobody to ask for the password
        (await program.RunAsync("\n", "account", "add", "x@example.test", "--password-stdin")).ShouldBe(65);
        (await program.RunAsync("account add x@example.test --password secret")).ShouldBe(64);
        (await program.RunAsync("account add x@example.test --password-file /no/such/file")).ShouldBe(66);
        (await program.RunAsync("trace zzz")).ShouldBe(65);
        (await program.RunAsync("nonsense")).ShouldBe(64);
        (await program.RunAsync("domain")).ShouldBe(64);
        (await program.RunAsync("domain list --config /no/such.json")).ShouldBe(78);
        (await program.RunAsync("domain --help")).ShouldBe(0);
        (await program.RunAsync("version")).ShouldBe(0);
        (await program.JsonAsync("account show nobody@example.test")).ToJsonString().ShouldBe("""{"error":"there is no account nobody@example.test","exit":67}""");
    }

    [Fact]
    public async Task What_is_exported_rebuilds_an_empty_store()
    {
        await using var old = new Program();
        await old.RunAsync("domain add example.test");
        await old.RunAsync("domain alias add old.example example.test");
        await old.RunAsync("correct horse battery\n", "account", "add", "bob@example.test", "--password-stdin");
        await old.RunAsync("account app-password add bob@example.test phone --expires 2090-12-31");
        await old.RunAsync("alias add info@* bob@example.test");
        (await old.RunAsync("export --no-secrets")).ShouldBe(0);
        old.Output.ShouldNotContain("phone");
        (await old.RunAsync("export")).ShouldBe(0);
        old.Output.ShouldContain("phone");
        var plan = old.Output;

        await using var fresh = new Program();
        (await fresh.RunAsync(plan, "apply", "--dry-run")).ShouldBe(0);
        fresh.Output.ShouldContain("+ ");
        (await fresh.JsonAsync("account list"))["accounts"]!.AsArray().ShouldBeEmpty();
        (await fresh.RunAsync(plan, "apply")).ShouldBe(0, fresh.Errors);
        fresh.Output.ShouldEndWith("Applied.\n");
        (await fresh.RunAsync("export")).ShouldBe(0);
        fresh.Output.ShouldBe(plan);
        (await fresh.RunAsync(plan, "apply")).ShouldBe(0);
        fresh.Output.ShouldBe("Nothing to change.\n");

        // What takes something away must be meant.
        await fresh.RunAsync("domain add extra.test");
        (await fresh.RunAsync(plan, "apply", "--prune")).ShouldBe(65);
        fresh.Errors.ShouldContain("--yes");
        (await fresh.RunAsync(plan, "apply", "--prune", "--yes")).ShouldBe(0, fresh.Errors);
        (await fresh.JsonAsync("domain list"))["domains"]!.AsArray().Count.ShouldBe(1);
    }

    [Fact]
    public async Task The_shape_of_the_JSON_is_kept()
    {
        await using var program = new Program();
        (await program.JsonAsync("domain add example.test")).Select(p => p.Key).ShouldBe(["name", "enabled", "aliases", "accounts", "created"]);
        await program.RunAsync("account add a@example.test --no-password");
        (await program.JsonAsync("account show a@example.test")).Select(p => p.Key)
            .ShouldBe(["id", "address", "name", "enabled", "password", "appPasswords", "quota", "messageQuota", "used", "messages", "language", "forward", "keep", "created"]);
        (await program.JsonAsync("account app-password add a@example.test x")).Select(p => p.Key).ShouldBe(["name", "scopes", "expires", "lastUsed", "created", "address", "password"]);
        (await program.JsonAsync("alias add b@example.test a@example.test")).Select(p => p.Key).ShouldBe(["pattern", "targets", "enabled", "created"]);
        (await program.JsonAsync("address explain b@example.test")).Select(p => p.Key).ShouldBe(["address", "status", "steps", "destinations"]);
        (await program.JsonAsync("store verify")).Select(p => p.Key).ShouldBe(["clean", "findings", "accounts", "mailboxes", "messages", "bodies", "octets"]);
    }

    [Fact]
    public async Task A_check_of_the_configuration_changes_nothing()
    {
        await using var program = new Program();

        (await program.RunAsync("check config")).ShouldBe(0);
        Directory.EnumerateFileSystemEntries(program.Home).Select(Path.GetFileName).ShouldBe(["posthorn.json"]);

        program.WriteConfig("\"listener\": []");
        (await program.RunAsync("check config")).ShouldBe(78);
        program.Errors.ShouldContain("posthorn.json:5: listener: unknown option, did you mean \"listeners\"?");
        (await program.JsonAsync("check config"))["errors"]![0]!["line"]!.GetValue<int>().ShouldBe(5);
        (await program.RunAsync("serve")).ShouldBe(78);
        Directory.Exists(program.DataDirectory).ShouldBeFalse();
    }
}
