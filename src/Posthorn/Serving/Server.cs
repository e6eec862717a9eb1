using Microsoft.Extensions.Logging;
using Posthorn.Cli;
using Posthorn.Configuration;
using Posthorn.Control;
using Posthorn.Logging;
using Posthorn.Tls.Certificates;

namespace Posthorn.Serving;

/// <summary>The running server: everything is put together here, with plain constructors.</summary>
sealed partial class Server : IAsyncDisposable
{
    readonly LogProvider _logs;
    readonly ILogger _log;
    readonly TimeProvider _time;
    readonly TrustedNetworks _trusted;
    readonly CertificateStore _certificates;
    readonly ListenerSet _listeners;
    readonly bool _holdForeign;
    LoadedConfig _config;
    Services? _services;
    ControlServer? _control;

    public Server(LoadedConfig config, LogProvider logs, TimeProvider time, bool holdForeign = false)
    {
        (_config, _logs, _time, _holdForeign) = (config, logs, time, holdForeign);
        _log = logs.CreateLogger("posthorn");
        _trusted = new TrustedNetworks(config.Options.Relay.TrustedNetworks);
        _certificates = new CertificateStore(Path.Combine(config.Options.DataDirectory, "tls"), config.Options.Hostname, time, logs.CreateLogger("tls"));
        _listeners = new ListenerSet(config.Options, _trusted, _certificates,
            (listener, tls, connection, ct) => _services!.ServeAsync(listener, tls, connection, ct), time, logs.CreateLogger("listen"));
    }

    public Services Services => _services ?? throw new InvalidOperationException("not started");

    /// <summary>
    /// Opens the store, binds and starts to serve. As root with a user to become, ports are bound first and nothing is read
    /// from anybody before root is given up.
    /// </summary>
    public async Task StartAsync()
    {
        var options = _config.Options;
        var drop = ProcessUser.IsRoot && options.User is not null;
        if (drop)
        {
            _listeners.Bind(a => a.EndPoint is not null);
            const UnixFileMode own = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
            if (!Directory.Exists(options.DataDirectory))
            {
                Directory.CreateDirectory(options.DataDirectory, own);
                ProcessUser.Give(options.DataDirectory, options.User!);
            }
            ProcessUser.Become(options.User!);
        }
        else if (ProcessUser.IsRoot) LogRoot();
        // The store first: its lock says that no other server works here, which the leftovers of a killed one need to know.
        _services = await Services.OpenAsync(_config, _logs, _time, _trusted, () => _listeners.NearlyFull, _holdForeign).ConfigureAwait(false);
        _certificates.Load(Deployment.Certificates(options));
        _listeners.Bind(a => !drop || a.UnixPath is not null);
        _listeners.BindLocal(_config.SendmailSocket, options.Sendmail.Users, (connection, ct) => _services.ServeLocalAsync(connection, ct));
        _control = new ControlServer(_config.ControlSocket, _services.Verbs(_config), _logs.CreateLogger("control"));
        _control.Start();
        _listeners.Start();
        foreach (var listener in options.Listeners) LogListening(Deployment.Name(listener.Protocol), listener.Address);
        LogListening("sendmail", new ListenerAddress(null, _config.SendmailSocket));
        LogReady(ConfigCommands.Text, _config.File);
    }

    /// <summary>Completes when the store cannot be trusted any more.</summary>
    public Task Poisoned => Services.Store.Poisoned;

    /// <summary>Brings a changed configuration into force as far as that goes without a restart. On any error the old one stays.</summary>
    public void Reload(Func<LoadedConfig> load)
    {
        LoadedConfig fresh;
        try
        {
            fresh = load();
            Deployment.CheckFiles(fresh);
            _certificates.Load(Deployment.Certificates(fresh.Options));
        }
        catch (ConfigException e)
        {
            foreach (var error in e.Errors) LogBadReload(error.ToString());
            return;
        }
        catch (CertificateException e)
        {
            LogBadReload(e.Message);
            return;
        }
        _trusted.Replace(fresh.Options.Relay.TrustedNetworks);
        _listeners.SetLimits(Deployment.Gate(fresh.Options));
        _logs.SetLevel(fresh.Options.Log.Level);
        _logs.Output.Reopen();
        foreach (var option in ConfigDifference.NeedRestart(_config.Options, fresh.Options)) LogNeedsRestart(option);
        // What needs a restart keeps its old value, and is reported again at the next reload.
        _config = _config with { Options = _config.Options with { Relay = fresh.Options.Relay, Tls = fresh.Options.Tls, Limits = Merge(_config.Options.Limits, fresh.Options.Limits), Log = _config.Options.Log with { Level = fresh.Options.Log.Level } } };
        LogReloaded();
    }

    static LimitOptions Merge(LimitOptions old, LimitOptions fresh) =>
        old with { Connections = fresh.Connections, ConnectionsPerAddress = fresh.ConnectionsPerAddress, ConnectionsPerNetwork = fresh.ConnectionsPerNetwork, ConnectionRate = fresh.ConnectionRate };

    /// <summary>Stops taking clients, lets transfers end, and closes the store.</summary>
    public async Task StopAsync()
    {
        LogStopping(_listeners.Connections);
        // Both at once: what clients still hand in waits for the next start.
        await Task.WhenAll(_listeners.DrainAsync(_config.Options.Limits.Drain), Services.DrainAsync(_config.Options.Limits.Drain)).ConfigureAwait(false);
        await DisposeAsync().ConfigureAwait(false);
        LogStopped();
    }

    /// <summary>The store is poisoned: nobody gets a good answer any more.</summary>
    public async Task FailAsync()
    {
        LogPoisoned((await Services.Store.Poisoned.ConfigureAwait(false)).Message);
        await _listeners.DisposeAsync().ConfigureAwait(false);
        await _listeners.CutAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _listeners.DisposeAsync().ConfigureAwait(false);
        if (_control is not null) await _control.DisposeAsync().ConfigureAwait(false);
        if (_services is not null) await _services.DisposeAsync().ConfigureAwait(false);
        (_control, _services) = (null, null);
    }

    [LoggerMessage(4101, LogLevel.Warning, "running as root: set \"user\" to give root up after the ports are bound")]
    partial void LogRoot();

    [LoggerMessage(4102, LogLevel.Information, "listening: {Protocol} on {Address}")]
    partial void LogListening(string protocol, ListenerAddress address);

    [LoggerMessage(4103, LogLevel.Information, "posthorn {Version} ready, configured by {File}")]
    partial void LogReady(string version, string file);

    [LoggerMessage(4104, LogLevel.Error, "not reloaded, the old configuration stays: {Error}")]
    partial void LogBadReload(string error);

    [LoggerMessage(4105, LogLevel.Warning, "{Option} has changed and needs a restart")]
    partial void LogNeedsRestart(string option);

    [LoggerMessage(4106, LogLevel.Information, "configuration reloaded")]
    partial void LogReloaded();

    [LoggerMessage(4107, LogLevel.Information, "stopping, {Connections} clients are connected")]
    partial void LogStopping(int connections);

    [LoggerMessage(4108, LogLevel.Information, "stopped")]
    partial void LogStopped();

    [LoggerMessage(4109, LogLevel.Critical, "the store cannot be trusted any more, ending at once: {Reason}")]
    partial void LogPoisoned(string reason);
}
