using System.Collections;
using System.Text.Json.Nodes;
using Posthorn.Cli;
using Posthorn.Configuration;
using Posthorn.Logging;
using Posthorn.Serving;

namespace Posthorn.Tests.Unit.Host.Cli;

/// <summary>The program in a directory of its own: commands as typed, and a server when asked for.</summary>
sealed class Program : IAsyncDisposable
{
    readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("posthorn-test-");
    Server? _server;
    LogProvider? _logs;

    internal Program() => WriteConfig("");

    internal string Home => _home.FullName;
    internal string ConfigFile => Path.Combine(Home, "posthorn.json");
    internal string DataDirectory => Path.Combine(Home, "data");
    internal string LmtpSocket => Path.Combine(Home, "lmtp.sock");
    internal MemoryStream Log { get; } = new();
    internal string Output { get; private set; } = "";
    internal string Errors { get; private set; } = "";

    /// <param name="more">Further members of the file.</param>
    internal void WriteConfig(string more) => File.WriteAllText(ConfigFile, $$"""
        {
          "hostname": "mail.example.test",
          "dataDirectory": "data",
          "listeners": [ { "protocol": "lmtp", "address": "unix:lmtp.sock" } ],
          {{more}}
        }
        """);

    internal async Task<int> RunAsync(string input, params string[] args)
    {
        var (output, errors) = (new StringWriter(), new StringWriter());
        var tree = new CommandTree(new Terminal(new StringReader(input), output, errors), new Hashtable { ["POSTHORN_CONFIG"] = ConfigFile });
        var exit = await tree.RunAsync(args);
        (Output, Errors) = (output.ToString(), errors.ToString());
        return exit;
    }

    /// <summary>Runs words parted by spaces.</summary>
    internal Task<int> RunAsync(string line) => RunAsync("", line.Split(' '));

    internal async Task<JsonObject> JsonAsync(string line)
    {
        await RunAsync(line + " --json");
        return JsonNode.Parse(Output)!.AsObject();
    }

    internal LoadedConfig Load() => new ConfigLoader(new Hashtable()).Load(ConfigFile);

    internal async Task<Server> ServeAsync(LogSeverity level = LogSeverity.Information)
    {
        _logs = new LogProvider(LogOutput.To(Log), LogFormat.Text, level, TimeProvider.System);
        _server = new Server(Load(), _logs, TimeProvider.System);
        await _server.StartAsync();
        return _server;
    }

    /// <summary>Hands a message to the running server by the sendmail command; it must be taken.</summary>
    internal async Task SendAsync(string message, params string[] args)
    {
        if (await RunAsync(message, ["sendmail", .. args]) is not 0 and var exit) throw new InvalidOperationException($"sendmail ended with {exit}: {Errors}");
    }

    /// <summary>Stops the server; the store stays.</summary>
    internal async Task StopAsync()
    {
        if (_server is not null) await _server.StopAsync();
        _server = null;
    }

    /// <summary>What the server has logged.</summary>
    internal string Logged()
    {
        _logs!.Output.Flush();
        return System.Text.Encoding.UTF8.GetString(Log.ToArray());
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        _logs?.Dispose();
        _home.Delete(recursive: true);
    }
}
