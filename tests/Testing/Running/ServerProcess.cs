using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Posthorn.Tests.Testing.Running;

/// <summary>An account of a demo server.</summary>
public sealed record DemoAccount(string Address, string Password, string AppPassword);

/// <summary>A listener of a demo server.</summary>
public sealed record DemoListener(string Protocol, string Address, int Port, string Tls);

/// <summary>
/// The program under test as a child process. Its whole output is kept for the messages of failing tests. Disposing it
/// kills it when it still runs.
/// </summary>
public sealed class ServerProcess : IAsyncDisposable
{
    readonly Process _process;
    readonly List<string> _lines = [];
    readonly TaskCompletionSource<JsonElement> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    ServerProcess(Process process) => _process = process;

    /// <summary>The process id; that of the program itself also when it was started through a wrapper that replaces itself.</summary>
    public int Pid => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>From start to ready.</summary>
    public TimeSpan StartTook { get; private set; }

    /// <summary>The demo's listeners; empty for a configured server.</summary>
    public IReadOnlyList<DemoListener> Listeners { get; private set; } = [];

    /// <summary>The demo's accounts; empty for a configured server.</summary>
    public IReadOnlyList<DemoAccount> Accounts { get; private set; } = [];

    /// <summary>Everything the program printed, oldest first.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines) return [.. _lines];
        }
    }

    /// <summary>How it ended, when it has, and the last lines printed (equal ones once), for failure messages.</summary>
    public string Tail => Ending + string.Join('\n', Lines.DistinctBy(WithoutTime).TakeLast(40));

    string Ending => !_disposed && _process.HasExited ? $"(ended with exit code {_process.ExitCode})\n" : "";

    static string WithoutTime(string line) => line.IndexOf("Z ", StringComparison.Ordinal) is > 0 and < 30 and var at ? line[at..] : line;

    /// <summary>The built program: POSTHORN_DLL, else the newest build in this repository.</summary>
    public static string Dll { get; } = FindDll();

    /// <summary>The directory of this repository.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>Runs <c>posthorn demo --json</c> and waits until it is ready.</summary>
    public static async Task<ServerProcess> StartDemoAsync(string data, int portBase, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        var server = Launch(["demo", "--data", data, "--port-base", $"{portBase}", "--json"], []);
        var ready = await server.OrExitAsync(server._ready.Task, "getting ready", 60, ct);
        server.StartTook = clock.Elapsed;
        server.Listeners = [.. ready.GetProperty("listeners").EnumerateArray().Select(l =>
            new DemoListener(Text(l, "protocol"), Text(l, "address"), l.TryGetProperty("port", out var port) ? port.GetInt32() : 0, Text(l, "tls")))];
        server.Accounts = [.. ready.GetProperty("accounts").EnumerateArray().Select(a =>
            new DemoAccount(Text(a, "address"), Text(a, "password"), Text(a, "appPassword")))];
        return server;
    }

    /// <summary>Runs any long-lived verb, for instance <c>serve --config FILE</c>, and waits until all the ports accept.</summary>
    /// <param name="wrapper">A program with its arguments that replaces itself by the rest of its command line.</param>
    public static Task<ServerProcess> StartAsync(IEnumerable<string> arguments, IEnumerable<int> ports, CancellationToken ct, IEnumerable<string>? wrapper = null) =>
        StartAsync(arguments, ports.Select(Ports.Loopback), ct, wrapper);

    /// <summary>The same for addresses other than 127.0.0.1.</summary>
    public static async Task<ServerProcess> StartAsync(IEnumerable<string> arguments, IEnumerable<IPEndPoint> listeners, CancellationToken ct, IEnumerable<string>? wrapper = null)
    {
        var clock = Stopwatch.StartNew();
        var server = Launch(arguments, wrapper ?? []);
        foreach (var at in listeners) await server.OrExitAsync(AcceptsAsync(at, ct), $"listening on {at}", 60, ct);
        server.StartTook = clock.Elapsed;
        return server;
    }

    /// <summary>Runs a verb that ends by itself.</summary>
    public static Task<ToolResult> RunVerbAsync(IEnumerable<string> arguments, CancellationToken ct, string? input = null, int seconds = 30) =>
        Tool.RunAsync("dotnet", [Dll, .. arguments], ct, input, seconds: seconds);

    /// <summary>kill -9, and waits until the process is gone.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
    }

    /// <summary>SIGTERM without waiting.</summary>
    public void Terminate() => Native.Signal(Pid, Native.SigTerm);

    /// <summary>Waits for the end; the exit code, or null when it still runs after that time.</summary>
    public async Task<int?> ExitAsync(TimeSpan limit)
    {
        using var cancel = new CancellationTokenSource(limit);
        try
        {
            await _process.WaitForExitAsync(cancel.Token);
            return _process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>CPU time used so far, user and system.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Resident memory in octets.</summary>
    public long Resident
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    bool _disposed;

    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        await KillAsync();
        _process.Dispose();
    }

    static ServerProcess Launch(IEnumerable<string> arguments, IEnumerable<string> wrapper)
    {
        string[] command = [.. wrapper, Tool.Find("dotnet") ?? "dotnet", Dll, .. arguments];
        var start = new ProcessStartInfo(Tool.Find(command[0]) ?? command[0]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var argument in command.Skip(1)) start.ArgumentList.Add(argument);
        var server = new ServerProcess(new Process { StartInfo = start });
        server._process.OutputDataReceived += (_, e) => server.Keep(e.Data);
        server._process.ErrorDataReceived += (_, e) => server.Keep(e.Data);
        server._process.Start();
        server._process.StandardInput.Close();
        server._process.BeginOutputReadLine();
        server._process.BeginErrorReadLine();
        return server;
    }

    void Keep(string? line)
    {
        if (line is null) return;
        lock (_lines)
        {
            if (_lines.Count > 20_000) _lines.RemoveRange(0, 10_000);
            _lines.Add(line);
        }
        if (!_ready.Task.IsCompleted && line.Contains("\"ready\"", StringComparison.Ordinal) && line.StartsWith('{'))
        {
            var event_ = JsonDocument.Parse(line).RootElement.Clone();
            if (event_.TryGetProperty("event", out var name) && name.ValueEquals("ready")) _ready.TrySetResult(event_);
        }
    }

    async Task<T> OrExitAsync<T>(Task<T> wanted, string what, int seconds, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(TimeSpan.FromSeconds(seconds));
        var exit = _process.WaitForExitAsync(limit.Token);
        if (await Task.WhenAny(wanted, exit) == wanted) return await wanted;
        var how = _process.HasExited ? $"the server ended with exit code {_process.ExitCode}" : $"no answer within {seconds} s";
        await DisposeAsync();
        throw new InvalidOperationException($"{what}: {how}\n{Tail}");
    }

    static async Task<bool> AcceptsAsync(IPEndPoint at, CancellationToken ct)
    {
        while (true)
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(at, ct);
                return true;
            }
            catch (SocketException)
            {
                await Task.Delay(10, ct);
            }
        }
    }

    static string Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";

    static string FindRepository()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Posthorn.slnx"))) directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("Posthorn.slnx was not found above " + AppContext.BaseDirectory);
    }

    static string FindDll()
    {
        if (Environment.GetEnvironmentVariable("POSTHORN_DLL") is { Length: > 0 } named) return Path.GetFullPath(named);
        var bin = Path.Combine(FindRepository(), "src", "Posthorn", "bin");
        var built = Directory.Exists(bin) ? Directory.EnumerateFiles(bin, "posthorn.dll", SearchOption.AllDirectories) : [];
        return built.OrderByDescending(File.GetLastWriteTimeUtc).FirstOrDefault() ?? throw new InvalidOperationException("src/Posthorn is not built; build it or set POSTHORN_DLL");
    }
}
