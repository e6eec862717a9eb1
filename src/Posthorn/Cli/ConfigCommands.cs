using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Posthorn.Configuration;

namespace Posthorn.Cli;

/// <summary>The commands about the configuration itself; none of them opens the store.</summary>
static class ConfigCommands
{
    public static int Check(Terminal terminal, ConfigLoader loader, string? file, IEnumerable<string> settings, bool json)
    {
        try
        {
            var config = loader.Load(file, settings);
            Posthorn.Serving.Deployment.CheckFiles(config);
            if (json) terminal.Out.WriteLine(new JsonObject { ["ok"] = true, ["file"] = config.File, ["errors"] = new JsonArray() }.ToJsonString());
            else terminal.Out.WriteLine($"{config.File}: good ({config.Options.Listeners.Count} listeners)");
            return ExitCode.Ok;
        }
        catch (ConfigException e)
        {
            return Report(terminal, e, json, loader.FindFile(file));
        }
    }

    /// <summary>Prints what is wrong; 78.</summary>
    public static int Report(Terminal terminal, ConfigException fault, bool json, string? file = null)
    {
        if (!json)
        {
            foreach (var error in fault.Errors) terminal.Error.WriteLine(error.ToString());
            return ExitCode.Configuration;
        }
        var errors = new JsonArray([.. fault.Errors.Select(e => (JsonNode)new JsonObject
        {
            ["file"] = e.At.Source,
            ["line"] = e.At.Line > 0 ? e.At.Line : null,
            ["option"] = e.Option,
            ["message"] = e.Message,
        })]);
        terminal.Out.WriteLine(new JsonObject { ["ok"] = false, ["file"] = file, ["errors"] = errors }.ToJsonString());
        return ExitCode.Configuration;
    }

    public static int Schema(Terminal terminal)
    {
        terminal.Out.WriteLine(ConfigReference.Schema().ToJsonString(new JsonSerializerOptions { WriteIndented = true, TypeInfoResolver = Control.ControlJson.Default }));
        return ExitCode.Ok;
    }

    public static int Reference(Terminal terminal)
    {
        terminal.Out.Write(ConfigReference.Markdown());
        return ExitCode.Ok;
    }

    public static int Version(Terminal terminal, bool json)
    {
        var runtime = Environment.Version.ToString();
        if (json) terminal.Out.WriteLine(new JsonObject { ["version"] = Text, ["runtime"] = runtime }.ToJsonString());
        else terminal.Out.WriteLine($"posthorn {Text} (.NET {runtime})");
        return ExitCode.Ok;
    }

    /// <summary>The version of the program.</summary>
    public static string Text { get; } =
        typeof(ConfigCommands).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";
}
