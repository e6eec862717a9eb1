using System.Collections;
using Posthorn.Configuration;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Configuration;

public sealed class ConfigSourcesTests
{
    const string Small = """{ "hostname": "file.test", "dataDirectory": "d", "limits": { "recipients": 200, "messageSize": 1000000 } }""";

    [Fact]
    public void The_environment_wins_over_the_file_and_the_command_line_over_both()
    {
        var environment = new Hashtable { ["POSTHORN_HOSTNAME"] = "env.test", ["POSTHORN_LIMITS__MESSAGESIZE"] = "20 MB", ["POSTHORN_LIMITS__RECIPIENTS"] = "300", ["POSTHORN_CONFIG"] = "x" };
        var options = Configs.Load(Small, environment, "limits.recipients=400").Options;

        options.Hostname.ShouldBe("env.test");
        options.Limits.MessageSize.ShouldBe(20L << 20);
        options.Limits.Recipients.ShouldBe(400);
    }

    [Fact]
    public void Lists_are_set_by_number_with_commas_or_as_JSON()
    {
        var environment = new Hashtable
        {
            ["POSTHORN_LISTENERS__0__PROTOCOL"] = "smtp",
            ["POSTHORN_LISTENERS__0__ADDRESS"] = "[::1]:25",
            ["POSTHORN_RELAY__TRUSTEDNETWORKS"] = "10.0.0.0/8, 192.168.0.0/16",
            ["POSTHORN_DNS__SERVERS"] = """["192.0.2.1"]""",
        };
        var options = Configs.Load(Small, environment, """tls={"certificates":[]}""").Options;

        options.Listeners.Single().Address.ToString().ShouldBe("[::1]:25");
        options.Relay.TrustedNetworks.Count.ShouldBe(2);
        options.Dns.Servers.Single().ToString().ShouldBe("192.0.2.1:53");
    }

    [Theory]
    [InlineData("POSTHORN_LIMITS__MESAGESIZE", "1", "environment POSTHORN_LIMITS__MESAGESIZE: limits.MESAGESIZE: unknown option, did you mean \"messageSize\"?")]
    [InlineData("POSTHORN_LIMITS__RECIPIENTS", "many", "environment POSTHORN_LIMITS__RECIPIENTS: limits.recipients: must be a whole number")]
    [InlineData("POSTHORN_LISTENERS__5__ADDRESS", "x", "environment POSTHORN_LISTENERS__5__ADDRESS: listeners: \"5\" is not the number of an item or of the next one")]
    [InlineData("POSTHORN_HOSTNAME__X", "x", "environment POSTHORN_HOSTNAME__X: hostname.X: unknown option")]
    public void An_error_in_the_environment_names_the_variable(string name, string value, string error) =>
        Configs.Errors(Small, new Hashtable { [name] = value }).ShouldBe(error);

    [Fact]
    public void Other_variables_with_our_prefix_are_left_alone() =>
        Configs.Errors(Small, new Hashtable { ["POSTHORN_HOME"] = "/opt" }).ShouldBe("");

    [Theory]
    [InlineData("limits", "command line: limits: must be OPTION=VALUE")]
    [InlineData("limits.recipients=1", "command line: limits.recipients: must be at least 100")]
    [InlineData("=1", "command line: =1: must be OPTION=VALUE")]
    public void An_error_on_the_command_line_says_so(string setting, string error) => Configs.Errors(Small, null, setting).ShouldBe(error);

    [Fact]
    public void The_file_is_looked_for_in_the_promised_order()
    {
        new ConfigLoader(new Hashtable { ["POSTHORN_CONFIG"] = "/b.json" }).FindFile("/a.json").ShouldBe("/a.json");
        new ConfigLoader(new Hashtable { ["POSTHORN_CONFIG"] = "/b.json" }).FindFile(null).ShouldBe("/b.json");
        new ConfigLoader(new Hashtable()).FindFile(null).ShouldBe("/etc/posthorn/posthorn.json");
    }

    [Fact]
    public void A_missing_file_is_a_configuration_error() =>
        Should.Throw<ConfigException>(() => new ConfigLoader(new Hashtable()).Load("/no/such/posthorn.json")).Message.ShouldStartWith("/no/such/posthorn.json: (whole file): there is no such file");

    [Fact]
    public void What_needs_a_restart_is_told_and_what_does_not_is_not()
    {
        var old = Configs.Load(Configs.Promised).Options;
        var fresh = Configs.Load(Configs.Promised.Replace("2110", "2111").Replace("127.0.0.0/8", "10.0.0.0/8").Replace("mail.example.test", "mx.example.test")).Options;

        ConfigDifference.NeedRestart(old, fresh).ShouldBe(["hostname", "listeners"]);
        ConfigDifference.NeedRestart(old, Configs.Load(Configs.Promised).Options).ShouldBeEmpty();
    }
}
