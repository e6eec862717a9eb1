using System.Collections;

namespace Posthorn.Configuration;

/// <summary>A configuration that was read and found good.</summary>
/// <param name="File">The full path of the file.</param>
/// <param name="Origins">Where each given option came from.</param>
sealed record LoadedConfig(string File, ServerOptions Options, IReadOnlyDictionary<string, Origin> Origins)
{
    /// <summary>The path of the control socket.</summary>
    public string ControlSocket => Options.Control.Socket ?? Path.Combine(Options.DataDirectory, "control.sock");

    /// <summary>The path of the socket for the sendmail command.</summary>
    public string SendmailSocket => Options.Sendmail.Socket ?? Path.Combine(Options.DataDirectory, "sendmail.sock");
}

/// <summary>Where the configuration is looked for and what is laid over it; built-in &lt; file &lt; environment &lt; command line.</summary>
sealed class ConfigLoader(IDictionary environment)
{
    internal const string SystemFile = "/etc/posthorn/posthorn.json";

    /// <summary>The file that applies: the argument, else POSTHORN_CONFIG, else the system's.</summary>
    public string FindFile(string? argument) =>
        Path.GetFullPath(argument ?? (environment["POSTHORN_CONFIG"] as string is { Length: > 0 } named ? named : SystemFile));

    /// <summary>Reads and checks. Throws <see cref="ConfigException"/> with everything that is wrong; touches nothing.</summary>
    public LoadedConfig Load(string? argument, IEnumerable<string>? settings = null)
    {
        var file = FindFile(argument);
        byte[] octets;
        try { octets = File.ReadAllBytes(file); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var what = e is FileNotFoundException or DirectoryNotFoundException ? "there is no such file (name another with --config FILE or POSTHORN_CONFIG)" : "cannot be read: " + e.Message;
            throw new ConfigException([new(new Origin(file, 0), "(whole file)", what)]);
        }
        return Parse(octets, file, settings);
    }

    /// <summary>As <see cref="Load"/>; null when nobody named a file and the system has none.</summary>
    public LoadedConfig? LoadIfThere(string? argument, IEnumerable<string>? settings = null)
    {
        var file = FindFile(argument);
        return file == SystemFile && !File.Exists(file) ? null : Load(argument, settings);
    }

    /// <summary>The same for octets at hand. Errors name the file by its last part when that is what the user knows.</summary>
    public LoadedConfig Parse(ReadOnlySpan<byte> octets, string file, IEnumerable<string>? settings = null)
    {
        var errors = new List<ConfigError>();
        var root = ConfigReader.Read(octets, Shown(file));
        if (root.Kind == NodeKind.Object)
        {
            ConfigOverlay.Environment(root, environment, errors);
            ConfigOverlay.CommandLine(root, settings ?? [], errors);
        }
        var binder = new ConfigBinder(Path.GetDirectoryName(Path.GetFullPath(file))!, errors);
        var options = (ServerOptions)binder.Section(typeof(ServerOptions), root, "");
        if (errors.Count == 0) ConfigRules.Check(options, binder.Origins, root.At, errors);
        if (errors.Count > 0) throw new ConfigException(errors);
        return new LoadedConfig(Path.GetFullPath(file), options, binder.Origins);
    }

    static string Shown(string file)
    {
        var relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), file);
        return relative.StartsWith("..", StringComparison.Ordinal) ? file : relative;
    }
}
