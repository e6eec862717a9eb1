using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Posthorn.Delivery.Outbound;

/// <summary>
/// Runs the program that a route names for its token. This is the one place where the server starts a process: without a
/// shell, with the arguments an administrator wrote and nothing of any message.
/// </summary>
static class TokenCommand
{
    static readonly TimeSpan Most = TimeSpan.FromSeconds(10);
    const int MostOutput = 16 << 10;

    /// <summary>What it printed; throws <see cref="SecretException"/> when it failed, was slow or said too much.</summary>
    internal static async Task<string> RunAsync(IReadOnlyList<string> command, TimeProvider time, CancellationToken ct)
    {
        var start = new ProcessStartInfo(command[0]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in command.Skip(1)) start.ArgumentList.Add(argument);
        using var timeout = new CancellationTokenSource(Most, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
        using var process = Start(start);
        try
        {
            process.StandardInput.Close();
            _ = process.StandardError.BaseStream.CopyToAsync(Stream.Null, either.Token);
            var output = new byte[MostOutput + 1];
            var length = await process.StandardOutput.BaseStream.ReadAtLeastAsync(output, output.Length, throwOnEndOfStream: false, either.Token).ConfigureAwait(false);
            if (length > MostOutput) throw new SecretException($"the token command {command[0]} prints more than {MostOutput} octets");
            await process.WaitForExitAsync(either.Token).ConfigureAwait(false);
            return process.ExitCode == 0 ? Encoding.UTF8.GetString(output, 0, length) : throw new SecretException($"the token command {command[0]} ended with {process.ExitCode}");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new SecretException($"the token command {command[0]} took longer than {Most.TotalSeconds:0} s");
        }
        catch (IOException e)
        {
            throw new SecretException($"the token command {command[0]}: {e.Message}");
        }
        finally
        {
            Kill(process);
        }
    }

    static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start) ?? throw new SecretException($"the token command {start.FileName} did not start");
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException or IOException)
        {
            throw new SecretException($"the token command {start.FileName} did not start: {e.Message}");
        }
    }

    static void Kill(Process process)
    {
        try
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException) { }
    }
}
