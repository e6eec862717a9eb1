using System.Globalization;
using Posthorn.Imap.Administration;
using Posthorn.Transfer.Link;

namespace Posthorn.Transfer.Files;

/// <summary>
/// Writes one folder of a Maildir++ as Dovecot reads it. A message's file has a name made of its UIDVALIDITY and UID, so that
/// a second run finds what the first one wrote and writes only what is missing.
/// </summary>
sealed class MaildirWriter
{
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    readonly string _directory;
    readonly uint _validity;
    readonly Dictionary<string, string> _there = [];
    readonly List<string> _keywords;

    /// <param name="root">The Maildir.</param>
    /// <param name="mailbox">The name of the mailbox.</param>
    /// <param name="validity">Its UIDVALIDITY.</param>
    public MaildirWriter(string root, string mailbox, uint validity)
    {
        (_directory, _validity) = (Path.Combine(root, MaildirNames.DirectoryOf(mailbox)), validity);
        foreach (var sub in (ReadOnlySpan<string>)["", "tmp", "new", "cur"]) Directory.CreateDirectory(Path.Combine(_directory, sub), Private);
        if (mailbox != "INBOX") File.Create(Path.Combine(_directory, "maildirfolder")).Dispose();
        // Left behind by a run that was cut off.
        foreach (var file in Directory.EnumerateFiles(Path.Combine(_directory, "tmp"), "*" + Mark)) File.Delete(file);
        foreach (var sub in (ReadOnlySpan<string>)["new", "cur"])
            foreach (var file in Directory.EnumerateFiles(Path.Combine(_directory, sub))) _there[MaildirFileName.Parse(Path.GetFileName(file)).Unique] = file;
        _keywords = [.. MaildirReader.Keywords(_directory)];
    }

    /// <summary>The end of the unique part of all names that are made here.</summary>
    const string Mark = ".posthorn";

    /// <summary>Where a message was written, relative to the folder; also its own name for <see cref="Find"/>.</summary>
    public static string Unique(uint validity, OutgoingMail mail) => string.Create(CultureInfo.InvariantCulture, $"{mail.Date.ToUnixTimeSeconds()}.V{validity}U{mail.Uid}{Mark}");

    /// <summary>Keywords that had no place left: the convention has letters for 26.</summary>
    public SortedSet<string> Lost { get; } = [];

    /// <summary>The file of a message by its unique part, whatever flags it has got since; null when it is not there.</summary>
    public string? Find(string unique) => _there.GetValueOrDefault(unique);

    /// <summary>True when the message is there; its flags are then made to fit.</summary>
    public bool Has(OutgoingMail mail)
    {
        if (!_there.TryGetValue(Unique(_validity, mail), out var path)) return false;
        var name = MaildirFileName.Parse(Path.GetFileName(path));
        var letters = MaildirFileName.LettersOf(mail.Flags, Place);
        if (name.Letters == letters || name.WireSize is null) return true;
        var fresh = Path.Combine(_directory, "cur", (name with { Letters = letters }).ToString());
        File.Move(path, fresh);
        _there[name.Unique] = fresh;
        return true;
    }

    /// <summary>Writes a message; its file.</summary>
    public string Write(OutgoingMail mail, MailSpool message)
    {
        // ",S" is what the file has, ",W" what it has with CRLF line ends. Where the two are equal the file is the message as it is.
        var asIs = !message.Canonical;
        var name = new MaildirFileName(Unique(_validity, mail), message.Length - (asIs ? 0 : message.Lines), message.Length, MaildirFileName.LettersOf(mail.Flags, Place));
        var temporary = Path.Combine(_directory, "tmp", name.Unique);
        using (var to = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        {
            using var from = message.Open();
            if (asIs) from.CopyTo(to);
            else
            {
                using var lines = new LinePieces(from);
                while (lines.Next())
                {
                    to.Write(lines.Piece);
                    if (lines.End != PieceEnd.None) to.WriteByte((byte)'\n');
                }
            }
            to.Flush();
            File.SetLastWriteTimeUtc(to.SafeFileHandle, mail.Date.UtcDateTime); // INTERNALDATE, as Dovecot has it
        }
        var path = Path.Combine(_directory, "cur", name.ToString());
        File.Move(temporary, path, overwrite: true);
        _there[name.Unique] = path;
        return path;
    }

    /// <summary>Makes all that was written last.</summary>
    public void Finish() => FileSync.All(_directory);

    int Place(string keyword)
    {
        var at = _keywords.FindIndex(k => k.Equals(keyword, StringComparison.OrdinalIgnoreCase));
        if (at >= 0) return at;
        if (_keywords.Count >= MaildirFileName.MostKeywords)
        {
            Lost.Add(keyword);
            return -1;
        }
        _keywords.Add(keyword);
        File.WriteAllLines(Path.Combine(_directory, "dovecot-keywords"), _keywords.Select(static (k, i) => string.Create(CultureInfo.InvariantCulture, $"{i} {k}")));
        return _keywords.Count - 1;
    }

    /// <summary>Writes the subscriptions of an account, in the form of Dovecot 2.3.</summary>
    public static void WriteSubscriptions(string root, IEnumerable<string> mailboxes) => File.WriteAllText(Path.Combine(root, "subscriptions"),
        "V\t2\n\n" + string.Concat(mailboxes.Select(static m => string.Join('\t', m.Split(MailboxAdmin.Delimiter).Select(MaildirNames.Encode)) + "\n")));
}
