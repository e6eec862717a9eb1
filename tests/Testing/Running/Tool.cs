using System.Diagnostics;
using System.Text;

namespace Posthorn.Tests.Testing.Running;

/// <summary>What a program said and how it ended.</summary>
public sealed record ToolResult(string Command, int ExitCode, string Output, string Errors)
{
    /// <summary>Everything, for the message of a failing test.</summary>
    public string Told => $"{Command}\nexit code {ExitCode}\n--- output\n{Cut(Output)}\n--- errors\n{Cut(Errors)}";

    static string Cut(string text) => text.Length <= 6000 ? text : text[..3000] + "\n…\n" + text[^3000..];
}

/// <summary>Runs other people's programs with a time-out.</summary>
public static class Tool
{
    static readonly string[] Places = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries), "/usr/sbin", "/sbin"];

    /// <summary>The full path of a program, or null when it is not installed.</summary>
    public static string? Find(string name) => Places.Select(p => Path.Combine(p, name)).FirstOrDefault(File.Exists);

    /// <summary>Why a test that needs these programs cannot run here, or null.</summary>
    public static string? Missing(params string[] names)
    {
        var absent = names.Where(n => Find(n) is null).ToList();
        return absent.Count == 0 ? null : "not installed: " + string.Join(", ", absent);
    }

    public static Task<ToolResult> RunAsync(string name, IEnumerable<string> arguments, CancellationToken ct, string? input = null,
        string? directory = null, IReadOnlyDictionary<string, string>? environment = null, int seconds = 30) =>
        RunBytesAsync(name, arguments, ct, input is null ? null : Encoding.UTF8.GetBytes(input), directory, environment, seconds);

    /// <summary>Runs to the end; kills the program and its children after the time-out and says so in the errors.</summary>
    public static async Task<ToolResult> RunBytesAsync(string name, IEnumerable<string> arguments, CancellationToken ct, byte[]? input = null,
        string? directory = null, IReadOnlyDictionary<string, string>? environment = null, int seconds = 30)
    {
        var start = new ProcessStartInfo(Find(name) ?? name)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.Latin1,
            StandardErrorEncoding = Encoding.Latin1,
            WorkingDirectory = directory ?? "",
        };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        foreach (var (key, value) in environment ?? new Dictionary<string, string>()) start.Environment[key] = value;
        using var process = new Process { StartInfo = start };
        process.Start();
        var output = process.StandardOutput.ReadToEndAsync(ct);
        var errors = process.StandardError.ReadToEndAsync(ct);
        try
        {
            if (input is not null) await process.StandardInput.BaseStream.WriteAsync(input, ct);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading; its exit code tells why.
        }
        var command = name + " " + string.Join(' ', start.ArgumentList);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(TimeSpan.FromSeconds(seconds));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            return new(command, -1, await output, await errors + $"\n(killed after {seconds} s)");
        }
        return new(command, process.ExitCode, await output, await errors);
    }
}
