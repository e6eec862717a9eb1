using System.Text.Json.Nodes;
using Posthorn.Cli;
using Posthorn.Configuration;
using Posthorn.Transfer.Link;
using Posthorn.Verbs;

namespace Posthorn.Transfer;

/// <summary>What a verb has that runs in the command's own process and has a conversation with the side of the store.</summary>
sealed class LocalWork(TransferClient client, VerbArguments arguments, LoadedConfig config, Progress progress, TimeProvider time)
{
    /// <summary>Troubles that are told one by one; the rest is counted.</summary>
    const int MostTold = 1000;

    readonly JsonArray _failed = [];
    long _failures;
    bool _io;

    public TransferClient Client { get; } = client;
    public VerbArguments Arguments { get; } = arguments;
    public LoadedConfig Config { get; } = config;
    public Progress Progress { get; } = progress;
    public TimeProvider Time { get; } = time;

    /// <summary>Notes something that could not be done; the work goes on.</summary>
    /// <param name="io">True when reading or writing failed, false when something is not what it should be.</param>
    public void Fail(string name, string error, bool io = false)
    {
        _failures++;
        _io |= io;
        if (_failed.Count < MostTold) _failed.Add(new JsonObject { ["name"] = name, ["error"] = error });
    }

    /// <summary>Waits until all is durable, and notes what was refused.</summary>
    public async ValueTask<Tally> FlushAsync(CancellationToken ct)
    {
        var tally = await Client.FlushAsync(ct).ConfigureAwait(false);
        foreach (var (name, error) in tally.Refusals) Fail(name, error);
        return tally;
    }

    /// <summary>Adds the troubles to a result.</summary>
    public JsonObject Finish(JsonObject result)
    {
        Progress.End();
        result["failures"] = _failures;
        result["failed"] = _failed;
        result["io"] = _io;
        return result;
    }

    /// <summary>The exit code of a result with troubles in it.</summary>
    public static int Exit(JsonObject result) => (long)result["failures"]! == 0 ? ExitCode.Ok : (bool)result["io"]! ? ExitCode.IoError : ExitCode.DataError;

    /// <summary>Prints the troubles of a result.</summary>
    public static void PrintFailed(JsonObject result, TextWriter to)
    {
        foreach (var f in VerbJson.Items(result, "failed")) to.WriteLine(QueuePrint.Clean($"not done: {f["name"]}: {f["error"]}"));
        if ((long)result["failures"]! is var all && all > result["failed"]!.AsArray().Count) to.WriteLine($"and {all - result["failed"]!.AsArray().Count} more");
    }
}
