using System.Text.Json.Nodes;

namespace Posthorn.Verbs;

/// <summary>How a parameter is written on the command line.</summary>
enum ParameterKind
{
    /// <summary>One word in its place.</summary>
    Word,

    /// <summary>One or more words at the end.</summary>
    Words,

    /// <summary>Any number of words at the end, none too.</summary>
    AnyWords,

    /// <summary><c>--name VALUE</c>, may be left out.</summary>
    Option,

    /// <summary><c>--name</c>.</summary>
    Flag,

    /// <summary>A password: asked for, or from --password-stdin or --password-file. Never an argument: those are seen by everybody.</summary>
    Password,

    /// <summary>A file whose content is sent; "-" or nothing is the standard input.</summary>
    Content,
}

sealed record VerbParameter(string Name, ParameterKind Kind, string Help);

/// <summary>
/// One thing that can be asked of the server. The same <see cref="Run"/> works in the running server (asked through the
/// control socket) and in the command itself on the store; its result is printed as it is, or made readable by <see cref="Print"/>.
/// </summary>
/// <param name="Path">The words of the command, as in <c>domain alias add</c>; also its name on the control socket.</param>
sealed record Verb(string Path, string Help, IReadOnlyList<VerbParameter> Parameters, Func<VerbContext, VerbArguments, CancellationToken, Task<JsonObject>> Run, Action<JsonObject, TextWriter> Print)
{
    /// <summary>
    /// Runs first with <c>dryRun</c>, shows what would change, and asks. The result then has <c>changes</c> (a list) and
    /// <c>destructive</c> (true when something would be lost).
    /// </summary>
    public bool ShowsFirst { get; init; }

    /// <summary>Asked on a terminal before it runs; null when nothing is lost by it.</summary>
    public Func<VerbArguments, string>? Confirm { get; init; }

    /// <summary>What it does in place of <see cref="Run"/> when no server runs: for a verb that opens the store in its own way.</summary>
    public Func<Configuration.LoadedConfig, Logging.LogProvider, CancellationToken, Task<JsonObject>>? Offline { get; init; }

    /// <summary>
    /// What it does in place of <see cref="Run"/>, never asking a server: for a verb that needs neither server nor store. The
    /// configuration is read when it is asked for; null when there is none.
    /// </summary>
    public Func<Func<Configuration.LoadedConfig?>, VerbArguments, CancellationToken, Task<JsonObject>>? Alone { get; init; }

    /// <summary>The exit code that a result stands for; null for 0.</summary>
    public Func<JsonObject, int>? Exit { get; init; }
}

/// <summary>What a verb was given.</summary>
sealed class VerbArguments(JsonObject values)
{
    public JsonObject Values { get; } = values;

    public string Text(string name) => Optional(name) ?? throw new VerbException(Cli.ExitCode.Usage, $"{name} is missing");

    public string? Optional(string name) => Values[name] is JsonValue v && v.TryGetValue<string>(out var text) ? text : null;

    public IReadOnlyList<string> Texts(string name) => Values[name] is JsonArray list ? [.. list.Select(n => n is JsonValue v && v.TryGetValue<string>(out var t) ? t : "")] : [];

    public bool Flag(string name) => Values[name] is JsonValue v && v.TryGetValue<bool>(out var on) && on;
}

/// <summary>A verb cannot be done; the message is for the one who asked.</summary>
/// <param name="exit">A code of <see cref="Cli.ExitCode"/>.</param>
sealed class VerbException(int exit, string message, Exception? inner = null) : Exception(message, inner)
{
    public int Exit { get; } = exit;
}
