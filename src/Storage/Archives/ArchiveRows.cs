namespace Posthorn.Storage.Archives;

/// <summary>How an archive keeps mail; frozen by a test, it is on disk.</summary>
public enum ArchiveFormat
{
    /// <summary>A directory for each mailbox, a file for each message.</summary>
    Maildir = 1,

    /// <summary>A file for each mailbox.</summary>
    Mbox = 2,
}

/// <summary>A directory that an account is copied to.</summary>
/// <param name="Every">How often.</param>
/// <param name="Due">When it is copied next.</param>
/// <param name="Finished">When it was last copied whole; null for never.</param>
/// <param name="Failure">Why the last attempt failed; empty when it did not.</param>
public sealed record ArchiveRow(long Id, long AccountId, string Directory, ArchiveFormat Format, TimeSpan Every, DateTimeOffset Due, DateTimeOffset? Finished, string Failure, DateTimeOffset Created);

/// <summary>A place whose message is in an archive.</summary>
/// <param name="File">Which file, in the words of the one who archives.</param>
/// <param name="Hash">SHA-256 of all octets of the message.</param>
public sealed record ArchivedRow(long MailboxId, uint Uid, string File, byte[] Hash);

/// <summary>How long mail is kept in a mailbox.</summary>
/// <param name="Mailbox">Its name; it need not be there.</param>
/// <param name="Keep">Since the message came into the mailbox.</param>
/// <param name="Archived">True: only messages that are found in an archive of the account go.</param>
public sealed record RetentionRow(long Id, long AccountId, string Mailbox, TimeSpan Keep, bool Archived, DateTimeOffset Created);
