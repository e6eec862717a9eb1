using System.Diagnostics;
using System.Net.Sockets;

namespace Posthorn.Tests.Testing.Running;

/// <summary>Somebody else's server, in the foreground, as a child of the test. Disposing it ends it and its children.</summary>
public sealed class DaemonProcess : IAsyncDisposable
{
    readonly Process _process;
    readonly List<string> _lines = [];

    DaemonProcess(Process process) => _process = process;

    /// <summary>What it said, the newest lines.</summary>
    public string Tail
    {
        get
        {
            lock (_lines) return string.Join('\n', _lines.TakeLast(40));
        }
    }

    public static DaemonProcess Launch(string name, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(Tool.Find(name) ?? name) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        foreach (var (key, value) in environment ?? new Dictionary<string, string>()) start.Environment[key] = value;
        var daemon = new DaemonProcess(new Process { StartInfo = start });
        daemon._process.OutputDataReceived += (_, e) => daemon.Keep(e.Data);
        daemon._process.ErrorDataReceived += (_, e) => daemon.Keep(e.Data);
        daemon._process.Start();
        daemon._process.StandardInput.Close();
        daemon._process.BeginOutputReadLine();
        daemon._process.BeginErrorReadLine();
        return daemon;
    }

    /// <summary>Waits until it accepts on a TCP port of 127.0.0.1; throws, with what it said, when it ends before or 60 s pass.</summary>
    public async Task ListensAsync(int port, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (true)
        {
            if (_process.HasExited)
            {
                await _process.WaitForExitAsync(ct);
                throw new InvalidOperationException($"{_process.StartInfo.FileName} ended with exit code {_process.ExitCode}\n{Tail}");
            }
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(Ports.Loopback(port), limit.Token);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(20, limit.Token);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            // It may have children that only its own end takes along.
            Native.Signal(_process.Id, Native.SigTerm);
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            try { await _process.WaitForExitAsync(limit.Token); }
            catch (OperationCanceledException) { _process.Kill(entireProcessTree: true); }
        }
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }

    void Keep(string? line)
    {
        if (line is null) return;
        lock (_lines)
        {
            if (_lines.Count > 2000) _lines.RemoveRange(0, 1000);
            _lines.Add(line);
        }
    }
}
