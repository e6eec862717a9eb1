using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>One configured server per test class, with LMTP on a Unix socket and accounts user1 to user3.</summary>
public sealed class ConfiguredFixture : IAsyncLifetime
{
    public string Scratch { get; } = Directory.CreateTempSubdirectory("posthorn-interop-").FullName;
    public Installation Installation { get; private set; } = null!;
    public ServerProcess Server { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Installation = new Installation(Scratch, Path.Combine(Scratch, "data"), Ports.FreeBase());
        await Installation.CreateAsync(["user1", "user2", "user3"], CancellationToken.None);
        Server = await Installation.StartAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (Server is not null) await Server.DisposeAsync();
        Directory.Delete(Scratch, recursive: true);
    }
}
