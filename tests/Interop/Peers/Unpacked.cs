using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop.Peers;

/// <summary>
/// Programs that ./test has unpacked but not installed (tests/unpacked.txt). They run in a mount namespace of their own, where
/// the users they want exist and the directories that are built into them are empty.
/// </summary>
static class Unpacked
{
    const string Cache = "/var/cache/posthorn-tests";

    static readonly Lazy<string?> s_namespaces = new(() =>
    {
        if (!Environment.IsPrivilegedProcess) return "needs root";
        if (Tool.Missing("unshare") is { } missing) return missing;
        using var trial = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(Tool.Find("unshare")!, ["--mount", "--propagation", "private", "mount", "--bind", "/tmp", "/mnt"]) { RedirectStandardError = true })!;
        trial.WaitForExit();
        return trial.ExitCode == 0 ? null : "mounting is not allowed here";
    });

    public static string Program(string package, string path) => Path.Combine(Cache, package, path);

    /// <summary>Why a program cannot run here, or null.</summary>
    public static string? Missing(string package, string path) => File.Exists(Program(package, path)) ? s_namespaces.Value : $"not unpacked: {package}";

    /// <summary>The command that runs a shell script, with <c>set -e</c>, where these users exist.</summary>
    public static string[] Command(string home, IReadOnlyList<string> users, string script)
    {
        List<string> passwd = [.. File.ReadAllLines("/etc/passwd")], group = [.. File.ReadAllLines("/etc/group")];
        for (var i = 0; i < users.Count; i++)
        {
            var id = 61_000 + i; // in none of Debian's ranges
            if (!passwd.Any(l => l.StartsWith(users[i] + ":", StringComparison.Ordinal))) passwd.Add($"{users[i]}:x:{id}:{id}::/nonexistent:/usr/sbin/nologin");
            if (!group.Any(l => l.StartsWith(users[i] + ":", StringComparison.Ordinal))) group.Add($"{users[i]}:x:{id}:");
        }
        File.WriteAllLines(Path.Combine(home, "passwd"), passwd);
        File.WriteAllLines(Path.Combine(home, "group"), group);
        var libraries = string.Join(':', Directory.EnumerateDirectories(Cache).SelectMany(d => Path.Combine(d, "usr/lib") is var lib && Directory.Exists(lib) ? Directory.EnumerateDirectories(lib, "*-linux-*") : []));
        return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", $"""
            cd '{home}'
            mount --bind passwd /etc/passwd
            mount --bind group /etc/group
            export LD_LIBRARY_PATH='{libraries}'
            {script}
            """];
    }
}
