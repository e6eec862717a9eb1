using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Posthorn.Accounts;
using Posthorn.Cli;
using Posthorn.Storage;

namespace Posthorn.Verbs;

/// <summary>Runs a verb and turns every way it can end into an answer.</summary>
static partial class VerbRunner
{
    /// <summary>Never throws, but for a cancellation: <c>{"exit":0,"result":{…}}</c> or <c>{"exit":65,"error":"…"}</c>.</summary>
    public static async Task<JsonObject> RunAsync(Verb verb, VerbContext context, VerbArguments arguments, ILogger log, CancellationToken ct)
    {
        try
        {
            return Success(verb, await verb.Run(context, arguments, ct).ConfigureAwait(false));
        }
        catch (VerbException e) { return Failure(e.Exit, e.Message); }
        catch (AccountRefusal e) { return Failure(e.Code switch { "not-found" => ExitCode.NoUser, "busy" => ExitCode.TemporaryFailure, _ => ExitCode.DataError }, e.Message); }
        catch (StorePoisonedException e) { return Failure(ExitCode.IoError, e.Message); }
        catch (StoreDamageException e) { return Failure(ExitCode.IoError, e.Message); }
        catch (StoreFullException e) { return Failure(ExitCode.TemporaryFailure, e.Message); }
        catch (StoreException e) { return Failure(ExitCode.DataError, e.Message); }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogFault(log, e, verb.Path);
            return Failure(ExitCode.Software, $"an internal fault ({e.GetType().Name}); the log has more");
        }
    }

    public static JsonObject Success(Verb verb, JsonObject result) => new() { ["exit"] = verb.Exit?.Invoke(result) ?? ExitCode.Ok, ["result"] = result };

    public static JsonObject Failure(int exit, string message) => new() { ["exit"] = exit, ["error"] = message };

    [LoggerMessage(4401, LogLevel.Error, "fault in command \"{Verb}\"")]
    static partial void LogFault(ILogger log, Exception fault, string verb);
}
