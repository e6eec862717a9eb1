using System.Runtime.InteropServices;
using Posthorn.Cli;
using Posthorn.Configuration;
using Posthorn.Logging;
using Posthorn.Storage;
using Posthorn.Tls.Certificates;
using Posthorn.Wire.Connections;

namespace Posthorn.Serving;

/// <summary>Runs a server under the signals of the operating system.</summary>
static class ServeCommand
{
    /// <summary>After the store is poisoned the process has this long to end.</summary>
    static readonly TimeSpan FailWithin = TimeSpan.FromMilliseconds(1500);

    public static async Task<int> RunAsync(ConfigLoader loader, string? file, IReadOnlyList<string> settings, Terminal terminal)
    {
        LoadedConfig Load() => loader.Load(file, settings);
        var config = Load();
        Deployment.CheckFiles(config);
        LogOutput output;
        try { output = new LogOutput(config.Options.Log.File); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            terminal.Error.WriteLine($"posthorn: cannot write the log {config.Options.Log.File}: {e.Message}");
            return ExitCode.CannotCreate;
        }
        using var logs = new LogProvider(output, config.Options.Log.Format, config.Options.Log.Level, TimeProvider.System);
        return await RunAsync(config, logs, terminal, Load, holdForeign: false, static _ => Task.CompletedTask).ConfigureAwait(false);
    }

    /// <summary>Serves until SIGTERM or SIGINT. <paramref name="ready"/> runs once clients are taken.</summary>
    public static async Task<int> RunAsync(LoadedConfig config, LogProvider logs, Terminal terminal, Func<LoadedConfig> reload, bool holdForeign, Func<Server, Task> ready)
    {
        TlsBuffers.ReleaseWhenIdle();
        var supervisor = Supervisor.FromEnvironment();
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var server = new Server(config, logs, TimeProvider.System, holdForeign);
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.TrySetResult();
        }
        using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            supervisor.Tell("RELOADING=1");
            server.Reload(reload);
            supervisor.Tell("READY=1");
        });
        try
        {
            await server.StartAsync().ConfigureAwait(false);
            await ready(server).ConfigureAwait(false);
        }
        catch (Exception e) when (ExitOf(e) is not null)
        {
            await server.DisposeAsync().ConfigureAwait(false);
            logs.Output.Flush();
            terminal.Error.WriteLine("posthorn: " + e.Message);
            return ExitOf(e)!.Value;
        }
        supervisor.Tell("READY=1");
        var poisoned = server.Poisoned;
        if (await Task.WhenAny(stop.Task, poisoned).ConfigureAwait(false) == poisoned)
        {
            await Task.WhenAny(server.FailAsync(), Task.Delay(FailWithin)).ConfigureAwait(false);
            logs.Dispose();
            // Nothing more may touch the store, not even its orderly end.
            Environment.Exit(ExitCode.IoError);
        }
        supervisor.Tell("STOPPING=1");
        await server.StopAsync().ConfigureAwait(false);
        return ExitCode.Ok;
    }

    static int? ExitOf(Exception fault) => fault switch
    {
        BindException => ExitCode.OsError,
        CertificateException => ExitCode.Configuration,
        StorePoisonedException => ExitCode.IoError,
        StoreException => ExitCode.Unavailable,
        Verbs.VerbException v => v.Exit,
        UnauthorizedAccessException => ExitCode.NoPermission,
        IOException => ExitCode.IoError,
        _ => null,
    };
}
