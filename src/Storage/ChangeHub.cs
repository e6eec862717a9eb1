using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Posthorn.Storage;

/// <summary>The kinds of change; frozen by a test, they are on disk.</summary>
public enum ChangeKind
{
    /// <summary>A new message.</summary>
    Arrived = 1,

    /// <summary>Flags or keywords of a message in this mailbox.</summary>
    Flags = 2,

    /// <summary>A message left this mailbox; whether it is gone from the account its row tells.</summary>
    Expunged = 3,

    MailboxCreated = 4,
    MailboxRenamed = 5,
    MailboxDeleted = 6,

    /// <summary>Subscription or another property of a mailbox.</summary>
    MailboxChanged = 7,
    Directory = 8,

    /// <summary>A message the account already had got a place in this mailbox too (copy, move).</summary>
    Placed = 9,
}

/// <summary>One committed change of an account. <see cref="Number"/> is IMAP's MODSEQ and JMAP's state at once.</summary>
public readonly record struct Change(long AccountId, long Number, ChangeKind Kind, long MailboxId, uint Uid, long MessageId)
{
    /// <summary>
    /// The message's place after an arrival, a placing or a change of flags, so that who watches need not ask; null for other
    /// kinds, for changes read from the log, and for those of another node. No part of what makes two changes equal.
    /// </summary>
    public Messages.PlaceState? Place { get; init; }

    public bool Equals(Change other) => (AccountId, Number, Kind, MailboxId, Uid, MessageId) == (other.AccountId, other.Number, other.Kind, other.MailboxId, other.Uid, other.MessageId);

    public override int GetHashCode() => HashCode.Combine(AccountId, Number);
}

/// <summary>Hands committed changes to those who watch an account. Handlers must be quick and must not throw.</summary>
public sealed class ChangeHub
{
    readonly ConcurrentDictionary<long, Subscription[]> _watchers = new();
    readonly ILogger _logger;

    internal ChangeHub(ILogger logger) => _logger = logger;

    /// <summary>Raised after a commit that changed domains, accounts, aliases or credentials.</summary>
    public event Action? DirectoryChanged;

    /// <summary>Raised after a commit by which messages came, with the account of each. Handlers must be quick and must not throw.</summary>
    public event Action<long>? Arrived;

    /// <summary>Watches one account; dispose the result to stop.</summary>
    public IDisposable Subscribe(long accountId, Action<IReadOnlyList<Change>> handler)
    {
        var subscription = new Subscription(this, accountId, handler);
        _watchers.AddOrUpdate(accountId, static (_, one) => [one], static (_, others, one) => [.. others, one], subscription);
        return subscription;
    }

    /// <summary>Called by the writer after the commit, before the units are answered.</summary>
    internal void Publish(List<Change> changes, bool directory)
    {
        if (directory)
            Call(static hub => hub.DirectoryChanged?.Invoke(), this);
        if (Arrived is { } arrived)
            foreach (var change in changes)
                if (change.Kind == ChangeKind.Arrived)
                    Call(static state => state.arrived(state.AccountId), (arrived, change.AccountId));
        if (changes.Count == 0 || _watchers.IsEmpty)
            return;
        // Most groups are about one account; they are not taken apart.
        var first = changes[0].AccountId;
        if (changes.TrueForAll(c => c.AccountId == first))
            Publish(first, changes);
        else
            foreach (var group in changes.GroupBy(static c => c.AccountId))
                Publish(group.Key, group);
    }

    void Publish(long account, IEnumerable<Change> changes)
    {
        if (!_watchers.TryGetValue(account, out var watchers))
            return;
        Change[] theirs = [.. changes];
        foreach (var watcher in watchers)
            Call(static state => state.watcher.Handler(state.theirs), (watcher, theirs));
    }

    /// <summary>A watcher's error is its own: the commit has happened, the others must hear of it.</summary>
    void Call<T>(Action<T> handler, T argument)
    {
        try
        {
            handler(argument);
        }
        catch (Exception e)
        {
            _logger.LogError(e, "a watcher of store changes failed");
        }
    }

    void Remove(Subscription subscription)
    {
        while (_watchers.TryGetValue(subscription.AccountId, out var old))
        {
            Subscription[] rest = [.. old.Where(s => s != subscription)];
            if (rest.Length == 0
                ? _watchers.TryRemove(KeyValuePair.Create(subscription.AccountId, old))
                : _watchers.TryUpdate(subscription.AccountId, rest, old))
                return;
        }
    }

    sealed record Subscription(ChangeHub Hub, long AccountId, Action<IReadOnlyList<Change>> Handler) : IDisposable
    {
        public bool Equals(Subscription? other) => ReferenceEquals(this, other);
        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
        public void Dispose() => Hub.Remove(this);
    }
}
