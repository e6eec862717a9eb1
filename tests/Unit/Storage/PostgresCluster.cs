using System.Diagnostics;
using Npgsql;
using Posthorn.Tests.Unit.Storage;
using Xunit;

[assembly: AssemblyFixture(typeof(PostgresCluster))]

namespace Posthorn.Tests.Unit.Storage;

/// <summary>A disposable PostgreSQL 15 in a temporary directory, started by the first test that asks, with fsync on.</summary>
public sealed class PostgresCluster : IAsyncLifetime
{
    const string Binaries = "/usr/lib/postgresql/15/bin/";
    readonly SemaphoreSlim _gate = new(1);
    string? _root;
    string? _refusal;
    int _databases;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>The connection string of a new, empty database; skips the test where PostgreSQL cannot run.</summary>
    public async Task<string> NewDatabaseAsync()
    {
        await _gate.WaitAsync();
        try
        {
            if (_root is null && _refusal is null)
                await StartAsync();
        }
        finally
        {
            _gate.Release();
        }
        Assert.SkipWhen(_refusal is not null, "no PostgreSQL: " + _refusal);
        var name = "t" + Interlocked.Increment(ref _databases);
        await using var connection = new NpgsqlConnection(Connection("postgres"));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("CREATE DATABASE " + name, connection);
        await command.ExecuteNonQueryAsync();
        return Connection(name);
    }

    string Connection(string database) => $"Host={_root};Username=postgres;Database={database};Pooling=false";

    async Task StartAsync()
    {
        if (!File.Exists(Binaries + "initdb"))
        {
            _refusal = Binaries + "initdb is not there";
            return;
        }
        var root = Path.Combine(Path.GetTempPath(), "posthorn-pg-" + Guid.NewGuid().ToString("N")[..8]);
        Directory.CreateDirectory(root);
        // PostgreSQL refuses to run as root.
        if (Environment.IsPrivilegedProcess)
            await RunAsync("chown", "postgres", root);
        _refusal = await AsPostgresAsync("initdb", "-D", root + "/data", "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C")
            ?? await AsPostgresAsync("pg_ctl", "-D", root + "/data", "-w", "-l", root + "/log", "-o", $"-c listen_addresses='' -k {root} -c fsync=on -c shared_buffers=16MB", "start");
        _root = root;
    }

    public async ValueTask DisposeAsync()
    {
        if (_root is null)
            return;
        await AsPostgresAsync("pg_ctl", "-D", _root + "/data", "-m", "immediate", "-w", "stop");
        Directory.Delete(_root, recursive: true);
    }

    static Task<string?> AsPostgresAsync(string program, params string[] arguments) => Environment.IsPrivilegedProcess
        ? RunAsync("setpriv", ["--reuid", "postgres", "--regid", "postgres", "--init-groups", Binaries + program, .. arguments])
        : RunAsync(Binaries + program, arguments);

    /// <summary>Null, or what went wrong.</summary>
    static async Task<string?> RunAsync(string program, params string[] arguments)
    {
        // The server keeps its parent's outputs open: they go nowhere but the log.
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = "/" };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("exec \"$@\" >/dev/null 2>&1 </dev/null");
        start.ArgumentList.Add("sh");
        start.ArgumentList.Add(program);
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? null : $"{program} ended with {process.ExitCode}";
    }
}
