using System.Collections.Concurrent;

namespace Posthorn.Pop3;

/// <summary>
/// The exclusive-access locks of RFC 1939 §4: one POP3 session per account. In memory, so that no crash leaves one
/// behind. Thread-safe.
/// </summary>
sealed class MaildropLocks
{
    readonly ConcurrentDictionary<long, byte> _held = new();

    /// <summary>Takes the lock of an account, or returns null when another session has it. Dispose it to give it back.</summary>
    internal IDisposable? TryTake(long accountId) => _held.TryAdd(accountId, 0) ? new Held(this, accountId) : null;

    sealed class Held(MaildropLocks locks, long accountId) : IDisposable
    {
        int _released;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _released, 1) == 0) locks._held.TryRemove(accountId, out _);
        }
    }
}
