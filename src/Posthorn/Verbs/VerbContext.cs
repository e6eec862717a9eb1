using Microsoft.Extensions.Logging;
using Posthorn.Accounts;
using Posthorn.Accounts.Credentials;
using Posthorn.Accounts.Service;
using Posthorn.Configuration;
using Posthorn.Delivery.Queue;
using Posthorn.Delivery.Routing;
using Posthorn.Logging;
using Posthorn.Search;
using Posthorn.Serving;
using Posthorn.Storage;

namespace Posthorn.Verbs;

/// <summary>What verbs work on: the services of the running server, or a store opened for the one command.</summary>
sealed class VerbContext(LoadedConfig config, MailStore store, AccountDirectory directory, PasswordKdf kdf, TimeProvider time, bool owned) : IAsyncDisposable
{
    public LoadedConfig Config { get; } = config;
    public MailStore Store { get; } = store;
    public AccountDirectory Directory { get; } = directory;
    public AccountService Accounts { get; } = new(store, kdf, Deployment.Accounts(config.Options), time);
    public RouteService Routes { get; } = new(store, Deployment.Accounts(config.Options));
    public Srs Srs { get; } = new(store, config.Options.Delivery.SrsDomain, time);
    public TimeProvider Time { get; } = time;

    /// <summary>The scheduler of the running server; null when none runs, or one that does not deliver.</summary>
    public OutboundQueue? Queue { get; init; }

    /// <summary>To be called when somebody may see other mailboxes; null when no server runs.</summary>
    public Action? RightsChanged { get; init; }

    /// <summary>The search index of the running server; null when none runs.</summary>
    public SearchIndex? Search { get; init; }

    /// <summary>Opens the store; throws <see cref="VerbException"/> when that cannot be.</summary>
    public static async Task<VerbContext> OpenAsync(LoadedConfig config, LogProvider logs)
    {
        MailStore store;
        try { store = await MailStore.OpenAsync(Deployment.Store(config.Options), TimeProvider.System, logs.CreateLogger("store")).ConfigureAwait(false); }
        catch (StoreException e) { throw new VerbException(Cli.ExitCode.Unavailable, $"no server answers at {config.ControlSocket}, and the store cannot be opened: {e.Message}", e); }
        catch (UnauthorizedAccessException e) { throw new VerbException(Cli.ExitCode.NoPermission, e.Message); }
        catch (IOException e) { throw new VerbException(Cli.ExitCode.IoError, e.Message); }
        return new VerbContext(config, store, new AccountDirectory(store, Deployment.Accounts(config.Options)), new PasswordKdf(threads: 1), TimeProvider.System, owned: true);
    }

    public async ValueTask DisposeAsync()
    {
        if (!owned) return;
        Directory.Dispose();
        kdf.Dispose();
        await Store.DisposeAsync().ConfigureAwait(false);
    }
}
