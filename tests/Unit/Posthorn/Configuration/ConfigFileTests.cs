using System.Net;
using Posthorn.Configuration;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Configuration;

public sealed class ConfigFileTests
{
    [Fact]
    public void The_promised_file_works_word_for_word()
    {
        var options = Configs.Load(Configs.Promised).Options;

        options.Hostname.ShouldBe("mail.example.test");
        options.DataDirectory.ShouldBe("/srv/mail/data");
        options.Listeners.Select(l => (l.Protocol, l.Address.ToString(), l.PlaintextLogin)).ShouldBe(
        [
            (ListenerProtocol.Smtp, "127.0.0.1:2025", PlaintextLogin.Never),
            (ListenerProtocol.Submission, "127.0.0.1:2587", PlaintextLogin.Loopback),
            (ListenerProtocol.Pop3, "127.0.0.1:2110", PlaintextLogin.Loopback),
            (ListenerProtocol.Lmtp, "unix:/srv/mail/data/lmtp.sock", PlaintextLogin.Never),
        ]);
        options.Relay.TrustedNetworks.ShouldBe([IPNetwork.Parse("127.0.0.0/8")]);
        options.Dns.Servers.Select(s => s.ToString()).ShouldBe(["127.0.0.1:5353"]);
        options.Limits.ShouldBe(new LimitOptions());
    }

    [Fact]
    public void All_sections_are_read()
    {
        var options = Configs.Load("""
            {
              "$schema": "./posthorn.schema.json",
              "hostname": "mail.example.org", "dataDirectory": "/var/lib/posthorn", "user": "mail",
              "listeners": [ { "protocol": "smtp", "address": "[::]:25", "proxyProtocol": ["10.0.0.0/8", "192.0.2.1"] }, ],
              "limits": { "messageSize": "10 MB", "recipients": 500, "drain": "5 s" },
              "accounts": { "defaultDomain": "example.org", "subaddressSeparator": "-" },
              "store": { "engine": "postgres", "connectionString": "Host=/run/postgresql" },
              "log": { "format": "json", "level": "warning", "file": "mail.log" },
              /* a comment */
              "control": { "socket": "run/control.sock" },
            }
            """).Options;

        options.Listeners[0].Address.EndPoint.ShouldBe(IPEndPoint.Parse("[::]:25"));
        options.Listeners[0].ProxyProtocol.ShouldBe([IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("192.0.2.1/32")]);
        options.Limits.MessageSize.ShouldBe(10L << 20);
        options.Limits.Drain.ShouldBe(TimeSpan.FromSeconds(5));
        options.Accounts.SubaddressSeparator.ShouldBe('-');
        options.Store.Engine.ShouldBe(StoreEngine.Postgres);
        options.Log.ShouldBe(new LogOptions { Format = LogFormat.Json, Level = LogSeverity.Warning, File = "/srv/mail/mail.log" });
        options.Control.Socket.ShouldBe("/srv/mail/run/control.sock");
    }

    [Theory]
    [InlineData("\"plaintextLogin\": \"yes\"", "posthorn.json:3: listeners[0].plaintextLogin: must be \"loopback\" or \"never\"")]
    [InlineData("\"plaintextlogin\": \"never\"", "posthorn.json:3: listeners[0].plaintextlogin: unknown option, did you mean \"plaintextLogin\"?")]
    [InlineData("\"proxyProtocol\": \"10.0.0.0/8\"", "posthorn.json:3: listeners[0].proxyProtocol: must be a list, not a text")]
    [InlineData("\"proxyProtocol\": [\"10.0.0.1/8\"]", "posthorn.json:3: listeners[0].proxyProtocol[0]: has bits set to the right of the prefix; the network is 10.0.0.0/8")]
    [InlineData("\"proxyProtocol\": [7]", "posthorn.json:3: listeners[0].proxyProtocol[0]: must be a text, not a number")]
    [InlineData("\"protocol\": \"pop3\"", "posthorn.json:3: listeners[0].protocol: is given twice, first at line 3")]
    public void A_wrong_listener_is_named_with_line_and_option(string member, string error) =>
        Configs.Errors($$"""
            { "hostname": "a.test", "dataDirectory": "d",
              "listeners": [
                { "protocol": "pop3", "address": "127.0.0.1:2110", {{member}} }
              ]
            }
            """).ShouldBe(error);

    [Theory]
    [InlineData("localhost:25")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:")]
    [InlineData("127.1:25")]
    [InlineData("::1:25")]
    [InlineData("[::1]25")]
    [InlineData("127.0.0.1:70000")]
    [InlineData("unix:")]
    [InlineData("")]
    public void An_address_that_is_none_is_refused(string address) =>
        Configs.Errors($$"""{ "hostname": "a.test", "dataDirectory": "d", "listeners": [{ "protocol": "smtp", "address": "{{address}}" }] }""")
            .ShouldBe("posthorn.json:1: listeners[0].address: must be \"address:port\", \"[IPv6 address]:port\" or \"unix:path\"");

    [Theory]
    [InlineData("http")]
    [InlineData("https")]
    public void A_service_of_a_later_version_is_refused_by_name(string protocol) =>
        Configs.Errors($$"""{ "hostname": "a.test", "dataDirectory": "d", "listeners": [{ "protocol": "{{protocol}}", "address": "127.0.0.1:99" }] }""")
            .ShouldBe($"posthorn.json:1: listeners[0].protocol: {protocol} is not in this version");

    [Theory]
    [InlineData("{\n  \"dataDirectory\": \"d\"\n}", "posthorn.json:1: hostname: is required")]
    [InlineData("{ \"hostname\": \"a.test\",\n \"dataDirectory\": \"\" }", "posthorn.json:2: dataDirectory: must not be empty")]
    [InlineData("{ \"hostname\": \"a b\",\n \"dataDirectory\": \"d\" }", "posthorn.json:1: hostname: must be a host name like \"mail.example.org\"")]
    [InlineData("{ \"hostname\": \"a.test\", \"dataDirectory\": \"d\",\n \"limits\": { \"messageSize\": \"1 XB\" } }", "posthorn.json:2: limits.messageSize: must be a size like 52428800 or \"50 MB\"")]
    [InlineData("{ \"hostname\": \"a.test\", \"dataDirectory\": \"d\",\n \"limits\": { \"recipients\": 5 } }", "posthorn.json:2: limits.recipients: must be at least 100")]
    [InlineData("{ \"hostname\": \"a.test\", \"dataDirectory\": \"d\",\n \"imap\": { \"messageLimit\": 999 } }", "posthorn.json:2: imap.messageLimit: must be 0 or at least 1000")]
    [InlineData("{ \"hostname\": \"a.test\", \"dataDirectory\": \"d\",\n \"imap\": { \"saveLimit\": 1 } }", "posthorn.json:2: imap.saveLimit: must be 0 or at least 1000")]
    [InlineData("{ \"hostname\": \"a.test\", \"dataDirectory\": \"d\",\n \"imap\": { \"messageLimit\": 2000, \"saveLimit\": 1000 } }", "posthorn.json:2: imap.saveLimit: is a part of imap.messageLimit: give one of the two")]
    [InlineData("{ \"hostname\": \"a.test\", \"dataDirectory\": \"d\",\n \"limits\": { \"recipients\": 1.5 } }", "posthorn.json:2: limits.recipients: must be a whole number")]
    [InlineData("{ \"hostname\": \"a.test\", \"dataDirectory\": \"d\",\n \"limits\": { \"drain\": \"soon\" } }", "posthorn.json:2: limits.drain: must be a time like \"30 s\", \"5 min\", \"2 h\" or \"1 d\"")]
    [InlineData("{ \"hostname\": \"a.test\", \"dataDirectory\": \"d\",\n \"limits\": null }", "posthorn.json:2: limits: must be an object, not null")]
    [InlineData("{ \"hostname\": \"a.test\", \"dataDirectory\": \"d\",\n \"store\": { \"engine\": \"postgres\" } }", "posthorn.json:2: store.engine: \"postgres\" needs store.connectionString or store.connectionStringFile")]
    [InlineData("{ \"hostname\": \"a.test\", \"dataDirectory\": \"d\",\n \"tls\": { \"certificates\": [{ \"certificate\": \"no.pem\", \"key\": \"/dev/null\" }] } }", "posthorn.json:2: tls.certificates[0].certificate: there is no file no.pem")]
    [InlineData("{ \"hostname\": \"a.test\", \"dataDirectory\": \"d\",\n \"accounts\": { \"subaddressSeparator\": \"@\" } }", "posthorn.json:2: accounts.subaddressSeparator: must be one punctuation character, not @ . \" or \\")]
    [InlineData("{ \"hostname\": \"a.test\",\n \"hostname\": \"b.test\", \"dataDirectory\": \"d\" }", "posthorn.json:2: hostname: is given twice, first at line 1")]
    [InlineData("[]", "posthorn.json:1: (whole file): must be an object, not a list")]
    [InlineData("", "posthorn.json:1: (whole file): ")]
    public void What_is_wrong_is_named(string text, string error) => Configs.Errors(text).ShouldStartWith(error);

    [Fact]
    public void Broken_JSON_names_the_line_and_the_option_it_broke_in() =>
        Configs.Errors("{ \"hostname\": \"a.test\",\n  \"relay\": {\n    \"trustedNetworks\": [ 1, nil ] } }")
            .ShouldStartWith("posthorn.json:3: relay.trustedNetworks[1]: ");

    [Fact]
    public void All_errors_are_told_at_once()
    {
        var lines = Configs.Errors("""
            {
              "hostName": "a.test",
              "dataDirectory": 7,
              "listener": []
            }
            """).Split('\n');

        lines.ShouldBe(
        [
            "posthorn.json:2: hostName: unknown option, did you mean \"hostname\"?",
            "posthorn.json:3: dataDirectory: must be a text, not a number",
            "posthorn.json:4: listener: unknown option, did you mean \"listeners\"?",
            "posthorn.json:1: hostname: is required",
        ]);
    }

    [Fact]
    public void The_same_address_twice_is_refused() =>
        Configs.Errors("""
            { "hostname": "a.test", "dataDirectory": "d", "listeners": [
              { "protocol": "smtp", "address": "127.0.0.1:25" },
              { "protocol": "pop3", "address": "127.0.0.1:25" } ] }
            """).ShouldBe("posthorn.json:3: listeners[1].address: is the address of listeners[0] too");
}
