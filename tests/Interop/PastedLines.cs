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
            var swaks = await PrintedAsync(demo, "swaks ");
            var curl = (await PrintedAsync(demo, "curl ")) is var first && first.Contains("pop3", StringComparison.Ordinal) ? first : await PrintedAsync(demo, "curl ", "pop3");

            var elsewhere = Directory.CreateDirectory(Path.Combine(scratch, "elsewhere")).FullName;
            var sent = await Tool.RunAsync("bash", ["-c", swaks], Ct, directory: elsewhere);
            Assert.True(sent.ExitCode == 0, sent.Told + "\n" + demo.Tail);
            Assert.Contains("250 2.0.0 ", sent.Output);

            var shown = await Tool.RunAsync("bash", ["-c", curl], Ct, directory: elsewhere);
            Assert.True(shown.ExitCode == 0, shown.Told + "\n" + demo.Tail);
            Assert.StartsWith("Return-Path: <", shown.Output);
            Assert.Contains("\r\nReceived: from ", shown.Output);
            Assert.Contains("Content-Disposition: attachment", shown.Output);
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    /// <summary>A printed command, continuation lines joined, as a person would select it.</summary>
    static async Task<string> PrintedAsync(ServerProcess demo, string start, string holding = "")
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < TimeSpan.FromSeconds(15))
        {
            var lines = demo.Lines;
            for (var i = 0; i < lines.Count; i++)
            {
                if (!lines[i].TrimStart().StartsWith(start, StringComparison.Ordinal)) continue;
                var command = lines[i].TrimStart();
                for (var next = i + 1; command.EndsWith('\\') && next < lines.Count; next++) command += "\n" + lines[next];
                if (!command.EndsWith('\\') && command.Contains(holding, StringComparison.Ordinal)) return command;
            }
            await Task.Delay(50, Ct);
        }
        throw new InvalidOperationException($"the demo printed no line that starts with {start}\n{demo.Tail}");
    }
}
