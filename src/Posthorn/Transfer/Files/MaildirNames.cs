using Posthorn.Imap.Administration;

namespace Posthorn.Transfer.Files;

/// <summary>
/// Mailboxes as directories of a Maildir++: INBOX is the directory itself, "A/B" is ".A.B" in it, in modified UTF-7. A dot in
/// a name, which the layout has no place for, is written as "%2E": no name of ours has a percent sign.
/// </summary>
static class MaildirNames
{
    const string Dot = "%2E";
    const string Inbox = "INBOX";

    /// <summary>The directory of a mailbox, relative to the Maildir; empty for INBOX.</summary>
    public static string DirectoryOf(string mailbox) => mailbox == Inbox ? "" : string.Concat(mailbox.Split(MailboxAdmin.Delimiter).Select(static level => "." + Encode(level)));

    /// <summary>One level of a name.</summary>
    public static string Encode(string level) => MailboxEncoding.Encode(level).Replace(".", Dot, StringComparison.Ordinal);

    /// <summary>The mailbox of a directory; null when it can be none.</summary>
    public static string? MailboxOf(string directory)
    {
        if (directory.Length == 0) return Inbox;
        if (directory[0] != '.') return null;
        var levels = directory[1..].Split('.').Select(Decode).ToList();
        return levels.Exists(static l => l.Length == 0 || l.Contains(MailboxAdmin.Delimiter)) ? null : MailboxAdmin.Normal(string.Join(MailboxAdmin.Delimiter, levels));
    }

    /// <summary>A level as servers write it, in modified UTF-7, or as those write it that are set up for UTF-8.</summary>
    public static string Decode(string level) => Fitting(string.Join('.', level.Split(Dot).Select(static p => MailboxEncoding.TryDecode(p) ?? p)));

    /// <summary>A name of elsewhere with "_" for the characters that no name here may have.</summary>
    public static string Fitting(string name) => new([.. name.Select(static c => c is '%' or '*' || char.IsControl(c) ? '_' : c)]);

    /// <summary>What a folder of this name is for, when it is one of the names that nearly all programs use; null for others.</summary>
    public static string? UseOf(string mailbox) => mailbox switch
    {
        "Drafts" => "drafts",
        "Sent" => "sent",
        "Junk" => "junk",
        "Trash" => "trash",
        "Archive" => "archive",
        _ => null,
    };
}
