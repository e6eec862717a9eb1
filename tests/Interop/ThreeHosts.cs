using System.Net;
using System.Text.Json.Nodes;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>
/// Three mail servers with addresses of their own and a name server that knows them: mx.a.test (127.0.0.11) for a.test,
/// mx.b.test (127.0.0.12) for b.test and its other name b2.test, mx.c.test (127.0.0.13) for c.test. One account each. The
/// first trusts the others, the second takes them for strangers.
/// </summary>
public sealed class ThreeHosts : IAsyncLifetime
{
    readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("posthorn-three-");

    public const string Alice = "alice@a.test", Bob = "bob@b.test", Carol = "carol@c.test";

    public NsdServer Names { get; private set; } = null!;
    public MailHost A { get; private set; } = null!;
    public MailHost B { get; private set; } = null!;
    public MailHost C { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        if (NsdServer.Missing is not null) return;
        var ct = CancellationToken.None;
        Names = await NsdServer.StartAsync(new Dictionary<string, string>
        {
            ["test"] = NsdServer.Zone("test", """
                a MX 10 mx.a
                mx.a A 127.0.0.11
                b MX 20 mx.b
                b MX 10 gone.b
                mx.b A 127.0.0.12
                gone.b A 127.0.0.19
                b2 MX 10 mx.b
                c MX 10 mx.c
                mx.c A 127.0.0.13
                """),
        }, ct);
        var port = Ports.FreeUdpAndTcp();
        (A, B, C) = (Host("a", "127.0.0.11", port), Host("b", "127.0.0.12", port), Host("c", "127.0.0.13", port));
        A.Sections["relay"] = new JsonObject { ["trustedNetworks"] = new JsonArray("127.0.0.0/8") };
        await Task.WhenAll(new[] { (A, Alice), (B, Bob), (C, Carol) }.Select(async h =>
        {
            h.Item1.Sections["delivery"] = new JsonObject { ["retryFirst"] = "1 s" };
            await h.Item1.CreateAsync(Names.EndPoint, [h.Item2], ct);
        }));
        await B.VerbAsync(["domain", "alias", "add", "b2.test", "b.test"], ct);
        await Task.WhenAll(A.StartAsync(ct), B.StartAsync(ct), C.StartAsync(ct));
    }

    MailHost Host(string letter, string address, int port) => new(Path.Combine(_home.FullName, letter), $"mx.{letter}.test", address, port);

    public async ValueTask DisposeAsync()
    {
        foreach (var host in new[] { A, B, C })
            if (host is not null) await host.DisposeAsync();
        if (Names is not null) await Names.DisposeAsync();
        _home.Delete(recursive: true);
    }
}
