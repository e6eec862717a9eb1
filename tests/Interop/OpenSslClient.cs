using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>Handshakes of OpenSSL's own client on every port that offers TLS.</summary>
public sealed class OpenSslClient(DemoFixture demo) : IClassFixture<DemoFixture>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    Task<ToolResult> HandshakeAsync(string protocol, string startTls, params string[] options)
    {
        Assert.SkipWhen(Tool.Missing("openssl") is not null, Tool.Missing("openssl") ?? "");
        // Upper-case Q would make s_client leave by itself; both protocols know "quit" in any case (RFC 5321 §2.4, RFC 1939 §3).
        return Tool.RunAsync("openssl", ["s_client", "-connect", $"127.0.0.1:{demo.Port(protocol)}", "-servername", "mail.example.test", "-crlf", "-ign_eof",
            .. startTls.Length > 0 ? ["-starttls", startTls, "-name", "client.example.test"] : Array.Empty<string>(), .. options], Ct, "noop\nquit\n");
    }

    [Theory]
    [InlineData("smtp", "smtp", "-tls1_3"), InlineData("smtp", "smtp", "-tls1_2")]
    [InlineData("submission", "smtp", "-tls1_3"), InlineData("submission", "smtp", "-tls1_2")]
    [InlineData("submissions", "", "-tls1_3"), InlineData("submissions", "", "-tls1_2")]
    [InlineData("pop3", "pop3", "-tls1_3"), InlineData("pop3", "pop3", "-tls1_2")]
    [InlineData("pop3s", "", "-tls1_3"), InlineData("pop3s", "", "-tls1_2")]
    public async Task Handshake(string protocol, string startTls, string version)
    {
        var run = await HandshakeAsync(protocol, startTls, version);
        var wanted = version == "-tls1_3" ? "TLSv1.3" : "TLSv1.2";
        Assert.True(run.Output.Contains($"New, {wanted}, Cipher is", StringComparison.Ordinal), run.Told + "\n--- server\n" + demo.Server.Tail);
        Assert.Contains(protocol.StartsWith("pop3", StringComparison.Ordinal) ? "\n+OK" : "\n221 ", run.Output.Replace("\r", ""));
    }

    [Theory, InlineData("smtp", "smtp"), InlineData("pop3s", "")]
    public async Task Old_versions_are_refused(string protocol, string startTls)
    {
        var run = await HandshakeAsync(protocol, startTls, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0");
        Assert.Contains("Cipher is (NONE)", run.Output);
    }

    [Theory, InlineData("pop3s"), InlineData("submissions")]
    public async Task A_foreign_ALPN_protocol_is_refused(string protocol)
    {
        // Cross-protocol attacks (ALPACA): offered names of which none is ours end the handshake.
        var run = await HandshakeAsync(protocol, "", "-alpn", "http/1.1");
        Assert.Contains("Cipher is (NONE)", run.Output);
        Assert.Contains("no application protocol", run.Errors + run.Output);
    }
}
