using System.Text.Json.Nodes;
using Posthorn.Cli;
using Posthorn.Serving;
using Posthorn.Storage.Verify;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary><c>store …</c></summary>
static class StoreVerbs
{
    public static IReadOnlyList<Verb> All { get; } =
    [
        new("store verify", "Reads the whole store and names every damaged or orphaned thing; changes nothing.", [], Verify, Print)
        {
            Exit = r => (bool)r["clean"]! ? ExitCode.Ok : ExitCode.DataError,
            // A store too damaged to be opened is a finding, not a failure.
            Offline = async (config, logs, ct) => Of(await StoreVerifier.RunAsync(Deployment.Store(config.Options), TimeProvider.System, logs.CreateLogger("store"), ct).ConfigureAwait(false)),
        },
    ];

    // A long read: on a thread of its own, so that a running server goes on.
    static Task<JsonObject> Verify(VerbContext context, VerbArguments arguments, CancellationToken ct) => Task.Run(() => Of(StoreVerifier.Run(context.Store, ct)), ct);

    static JsonObject Of(VerifyReport report) => new()
    {
        ["clean"] = report.Clean,
        ["findings"] = List(report.Findings.Select(f => new JsonObject { ["severity"] = f.Severity.ToString().ToLowerInvariant(), ["kind"] = f.Kind, ["name"] = f.Name, ["text"] = f.Text })),
        ["accounts"] = report.Accounts,
        ["mailboxes"] = report.Mailboxes,
        ["messages"] = report.Messages,
        ["bodies"] = report.Bodies,
        ["octets"] = report.Octets,
    };

    static void Print(JsonObject result, TextWriter to)
    {
        foreach (var f in Items(result, "findings")) to.WriteLine($"{f["severity"]}: {f["kind"]} {f["name"]}: {f["text"]}");
        to.WriteLine($"{result["accounts"]} accounts, {result["mailboxes"]} mailboxes, {result["messages"]} messages, {result["bodies"]} bodies ({Size((long)result["octets"]!)}): {((bool)result["clean"]! ? "clean" : "damaged")}");
    }
}
