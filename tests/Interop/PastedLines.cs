using System.Diagnostics;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>What the demo prints can be pasted into another shell as it stands.</summary>
public sealed class PastedLines
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_demo_lines_send_and_show_a_message_with_an_attachment()
    {
        Assert.SkipWhen(Tool.Missing("swaks", "curl", "bash") is not null, Tool.Missing("swaks", "curl", "bash") ?? "");
        var scratch = Directory.CreateTempSubdirectory("posthorn-paste-").FullName;
        try
        {
            var portBase = Ports.FreeBase();
            await using var demo = await ServerProcess.StartAsync(["demo", "--data", Path.Combine(scratch, "data"), "--port-base", $"{portBase}"], [portBase + 25, portBase + 110], Ct);
            var printed = await PrintedAsync(demo);
            var elsewhere = Directory.CreateDirectory(Path.Combine(scratch, "elsewhere")).FullName;
            var output = new Dictionary<string, string>();
            foreach (var command in printed)
            {
                var run = await Tool.RunAsync("bash", ["-c", command], Ct, directory: elsewhere);
                Assert.True(run.ExitCode == 0, run.Told + "\n" + demo.Tail);
                output[command] = run.Output;
            }
            Assert.Contains("250 2.0.0 ", output[printed.First(p => p.StartsWith("swaks ", StringComparison.Ordinal))]);
            var shown = output[printed.Single(p => p.StartsWith("curl ", StringComparison.Ordinal) && p.EndsWith("/1", StringComparison.Ordinal))];
            Assert.StartsWith("Return-Path: <", shown);
            Assert.Contains("\r\nReceived: from ", shown);
            Assert.Contains("Content-Disposition: attachment", shown);
            // Every line that sends arrived: the list has as many messages.
            var list = output[printed.Single(p => p.StartsWith("curl ", StringComparison.Ordinal) && p.EndsWith('/'))];
            Assert.Equal(printed.Count(p => p.StartsWith("swaks ", StringComparison.Ordinal) || p.StartsWith("printf ", StringComparison.Ordinal)), list.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length);
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    /// <summary>The printed commands, as a person would select them; the demo prints them all before the reading ones end.</summary>
    static async Task<List<string>> PrintedAsync(ServerProcess demo)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < TimeSpan.FromSeconds(15))
        {
            var commands = demo.Lines.Select(l => l.Trim()).Where(l => l.StartsWith("swaks ", StringComparison.Ordinal)
                || l.StartsWith("printf ", StringComparison.Ordinal) || l.StartsWith("curl ", StringComparison.Ordinal)).ToList();
            if (commands.Exists(c => c.StartsWith("swaks ", StringComparison.Ordinal)) && commands.Exists(c => c.StartsWith("curl ", StringComparison.Ordinal) && c.EndsWith("/1", StringComparison.Ordinal)))
                return commands;
            await Task.Delay(50, Ct);
        }
        throw new InvalidOperationException("the demo printed no lines to paste\n" + demo.Tail);
    }
}
