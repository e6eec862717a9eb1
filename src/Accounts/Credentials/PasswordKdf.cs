using System.Collections.Concurrent;
using Posthorn.Storage.Directory;

namespace Posthorn.Accounts.Credentials;

/// <summary>
/// Does the slow work on passwords, on threads of its own, so that a flood of logins takes at most that many cores and never
/// a thread of the pool. What does not fit into the queue is turned away. Thread-safe.
/// </summary>
public sealed class PasswordKdf : IDisposable
{
    /// <summary>How much work may wait.</summary>
    public const int DefaultQueue = 200;

    readonly BlockingCollection<Action> _queue;
    readonly PasswordHash _hash;
    readonly Lazy<string> _decoy;
    long _runs;

    /// <param name="threads">How many hashes may be in work at once; 0 for one a core.</param>
    /// <param name="queue">How many may wait.</param>
    public PasswordKdf(int threads = 0, int queue = DefaultQueue) : this(new PasswordHash(), threads, queue) { }

    internal PasswordKdf(PasswordHash hash, int threads = 0, int queue = DefaultQueue)
    {
        _hash = hash;
        _decoy = new(hash.MakeDecoy);
        _queue = new(queue);
        if (threads == 0) threads = Environment.ProcessorCount;
        for (var i = 0; i < threads; i++)
            new Thread(Work, 512 << 10) { IsBackground = true, Name = "password " + i }.Start();
    }

    /// <summary>How many hashes were computed since the start.</summary>
    public long Runs => Interlocked.Read(ref _runs);

    /// <summary>A hash of today's parameters for a new password.</summary>
    internal Task<string> MakeAsync(ReadOnlyMemory<byte> password, CancellationToken ct) => Run(() => _hash.Make(password.Span), ct);

    /// <summary>Checks a password; with null for the hash it does the same work and says no.</summary>
    internal Task<bool> VerifyAsync(ReadOnlyMemory<byte> password, string? hash, CancellationToken ct) =>
        Run(() => PasswordHash.Verify(password.Span, hash ?? _decoy.Value) && hash is not null, ct);

    /// <summary>SCRAM keys of a password.</summary>
    internal Task<ScramKeys> KeysAsync(ReadOnlyMemory<byte> password, byte[] salt, CancellationToken ct) => Run(() => PasswordKeys.Make(password.Span, salt), ct);

    internal bool NeedsUpgrade(string hash) => _hash.NeedsUpgrade(hash);

    /// <summary>Ends the threads once the queue is done.</summary>
    public void Dispose() => _queue.CompleteAdding();

    Task<T> Run<T>(Func<T> work, CancellationToken ct)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Do()
        {
            if (ct.IsCancellationRequested) { done.SetCanceled(ct); return; } // the client has gone: spare the work
            Interlocked.Increment(ref _runs);
            try { done.SetResult(work()); }
            catch (Exception e) { done.SetException(e); } // the caller decides what a failed check means
        }
        if (!_queue.TryAdd(Do)) throw new KdfBusyException();
        return done.Task;
    }

    void Work()
    {
        foreach (var work in _queue.GetConsumingEnumerable()) work();
    }
}
