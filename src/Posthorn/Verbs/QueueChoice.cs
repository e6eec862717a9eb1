using System.Globalization;
using Posthorn.Cli;
using Posthorn.Configuration;
using Posthorn.Storage;
using Posthorn.Storage.Queue;
using Posthorn.Wire.Addresses;

namespace Posthorn.Verbs;

/// <summary>Which queued recipients a command is about: its ids and options as filters of the store, and a look at the routes.</summary>
/// <param name="Filters">One for each id; one when there are none.</param>
/// <param name="Route">Only those that leave by this transport now, as text with "*"; null for any.</param>
sealed record QueueChoice(IReadOnlyList<QueueFilter> Filters, string? Route)
{
    /// <summary>The parameters that choose, for those commands that have them all.</summary>
    public static IReadOnlyList<VerbParameter> Parameters { get; } =
    [
        new("ids", ParameterKind.AnyWords, "Ids of messages (as in the 250 reply), or numbers of recipients (as in \"queue show\")."),
        new("sender", ParameterKind.Option, "The sender; \"<>\" for none. Patterns may hold \"*\"."),
        new("recipient", ParameterKind.Option, "The address it goes to; may hold \"*\"."),
        new("domain", ParameterKind.Option, "The domain it goes to; may hold \"*\"."),
        new("route", ParameterKind.Option, "The transport that it leaves by now, as in smtp:relay.example:25; may hold \"*\"."),
        new("via", ParameterKind.Option, "The transport that it was sent to by hand; may hold \"*\"."),
        new("olderThan", ParameterKind.Option, "Here for longer than this, as in \"2h\"."),
        new("state", ParameterKind.Option, "due, leased, held, delivered, failed or dropped."),
    ];

    /// <summary>Reads what was given.</summary>
    /// <param name="open">Which are meant when no state is named (<see cref="QueueFilter.Open"/>).</param>
    public static QueueChoice Read(VerbArguments arguments, DateTimeOffset now, bool? open)
    {
        var state = State(arguments.Optional("state"));
        var filter = new QueueFilter(
            Sender: arguments.Optional("sender") is { } sender ? sender == "<>" ? "" : sender : null,
            Address: arguments.Optional("recipient"),
            Domain: arguments.Optional("domain"),
            Via: arguments.Optional("via"),
            OlderThan: arguments.Optional("olderThan") is { } age ? now - Age(age) : null,
            State: state,
            Open: state is null ? open : null);
        var ids = arguments.Texts("ids");
        return new QueueChoice(ids.Count == 0 ? [filter] : [.. ids.Select(id => WithId(filter, id))], arguments.Optional("route"));
    }

    /// <summary>The same for a command that changes things: without a word of what is meant, "--all" must say so.</summary>
    public static QueueChoice ReadCareful(VerbArguments arguments, DateTimeOffset now)
    {
        var chosen = arguments.Texts("ids").Count > 0 || Parameters.Any(p => p.Kind == ParameterKind.Option && arguments.Optional(p.Name) is not null);
        if (chosen && arguments.Flag("all")) throw new VerbException(ExitCode.Usage, "--all means everything; leave it out, or the other choice");
        return chosen || arguments.Flag("all") ? Read(arguments, now, open: true) : throw new VerbException(ExitCode.Usage, "say which: an id, --sender, --recipient, --domain, --route, --via, --older-than or --state; or --all");
    }

    /// <summary>True when the recipient leaves by the route that was asked for.</summary>
    public bool Fits(VerbContext context, QueuedRecipient r) => Route is null || Matches(TransportOf(context, r), Route);

    /// <summary>The transport that a recipient leaves by as things are now.</summary>
    public static string TransportOf(VerbContext context, QueuedRecipient r) =>
        r.Via ?? (EmailAddress.TryParse(r.Address) is { } to ? context.Directory.Routes.Find(to, EmailAddress.TryParse(r.ReversePath)).Transport.ToString() : "");

    static QueueFilter WithId(QueueFilter filter, string id)
    {
        if (TraceId.TryParse(id, out var trace)) return filter with { Trace = trace };
        return long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var row) ? filter with { Recipient = row } : throw new VerbException(ExitCode.DataError, $"\"{id}\" is neither the id of a message nor the number of a recipient");
    }

    static RecipientState? State(string? text)
    {
        if (text is null) return null;
        return !char.IsAsciiDigit(text.FirstOrDefault()) && Enum.TryParse<RecipientState>(text, ignoreCase: true, out var state) ? state
            : throw new VerbException(ExitCode.DataError, $"\"{text}\" is no state; there are due, leased, held, delivered, failed and dropped");
    }

    static TimeSpan Age(string text) => ConfigBinder.Duration(text) switch
    {
        (TimeSpan age, _) => age,
        var (_, why) => throw new VerbException(ExitCode.DataError, $"\"{text}\": {why}"),
    };

    /// <summary>"*" stands for any characters; case does not matter.</summary>
    static bool Matches(string text, string pattern) => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(pattern.Replace("?", "\\?"), text);
}
