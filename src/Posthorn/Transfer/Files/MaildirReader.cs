using System.Globalization;
using System.IO.Compression;
using Posthorn.Imap.Administration;

namespace Posthorn.Transfer.Files;

/// <summary>One folder of a Maildir.</summary>
sealed record MaildirFolder(string Mailbox, string Directory);

/// <summary>Reads a Maildir, a Maildir++ or a tree of Maildirs (Dovecot's LAYOUT=fs). Changes nothing in it.</summary>
static class MaildirReader
{
    const string KeywordsFile = "dovecot-keywords", UidsFile = "dovecot-uidlist", SubscriptionsFile = "subscriptions";

    public static bool IsMaildir(string directory) => Directory.Exists(Path.Combine(directory, "cur")) || Directory.Exists(Path.Combine(directory, "new"));

    /// <summary>The folders, INBOX first, the others by name.</summary>
    /// <param name="fail">Is told of a directory that cannot be a mailbox.</param>
    public static IReadOnlyList<MaildirFolder> Folders(string root, Action<string, string> fail)
    {
        var folders = new List<MaildirFolder>();
        if (IsMaildir(root)) folders.Add(new MaildirFolder("INBOX", root));
        var below = new List<MaildirFolder>();
        foreach (var directory in Directory.EnumerateDirectories(root))
        {
            var name = Path.GetFileName(directory);
            if (name is "cur" or "new" or "tmp") continue;
            if (name[0] != '.') Tree(directory, MaildirNames.Decode(name), below);
            else if (IsMaildir(directory))
            {
                if (MaildirNames.MailboxOf(name) is { } mailbox) below.Add(new MaildirFolder(mailbox, directory));
                else fail(directory, "its name stands for no mailbox");
            }
        }
        folders.AddRange(below.OrderBy(static f => f.Mailbox, StringComparer.Ordinal));
        return folders;
    }

    static void Tree(string directory, string mailbox, List<MaildirFolder> into)
    {
        if (IsMaildir(directory)) into.Add(new MaildirFolder(MailboxAdmin.Normal(mailbox), directory));
        foreach (var below in Directory.EnumerateDirectories(directory))
            if (Path.GetFileName(below) is var name && name[0] != '.' && name is not ("cur" or "new" or "tmp")) Tree(below, mailbox + MailboxAdmin.Delimiter + MaildirNames.Decode(name), into);
    }

    /// <summary>Mailboxes that are subscribed to; null when nothing says so.</summary>
    public static HashSet<string>? Subscriptions(string root)
    {
        var file = Path.Combine(root, SubscriptionsFile);
        if (!File.Exists(file)) return null;
        var lines = File.ReadAllLines(file);
        // Dovecot since 2.3: a first line with the version, then levels parted by tabs; before: names as directories have them.
        var levels = lines.Length > 0 && lines[0].StartsWith("V\t", StringComparison.Ordinal);
        return [.. lines.Skip(levels ? 1 : 0).Where(static l => l.Length > 0).Select(l => levels
            ? MailboxAdmin.Normal(string.Join(MailboxAdmin.Delimiter, l.Split('\t').Select(MaildirNames.Decode)))
            : MaildirNames.MailboxOf(l == "INBOX" ? "" : "." + l.TrimStart('.')) ?? "")];
    }

    /// <summary>The keywords of a folder by their place.</summary>
    public static IReadOnlyList<string> Keywords(string directory)
    {
        var keywords = new List<string>();
        var file = Path.Combine(directory, KeywordsFile);
        if (!File.Exists(file)) return keywords;
        foreach (var line in File.ReadLines(file))
        {
            var space = line.IndexOf(' ');
            if (space <= 0 || !int.TryParse(line.AsSpan(0, space), NumberStyles.None, CultureInfo.InvariantCulture, out var place) || place >= MaildirFileName.MostKeywords) continue;
            while (keywords.Count <= place) keywords.Add("");
            keywords[place] = line[(space + 1)..];
        }
        return keywords;
    }

    /// <summary>The files of a folder, in the order of their UIDs where those are known, then in that of their arrival.</summary>
    public static List<string> Files(string directory)
    {
        var uids = Uids(directory);
        var files = new List<(uint Uid, long Arrival, string Path)>();
        foreach (var sub in (ReadOnlySpan<string>)["cur", "new"])
        {
            var path = Path.Combine(directory, sub);
            if (!Directory.Exists(path)) continue;
            foreach (var file in Directory.EnumerateFiles(path))
            {
                var name = Path.GetFileName(file);
                if (name[0] == '.') continue; // as the Maildir convention has it
                var digits = name.AsSpan().IndexOfAnyExceptInRange('0', '9');
                _ = long.TryParse(digits < 0 ? name : name.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out var arrival);
                files.Add((uids.GetValueOrDefault(MaildirFileName.Parse(name).Unique, uint.MaxValue), arrival, file));
            }
        }
        files.Sort(static (a, b) => a.Uid != b.Uid ? a.Uid.CompareTo(b.Uid) : a.Arrival != b.Arrival ? a.Arrival.CompareTo(b.Arrival) : string.CompareOrdinal(a.Path, b.Path));
        return files.ConvertAll(static f => f.Path);
    }

    static Dictionary<string, uint> Uids(string directory)
    {
        var uids = new Dictionary<string, uint>();
        var file = Path.Combine(directory, UidsFile);
        if (!File.Exists(file)) return uids;
        foreach (var line in File.ReadLines(file).Skip(1))
        {
            // "uid [more] :name"
            var (space, colon) = (line.IndexOf(' '), line.IndexOf(':'));
            if (space > 0 && colon > space && uint.TryParse(line.AsSpan(0, space), NumberStyles.None, CultureInfo.InvariantCulture, out var uid))
                uids[MaildirFileName.Parse(line[(colon + 1)..]).Unique] = uid;
        }
        return uids;
    }

    /// <summary>Opens a message; a compressed one as what it holds. Throws <see cref="InvalidDataException"/> for a compression that is not known here.</summary>
    public static Stream Open(string path)
    {
        var file = new FileStream(path, new FileStreamOptions { Options = FileOptions.SequentialScan, BufferSize = 0, Share = FileShare.ReadWrite | FileShare.Delete });
        Span<byte> magic = stackalloc byte[4];
        var n = file.ReadAtLeast(magic, 4, throwOnEndOfStream: false);
        file.Position = 0;
        if (n >= 2 && magic[0] == 0x1F && magic[1] == 0x8B) return new GZipStream(file, CompressionMode.Decompress);
        var packed = n < 4 ? null : magic is [0x28, 0xB5, 0x2F, 0xFD] ? "zstd" : magic is [0x42, 0x5A, 0x68, _] ? "bzip2" : magic is [0xFD, 0x37, 0x7A, 0x58] ? "xz" : magic is [0x04, 0x22, 0x4D, 0x18] ? "lz4" : null;
        if (packed is null) return file;
        file.Dispose();
        throw new InvalidDataException($"it is compressed by {packed}, which is not read here");
    }
}
