using Microsoft.Extensions.Logging;
using Posthorn.Search.Segments;
using Posthorn.Storage;
using Posthorn.Storage.Search;

namespace Posthorn.Search;

/// <summary>
/// The index of all mail by trigrams, in a file of its own beside the store. It only narrows: it names the messages that may
/// fit and knows how far it is, so searches find the same with and without it. Mail is put into it behind the delivery by
/// <see cref="IndexWorker"/>. Thread-safe.
/// </summary>
public sealed class SearchIndex : IAsyncDisposable
{
    /// <summary>
    /// What the octets in the file mean, and which text they were made from: to be raised with every change of
    /// <see cref="Reading.SearchContent"/>, <see cref="Reading.CaseMap"/>, of the texts that Posthorn.Mime extracts, or of the pages.
    /// </summary>
    internal const int Version = 2;

    readonly MailStore _store;
    readonly ILogger _log;
    readonly MessageIndexer _indexer;
    readonly SemaphoreSlim _working = new(1, 1);
    readonly IndexWorker _worker;
    IndexFile? _file, _discarded;
    volatile bool _closed;

    SearchIndex(MailStore store, TimeProvider time, ILogger log)
    {
        (_store, _log, _indexer) = (store, log, new MessageIndexer(store, log));
        _worker = new IndexWorker(this, store, time, log);
    }

    /// <summary>Opens the index of a store, or makes an empty one. An index that cannot be opened is tried again by the worker.</summary>
    public static SearchIndex Open(MailStore store, TimeProvider time, ILogger log)
    {
        var index = new SearchIndex(store, time, log);
        try { index.Prepare(); }
        catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException) { SearchLog.Failed(log, e); }
        return index;
    }

    /// <summary>Begins to index what is there and what comes, in the background.</summary>
    public void Start() => _worker.Start();

    /// <summary>
    /// The messages of an account that may have all these words somewhere in their text. Null when the index cannot tell: it is
    /// not there, or the words are shorter than three letters.
    /// </summary>
    /// <param name="words">Folded by <see cref="Reading.CaseMap"/>.</param>
    public Narrowed? Find(long accountId, params ReadOnlySpan<string> words)
    {
        if (Volatile.Read(ref _file) is not { } file || IndexQuery.Keys(words) is not { Length: > 0 } keys) return null;
        try { return file.Read(tables => IndexQuery.Run(tables, accountId, keys)); }
        catch (Exception e) when (IsDamage(e))
        {
            Discard(file, e.Message);
            return null;
        }
        catch (Exception e) when (e is StoreException or ObjectDisposedException) { return null; } // busy, or being made anew
    }

    /// <summary>How far it is.</summary>
    public SearchStatus Status()
    {
        if (Volatile.Read(ref _file) is not { } file) return new(false, 0, 0, Waiting([]), 0, 0);
        try
        {
            var (counts, positions) = Guard(file, () => file.Read(static tables => (tables.Counts(), tables.Positions())));
            return new(true, counts.Accounts, counts.Messages, Waiting(positions), counts.Segments, file.Size);
        }
        catch (StoreException) when (Volatile.Read(ref _file) != file) { return new(false, 0, 0, Waiting([]), 0, 0); }
    }

    /// <summary>Throws the index away and makes it anew: here and now, or by the worker when it runs.</summary>
    /// <returns>True when it is done.</returns>
    public async Task<bool> RebuildAsync(CancellationToken ct = default)
    {
        SearchLog.Rebuilding(_log);
        Discard(Volatile.Read(ref _file), null);
        if (_worker.Running) return false;
        await CatchUpAsync(ct).ConfigureAwait(false);
        return true;
    }

    /// <summary>Indexes all that waits.</summary>
    public async Task CatchUpAsync(CancellationToken ct = default)
    {
        await _working.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            Prepare();
            var due = new IndexQueue();
            foreach (var account in Behind()) due.Add(account);
            while (Step(due, SegmentBuilder.MostMessages, ct) > 0) { }
        }
        finally { _working.Release(); }
    }

    /// <summary>
    /// Indexes some messages of the accounts that are due, in one transaction; an account with more is due again. Returns how
    /// many messages that were.
    /// </summary>
    internal int Step(IndexQueue due, int most, CancellationToken ct)
    {
        if (!_store.HasRoomFor(1 << 20)) throw new StoreFullException("no space is left for the search index");
        var file = Volatile.Read(ref _file) ?? throw new StoreException("the search index is not open");
        return Guard(file, () => file.Write(tables =>
        {
            var done = 0;
            while (done < most && due.TryTake(out var account))
            {
                var (count, more) = _indexer.Run(tables, account, most - done, ct);
                done += count;
                if (more) due.Add(account);
            }
            return done;
        }));
    }

    /// <summary>Throws <see cref="StoreException"/> for damage, and lets the file go.</summary>
    T Guard<T>(IndexFile file, Func<T> work)
    {
        try { return work(); }
        catch (Exception e) when (IsDamage(e))
        {
            Discard(file, e.Message);
            throw new StoreException("the search index is damaged: " + e.Message, e);
        }
        catch (ObjectDisposedException e) { throw new StoreException("the search index is being made anew", e); }
    }

    static bool IsDamage(Exception e) => e is StoreDamageException or FormatException or ArgumentOutOfRangeException or IndexOutOfRangeException;

    /// <summary>Opens the file if there is none, and forgets what the store does not have. One caller at a time.</summary>
    internal void Prepare()
    {
        if (Volatile.Read(ref _file) is { } file) Guard(file, () => Compare(file));
        else
        {
            if (Interlocked.Exchange(ref _discarded, null) is { } discarded)
            {
                discarded.Dispose();
                IndexFile.Delete(_store);
            }
            var opened = IndexFile.Open(_store, Version);
            try { Compare(opened); }
            catch (Exception e) when (IsDamage(e))
            {
                SearchLog.Damaged(_log, e.Message);
                opened.Dispose();
                IndexFile.Delete(_store);
                opened = IndexFile.Open(_store, Version);
            }
            Volatile.Write(ref _file, opened);
        }
    }

    /// <summary>Accounts with messages that may not be indexed yet.</summary>
    internal List<long> Behind()
    {
        var file = Volatile.Read(ref _file) ?? throw new StoreException("the search index is not open");
        var known = Guard(file, () => file.Read(static tables => tables.Positions())).ToDictionary(static p => p.AccountId, static p => p.Last);
        return [.. _store.Read(static unit => unit.Arrivals.Ceilings()).Where(a => !known.TryGetValue(a.AccountId, out var last) || last < a.Ceiling).Select(static a => a.AccountId)];
    }

    /// <summary>
    /// Accounts that are gone are forgotten. So are those that are ahead of the store: a back-up was put in its place, and its
    /// next messages would get ids that seem to be indexed.
    /// </summary>
    int Compare(IndexFile file)
    {
        var ceilings = _store.Read(static unit => unit.Arrivals.Ceilings()).ToDictionary(static a => a.AccountId, static a => a.Ceiling);
        var foreign = file.Read(static tables => tables.Positions()).Where(p => !ceilings.TryGetValue(p.AccountId, out var ceiling) || p.Last > ceiling).ToList();
        if (foreign.Count == 0) return 0;
        return file.Write(tables =>
        {
            foreach (var position in foreign)
            {
                if (ceilings.ContainsKey(position.AccountId)) SearchLog.Ahead(_log, position.AccountId);
                tables.RemoveAccount(position.AccountId);
            }
            return foreign.Count;
        });
    }

    /// <param name="file">No longer to be used, unless it is not the one that is used.</param>
    /// <param name="damage">Why; null when somebody wished so.</param>
    void Discard(IndexFile? file, string? damage)
    {
        if (file is null || Interlocked.CompareExchange(ref _file, null, file) != file) return;
        if (damage is not null) SearchLog.Damaged(_log, damage);
        // The worker closes it: that waits for what is being written.
        Interlocked.Exchange(ref _discarded, file)?.Dispose();
        if (_closed) file.Dispose();
        else _worker.Sweep();
    }

    long Waiting(IReadOnlyList<IndexPosition> positions)
    {
        var known = positions.ToDictionary(static p => p.AccountId, static p => p.Last);
        return _store.Read(unit => unit.Arrivals.Ceilings()
            .Select(a => (a.AccountId, a.Ceiling, Last: known.GetValueOrDefault(a.AccountId, Posthorn.Storage.Messages.ArrivalScans.Start(a.AccountId))))
            .Where(static a => a.Last < a.Ceiling).Sum(a => unit.Arrivals.Waiting(a.AccountId, a.Last)));
    }

    public async ValueTask DisposeAsync()
    {
        _closed = true;
        await _worker.DisposeAsync().ConfigureAwait(false);
        Interlocked.Exchange(ref _discarded, null)?.Dispose();
        Interlocked.Exchange(ref _file, null)?.Dispose();
        _working.Dispose();
    }

    /// <summary>False while there is no file to look into.</summary>
    internal bool IsOpen => Volatile.Read(ref _file) is not null;

    /// <summary>Held by whoever writes.</summary>
    internal SemaphoreSlim Working => _working;
}
