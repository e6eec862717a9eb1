using System.Net.Security;
using System.Text;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>One demo server per test class, and a scratch directory.</summary>
public sealed class DemoFixture : IAsyncLifetime
{
    public string Scratch { get; } = Directory.CreateTempSubdirectory("posthorn-interop-").FullName;
    public ServerProcess Server { get; private set; } = null!;

    public DemoAccount Alice => Server.Accounts.Single(a => a.Address.StartsWith("alice@", StringComparison.Ordinal));
    public DemoAccount Bob => Server.Accounts.Single(a => a.Address.StartsWith("bob@", StringComparison.Ordinal));

    /// <summary>The submission port for a way of using TLS.</summary>
    public int SendPort(Tls tls) => Port(tls == Tls.Implicit ? "submissions" : "submission");

    /// <summary>The POP3 port for a way of using TLS.</summary>
    public int ReadPort(Tls tls) => Port(tls == Tls.Implicit ? "pop3s" : "pop3");

    public int Port(string protocol) => Server.Listeners.Single(l => l.Protocol == protocol).Port;

    public async ValueTask InitializeAsync() =>
        Server = await ServerProcess.StartDemoAsync(Path.Combine(Scratch, "data"), Ports.FreeBase(), CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        if (Server is not null) await Server.DisposeAsync();
        Directory.Delete(Scratch, recursive: true);
    }

    /// <summary>Writes a file into the scratch directory; its path.</summary>
    public string Write(string name, ReadOnlySpan<byte> octets)
    {
        var path = Path.Combine(Scratch, name);
        File.WriteAllBytes(path, octets);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return path;
    }

    public string Write(string name, string text) => Write(name, Encoding.Latin1.GetBytes(text));

    /// <summary>The server's certificate as a PEM file, for clients that want to know it before.</summary>
    public async Task<string> CertificateAsync(CancellationToken ct)
    {
        var path = Path.Combine(Scratch, "server.pem");
        if (File.Exists(path)) return path;
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(Ports.Loopback(Port("pop3s")), ct);
        var pem = "";
        await using var tls = new SslStream(client.GetStream(), false, (_, certificate, _, _) =>
        {
            pem = ((System.Security.Cryptography.X509Certificates.X509Certificate2)certificate!).ExportCertificatePem();
            return true;
        });
        await tls.AuthenticateAsClientAsync("mail.example.test");
        return Write("server.pem", pem + "\n");
    }

    /// <summary>Takes the one message that holds a token out of a mailbox.</summary>
    public async Task<ReadMessage> TakeAsync(DemoAccount account, string token, CancellationToken ct)
    {
        await using var reader = await Pop3Reader.LoginAsync(Port("pop3"), account.Address, account.Password, ct);
        var found = new List<ReadMessage>();
        await foreach (var message in reader.AllAsync(ct))
            if (message.Text.Contains(token, StringComparison.Ordinal)) found.Add(message);
        await reader.DeleteAsync([.. found.Select(m => m.Number)], ct);
        await reader.QuitAsync(ct);
        Assert.True(found.Count == 1, $"{found.Count} messages hold {token}\n{Server.Tail}");
        return found[0];
    }
}

/// <summary>How a client gets to TLS.</summary>
public enum Tls
{
    StartTls,
    Implicit,
}
