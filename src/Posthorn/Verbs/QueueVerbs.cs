using System.Globalization;
using System.Text.Json.Nodes;
using Posthorn.Accounts.Routes;
using Posthorn.Cli;
using Posthorn.Storage.Events;
using Posthorn.Storage.Queue;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary><c>queue …</c>: looks at mail that waits for other hosts, and changes what becomes of it.</summary>
static class QueueVerbs
{
    const int DefaultLimit = 100, MostListed = 100_000;

    static readonly VerbParameter All_ = new("all", ParameterKind.Flag, "Everything that waits.");

    static readonly IReadOnlyList<VerbParameter> Careful = [.. QueueChoice.Parameters, All_];

    public static Verb List { get; } = new("queue list", "Lists recipients that wait, with what was last said about them.",
        [.. QueueChoice.Parameters,
            new("finished", ParameterKind.Flag, "Those that came to their end, as long as they are kept."),
            new("all", ParameterKind.Flag, "Both."),
            new("limit", ParameterKind.Option, "At most so many; 100 when left out.")],
        (c, a, _) => Task.FromResult(Listed(c, a)), QueuePrint.List);

    public static Verb Retry { get; } = new("queue retry", "Tries waiting recipients now, whatever their time.", Careful,
        (c, a, ct) => QueueChange.RunAsync(c, QueueChoice.ReadCareful(a, c.Time.GetUtcNow()), EventKind.Retried, static (q, f, most) => q.Retry(f, most), ct),
        static (r, to) => QueuePrint.Changed(r, to, "tried now"));

    public static Verb Flush { get; } = new("queue flush", "Tries everything that waits now, also at destinations that are left alone after trouble.", [],
        async (c, _, ct) =>
        {
            c.Queue?.Flush();
            return await QueueChange.RunAsync(c, new QueueChoice([new QueueFilter()], null), EventKind.Retried, static (q, f, most) => q.Retry(f, most), ct).ConfigureAwait(false);
        },
        static (r, to) => QueuePrint.Changed(r, to, "tried now"));

    public static IReadOnlyList<Verb> All { get; } =
    [
        List,
        new("queue show", "Shows one queued message: envelope, recipients, header and story.", [new("id", ParameterKind.Word, "The id of the message.")],
            (c, a, _) => Task.FromResult(QueueShow.Of(c, a.Text("id"))), QueueShow.Print),
        Retry,
        new("queue hold", "Puts waiting recipients on hold until they are released.", Careful,
            (c, a, ct) => QueueChange.RunAsync(c, QueueChoice.ReadCareful(a, c.Time.GetUtcNow()), EventKind.Held, static (q, f, most) => q.Hold(f, most), ct),
            static (r, to) => QueuePrint.Changed(r, to, "put on hold")),
        new("queue release", "Lets held recipients go, at once.", Careful,
            (c, a, ct) => QueueChange.RunAsync(c, QueueChoice.ReadCareful(a, c.Time.GetUtcNow()), EventKind.Released, static (q, f, most) => q.Release(f, most), ct),
            static (r, to) => QueuePrint.Changed(r, to, "released")),
        new("queue reroute", "Sends waiting recipients by another transport, whatever the routes say, and tries them at the next turn. Held ones stay held.",
            [.. Careful, new("to", ParameterKind.Option, "The transport, as in smtp:relay.example:25; or \"routes\" to give them back to the routes.")],
            RerouteAsync, static (r, to) => QueuePrint.Changed(r, to, (string?)r["to"] is { } way ? "now going by " + way : "given back to the routes")),
        new("queue drop", "Takes waiting recipients out of the queue. Nobody is told.", Careful,
            (c, a, ct) => QueueChange.RunAsync(c, QueueChoice.ReadCareful(a, c.Time.GetUtcNow()), EventKind.Dropped, static (q, f, most) => q.Drop(f, most), ct),
            static (r, to) => QueuePrint.Changed(r, to, "dropped")) { Confirm = static a => $"Drop {Named(a)}? It is not delivered, and nobody is told." },
        new("queue bounce", "Gives waiting recipients up; their senders are told.", [.. Careful, new("reason", ParameterKind.Option, "What the senders are told as the reason.")],
            BounceAsync, static (r, to) => QueuePrint.Changed(r, to, "given up")) { Confirm = static a => $"Give up {Named(a)}? Their senders are told." },
        new("queue stats", "Shows how long mail waits, by domain, and the destinations that the server works on.", [new("limit", ParameterKind.Option, "At most so many domains; 100 when left out.")],
            (c, a, _) => Task.FromResult(QueueStats.Of(c, Limit(a))), QueueStats.Print),
        Flush,
    ];

    static JsonObject Listed(VerbContext context, VerbArguments arguments)
    {
        var now = context.Time.GetUtcNow();
        if (arguments.Flag("finished") && arguments.Flag("all")) throw new VerbException(ExitCode.Usage, "--finished and --all exclude each other");
        var choice = QueueChoice.Read(arguments, now, open: arguments.Flag("all") ? null : !arguments.Flag("finished"));
        var limit = Limit(arguments);
        var rows = QueueChange.Find(context, choice, limit + 1);
        var (messages, recipients) = context.Store.Read(static r => r.Queue.Count());
        return new JsonObject
        {
            ["at"] = Time(now),
            ["recipients"] = VerbJson.List(rows.Take(limit).Select(r => Of(r, QueueChoice.TransportOf(context, r)))),
            ["more"] = rows.Count > limit,
            ["queue"] = new JsonObject { ["messages"] = messages, ["recipients"] = recipients },
        };
    }

    /// <summary>A queued recipient as scripts read it.</summary>
    public static JsonObject Of(QueuedRecipient r, string transport) => new()
    {
        ["id"] = r.Trace.ToString(),
        ["number"] = r.Id,
        ["sender"] = r.ReversePath,
        ["recipient"] = r.Address,
        ["original"] = r.Original,
        ["state"] = r.State.ToString().ToLowerInvariant(),
        ["next"] = r.State == RecipientState.Due ? Time(r.Due) : null,
        ["attempts"] = (long)r.Attempts,
        ["lastReply"] = r.LastReply,
        ["transport"] = transport,
        ["via"] = r.Via,
        ["size"] = r.Size,
        ["received"] = Time(r.Received),
        ["finished"] = r.Finished is { } end ? Time(end) : null,
    };

    static async Task<JsonObject> RerouteAsync(VerbContext context, VerbArguments arguments, CancellationToken ct)
    {
        var to = arguments.Optional("to") ?? throw new VerbException(ExitCode.Usage, "say where: --to TRANSPORT, or --to routes");
        string? via = null;
        if (to != "routes") via = Transport.TryParse(to, out var transport, out var why) ? transport.ToString() : throw new VerbException(ExitCode.DataError, why);
        var result = await QueueChange.RunAsync(context, QueueChoice.ReadCareful(arguments, context.Time.GetUtcNow()), EventKind.Rerouted, (q, f, most) => q.Reroute(f, via, most), ct).ConfigureAwait(false);
        result["to"] = via;
        return result;
    }

    static async Task<JsonObject> BounceAsync(VerbContext context, VerbArguments arguments, CancellationToken ct)
    {
        var choice = QueueChoice.ReadCareful(arguments, context.Time.GetUtcNow());
        if (context.Queue is not { } queue) throw new VerbException(ExitCode.Unavailable, "no server runs that could tell the senders; \"queue drop\" takes mail out without a word");
        var reason = arguments.Optional("reason") ?? "given up by the postmaster";
        if (reason.Any(char.IsControl)) throw new VerbException(ExitCode.DataError, "the reason holds a control character");
        var given = new List<LeasedRecipient>();
        var filters = choice.Route is null ? choice.Filters : [.. QueueChange.Find(context, choice, MostListed).Select(static r => new QueueFilter(Recipient: r.Id))];
        foreach (var filter in filters) given.AddRange(await queue.BounceAsync(filter, reason, ct).ConfigureAwait(false));
        return new JsonObject { ["changed"] = (long)given.Count, ["recipients"] = VerbJson.List(given.Take(QueueChange.MostShown).Select(static r => new JsonObject { ["number"] = r.Id, ["recipient"] = r.Address })) };
    }

    static int Limit(VerbArguments arguments)
    {
        if (arguments.Optional("limit") is not { } text) return DefaultLimit;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit is > 0 and <= MostListed ? limit : throw new VerbException(ExitCode.DataError, $"--limit takes a number from 1 to {MostListed}");
    }

    static string Named(VerbArguments arguments) => arguments.Flag("all") ? "ALL waiting mail" : "what was chosen";
}
