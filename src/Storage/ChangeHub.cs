namespace Posthorn.Storage;

/// <summary>The kinds of change; frozen by a test, they are on disk.</summary>
public enum ChangeKind { Arrived = 1, Flags = 2, Expunged = 3, MailboxCreated = 4, MailboxRenamed = 5, MailboxDeleted = 6, MailboxChanged = 7, Directory = 8 }

/// <summary>One committed change of an account. <see cref="Number"/> is IMAP's MODSEQ and JMAP's state at once.</summary>
public readonly record struct Change(long AccountId, long Number, ChangeKind Kind, long MailboxId, uint Uid, long MessageId);

/// <summary>Hands committed changes to those who watch an account. Handlers must be quick and must not throw.</summary>
public sealed class ChangeHub
{
    /// <summary>Watches one account; dispose the result to stop.</summary>
    public IDisposable Subscribe(long accountId, Action<IReadOnlyList<Change>> handler) => throw new NotImplementedException();

    /// <summary>Raised after a commit that changed domains, accounts, aliases or credentials.</summary>
    public event Action? DirectoryChanged { add => throw new NotImplementedException(); remove => throw new NotImplementedException(); }
}
