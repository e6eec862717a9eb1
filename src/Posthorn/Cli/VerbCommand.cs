using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Posthorn.Configuration;
using Posthorn.Control;
using Posthorn.Logging;
using Posthorn.Storage;
using Posthorn.Transfer;
using Posthorn.Transfer.Link;
using Posthorn.Verbs;

namespace Posthorn.Cli;

/// <summary>Does one verb: asks the running server, or works on the store itself when none runs.</summary>
sealed class VerbCommand(Verb verb, Terminal terminal, ConfigLoader loader)
{
    static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(100);
    const int MostTries = 50;

    static readonly JsonSerializerOptions Plain = new(ControlJson.Default.Options) { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public async Task<int> RunAsync(VerbInput input, string? configFile, IEnumerable<string> settings, CancellationToken ct)
    {
        try
        {
            if (verb.Alone is { } alone) return Print(input, VerbRunner.Success(verb, await alone(() => loader.LoadIfThere(configFile, settings), new VerbArguments(input.Values), ct).ConfigureAwait(false)));
            var config = loader.Load(configFile, settings);
            ReadContent(input);
            ReadPassword(input);
            if (verb.Confirm is { } question && !input.Yes && terminal.CanAsk && !terminal.AskYes(question(new VerbArguments(input.Values)))) return Fail(input, ExitCode.TemporaryFailure, "not done");
            if (verb.Local is not null) return Print(input, await ConverseAsync(input, config, ct).ConfigureAwait(false));
            if (verb.ShowsFirst) return await ShowFirstAsync(input, config, ct).ConfigureAwait(false);
            return Print(input, await AskAsync(config, input.Values, ct).ConfigureAwait(false));
        }
        catch (VerbException e)
        {
            return Fail(input, e.Exit, e.Message);
        }
    }

    async Task<int> ShowFirstAsync(VerbInput input, LoadedConfig config, CancellationToken ct)
    {
        input.Values["dryRun"] = true;
        var shown = await AskAsync(config, input.Values, ct).ConfigureAwait(false);
        if (input.DryRun || (int?)shown["exit"] is not 0 || shown["result"] is not JsonObject result) return Print(input, shown);
        if (result["changes"] is not JsonArray { Count: > 0 }) return Print(input, shown);
        if (!input.Json) verb.Print(result, terminal.Out);
        if (!input.Yes)
        {
            // A script that only adds may go on; one that takes something away must say that it means it.
            var destructive = result["destructive"] is JsonValue v && v.TryGetValue<bool>(out var d) && d;
            if (terminal.CanAsk && !input.Json ? !terminal.AskYes("Apply?") : destructive) return Fail(input, ExitCode.DataError, terminal.CanAsk ? "not applied" : "not applied: something would be changed or removed; say --yes to do it");
        }
        input.Values["dryRun"] = false;
        var done = await AskAsync(config, input.Values, ct).ConfigureAwait(false);
        if (input.Json || (int?)done["exit"] is not 0) return Print(input, done);
        terminal.Out.WriteLine("Applied.");
        return ExitCode.Ok;
    }

    /// <summary>A server that is starting has the store and does not listen yet, one that stops the other way round: that takes moments.</summary>
    async Task<JsonObject> AskAsync(LoadedConfig config, JsonObject values, CancellationToken ct)
    {
        for (var tries = 0; ; tries++)
        {
            try { return await TryAskAsync(config, values, ct).ConfigureAwait(false); }
            catch (VerbException e) when (e.InnerException is StoreInUseException && tries < MostTries) { await Task.Delay(BetweenTries, ct).ConfigureAwait(false); }
        }
    }

    async Task<JsonObject> TryAskAsync(LoadedConfig config, JsonObject values, CancellationToken ct)
    {
        if (await ControlClient.AskAsync(config.ControlSocket, verb.Path, values, ct).ConfigureAwait(false) is { } answer) return answer;
        using var logs = new LogProvider(LogOutput.To(new WriterStream(terminal.Error)), LogFormat.Text, LogSeverity.Warning, TimeProvider.System);
        var log = logs.CreateLogger("posthorn");
        if (verb.Offline is { } alone) return VerbRunner.Success(verb, await alone(config, logs, ct).ConfigureAwait(false));
        await using var offline = await VerbContext.OpenAsync(config, logs).ConfigureAwait(false);
        return await VerbRunner.RunAsync(verb, offline, new VerbArguments(values), log, ct).ConfigureAwait(false);
    }

    async Task<JsonObject> ConverseAsync(VerbInput input, LoadedConfig config, CancellationToken ct)
    {
        if (await ControlClient.OpenAsync(config.ControlSocket, TransferHost.Verb, ct).ConfigureAwait(false) is { } server) return await WorkAsync(input, config, server, ct).ConfigureAwait(false);
        using var logs = new LogProvider(LogOutput.To(new WriterStream(terminal.Error)), LogFormat.Text, LogSeverity.Warning, TimeProvider.System);
        await using var offline = await VerbContext.OpenAsync(config, logs).ConfigureAwait(false);
        var (ours, theirs) = PipePair.Make();
        var host = Task.Run(() => new TransferHost(offline).RunAsync(theirs, ct), CancellationToken.None);
        var answer = await WorkAsync(input, config, ours, ct).ConfigureAwait(false);
        await host.ConfigureAwait(false);
        return answer;
    }

    async Task<JsonObject> WorkAsync(VerbInput input, LoadedConfig config, Stream stream, CancellationToken ct)
    {
        using var channel = new LinkChannel(stream);
        var progress = new Progress(terminal.ShowsProgress && !input.Json ? terminal.Error : null, TimeProvider.System);
        try { return VerbRunner.Success(verb, await verb.Local!(new LocalWork(new TransferClient(channel), new VerbArguments(input.Values), config, progress, TimeProvider.System), ct).ConfigureAwait(false)); }
        catch (VerbException e) { return VerbRunner.Failure(e.Exit, e.Message); }
        catch (Exception e) when (e is LinkException or System.Net.Sockets.SocketException) { return VerbRunner.Failure(ExitCode.TemporaryFailure, $"{e.Message}; what was done so far is kept, run the command again to go on"); }
        catch (UnauthorizedAccessException e) { return VerbRunner.Failure(ExitCode.NoPermission, e.Message); }
        catch (IOException e) { return VerbRunner.Failure(ExitCode.IoError, e.Message); }
        finally { progress.End(); }
    }

    int Print(VerbInput input, JsonObject answer)
    {
        var exit = (int?)answer["exit"] ?? ExitCode.Software;
        if (answer["result"] is not JsonObject result) return Fail(input, exit, (string?)answer["error"] ?? "no answer");
        if (input.Json) terminal.Out.WriteLine(result.ToJsonString(Plain));
        else verb.Print(result, terminal.Out);
        return exit;
    }

    int Fail(VerbInput input, int exit, string message)
    {
        if (input.Json) terminal.Out.WriteLine(new JsonObject { ["error"] = message, ["exit"] = exit }.ToJsonString(Plain));
        else terminal.Error.WriteLine("posthorn: " + message);
        return exit;
    }

    void ReadContent(VerbInput input)
    {
        if (input.Content is not { } content) return;
        try { input.Values[content.Name] = content.File == "-" ? terminal.In.ReadToEnd() : File.ReadAllText(content.File); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw new VerbException(ExitCode.NoInput, $"cannot read {content.File}: {e.Message}"); }
    }

    void ReadPassword(VerbInput input)
    {
        if (input.Password is not { } source || (input.Values["noPassword"] is not null)) return;
        if (source.Stdin && source.File is not null) throw new VerbException(ExitCode.Usage, "--password-stdin and --password-file exclude each other");
        string? password;
        if (source.Stdin) password = terminal.In.ReadLine();
        else if (source.File is { } file)
        {
            try { password = File.ReadLines(file).FirstOrDefault(); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw new VerbException(ExitCode.NoInput, $"cannot read {file}: {e.Message}"); }
        }
        else if (terminal.CanAsk)
        {
            password = terminal.AskSecret("Password: ");
            // One that is only used is not asked for twice: elsewhere it is right or wrong.
            if (verb.Local is null && terminal.AskSecret("Again: ") != password) throw new VerbException(ExitCode.DataError, "the two passwords differ");
        }
        else throw new VerbException(ExitCode.Usage, "there is no terminal to ask for the password: use --password-stdin or --password-file");
        if (string.IsNullOrEmpty(password)) throw new VerbException(ExitCode.DataError, "the password is empty");
        input.Values[source.Name] = password;
    }
}
