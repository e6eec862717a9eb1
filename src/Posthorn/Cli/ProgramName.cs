using System.Text;
using Posthorn.Sendmail;

namespace Posthorn.Cli;

/// <summary>The name that the program was started by: a link named sendmail makes it sendmail.</summary>
static class ProgramName
{
    /// <summary>The arguments, with a name that stands for a command before them.</summary>
    public static string[] Prepend(string[] args) => Of("/proc/self/cmdline") is { } name && SendmailCommand.IsName(name) ? [name, .. args] : args;

    // .NET tells the path of the assembly in place of the name; the kernel keeps it.
    static string? Of(string file)
    {
        try
        {
            var line = File.ReadAllBytes(file);
            var end = Array.IndexOf(line, (byte)0);
            return Path.GetFileName(Encoding.UTF8.GetString(line, 0, end < 0 ? line.Length : end));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }
}
