using Posthorn.Imap.Administration;

namespace Posthorn.Transfer.Files;

/// <summary>
/// Mailboxes as files of a directory: "A/B" is "A/B.mbox". What would hide a file, or lead out of the directory, is "%2E" for
/// a dot.
/// </summary>
static class MboxNames
{
    const string Suffix = ".mbox";

    /// <summary>The path of a mailbox, relative to the directory.</summary>
    public static string PathOf(string mailbox)
    {
        var levels = mailbox.Split(MailboxAdmin.Delimiter);
        for (var i = 0; i < levels.Length; i++)
        {
            var level = levels[i];
            if (level[0] == '.') level = "%2E" + level[1..];
            // A directory must not be taken for another mailbox's file.
            if (i < levels.Length - 1 && level.EndsWith(Suffix, StringComparison.Ordinal)) level = level[..^Suffix.Length] + "%2E" + Suffix[1..];
            levels[i] = level;
        }
        return System.IO.Path.Combine(levels) + Suffix;
    }

    /// <summary>The mailboxes below a directory with their files. Knows Thunderbird's "name.sbd" and files without an ending.</summary>
    public static IReadOnlyList<(string Mailbox, string File)> Files(string directory)
    {
        var found = new List<(string, string)>();
        Walk(directory, "", found);
        return [.. found.OrderBy(static f => f.Item1 != "INBOX").ThenBy(static f => f.Item1, StringComparer.Ordinal)];
    }

    static void Walk(string directory, string above, List<(string, string)> into)
    {
        foreach (var file in Directory.EnumerateFiles(directory))
        {
            var name = Path.GetFileName(file);
            // Thunderbird's indices, rules and logs lie beside its folders.
            if (name[0] == '.' || name is "subscriptions" || Path.GetExtension(name) is ".lock" or ".msf" or ".dat" or ".html" or ".json" || (!name.EndsWith(Suffix, StringComparison.Ordinal) && new FileInfo(file).Length == 0)) continue;
            into.Add((Mailbox(above, name.EndsWith(Suffix, StringComparison.Ordinal) ? name[..^Suffix.Length] : name), file));
        }
        foreach (var below in Directory.EnumerateDirectories(directory))
            if (Path.GetFileName(below) is var name && name[0] != '.')
                Walk(below, Mailbox(above, name.EndsWith(".sbd", StringComparison.Ordinal) ? name[..^4] : name) + MailboxAdmin.Delimiter, into);
    }

    static string Mailbox(string above, string name)
    {
        name = MaildirNames.Decode(name);
        return MailboxAdmin.Normal(above.Length == 0 && name == "mbox" ? "INBOX" : above + name);
    }
}
