using Microsoft.Extensions.Logging;
using Posthorn.Storage.Blobs;
using Posthorn.Storage.Files;
using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Writing;

/// <summary>
/// The one writer: a thread that takes what waits, runs each unit in its own savepoint, makes the bodies durable, commits
/// once, publishes, and answers all. Concurrent work shares one flush; nobody waits for a group to fill.
/// </summary>
sealed class GroupWriter
{
    /// <summary>A group ends early when this many octets of bodies wait.</summary>
    const int GroupOctets = 8 << 20;
    const int MostAttempts = 5;

    readonly ISqlEngine _engine;
    readonly ISqlSession _session;
    readonly PackWriter _packs;
    readonly WriteUnit _unit;
    readonly ChangeHub _hub;
    readonly DataDirectory _directory;
    readonly int _groupSize;
    readonly ILogger _logger;
    readonly Thread _thread;
    readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource<StorePoisonedException> _poisoned = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly Lock _publishing = new();
    readonly object _gate = new();

    // Guarded by _gate.
    readonly Queue<WorkItem> _waiting = new();
    bool _idle;
    bool _stopping;

    readonly List<WorkItem> _group = [];
    volatile StorePoisonedException? _poison;

    internal GroupWriter(ISqlEngine engine, ISqlSession session, PackWriter packs, WriteUnit unit, ChangeHub hub, DataDirectory directory, int groupSize, ILogger logger)
    {
        _engine = engine;
        _session = session;
        _packs = packs;
        _unit = unit;
        _hub = hub;
        _directory = directory;
        _groupSize = Math.Max(1, groupSize);
        _logger = logger;
        _thread = new Thread(Loop) { IsBackground = true, Name = "store writer" };
        _thread.Start();
    }

    internal Task<StorePoisonedException> Poisoned => _poisoned.Task;

    /// <summary>Set once nothing can be trusted any more.</summary>
    internal StorePoisonedException? Poison => _poison;

    internal void Enqueue(WorkItem item)
    {
        lock (_gate)
        {
            if (_stopping)
                throw new ObjectDisposedException(nameof(MailStore));
            _waiting.Enqueue(item);
            if (_idle)
                Monitor.Pulse(_gate);
        }
    }

    /// <summary>Finishes what waits and ends the thread.</summary>
    internal Task StopAsync()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.Pulse(_gate);
        }
        return _ended.Task;
    }

    /// <summary>Ends all trust: this and every later call fails.</summary>
    internal void SetPoison(StorePoisonedException cause)
    {
        lock (_publishing)
        {
            if (_poison is not null)
                return;
            _poison = cause;
        }
        _logger.LogCritical(cause, "the store cannot be trusted any more: the process must end and open it anew");
        _poisoned.TrySetResult(cause);
    }

    void Loop()
    {
        try
        {
            while (Wait())
            {
                RunGroup();
                _group.Clear();
                AfterGroup();
            }
            if (_poison is null)
                _engine.Finish(_session);
        }
        catch (Exception e)
        {
            SetPoison(e as StorePoisonedException ?? new StorePoisonedException("the writer ended: " + e.Message, e));
            FailWaiting();
        }
        finally
        {
            _ended.TrySetResult();
        }
    }

    /// <summary>Waits for work; false when there is none and the store is closing.</summary>
    bool Wait()
    {
        lock (_gate)
        {
            while (_waiting.Count == 0)
            {
                if (_stopping)
                    return false;
                _idle = true;
                Monitor.Wait(_gate);
                _idle = false;
            }
            return true;
        }
    }

    WorkItem? Next(out bool more)
    {
        lock (_gate)
        {
            more = _waiting.Count > 1;
            return _waiting.TryDequeue(out var item) ? item : null;
        }
    }

    void RunGroup()
    {
        if (_poison is not null)
        {
            FailWaiting();
            return;
        }
        // Taken before anything can fail: each group answers at least one unit.
        _group.Add(Next(out var more)!);
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    CommitGroup(alone: !more && attempt == 1, takeMore: more && attempt == 1);
                    break;
                }
                catch (SqlFaultException e) when (e.Fault == SqlFault.Retry && attempt < MostAttempts)
                {
                    // Deadlock with another node: the engine has undone the group, the units may run again.
                    _session.Rollback();
                }
            }
        }
        catch (Exception e)
        {
            if (Undo(e))
                RunWithReserve();
        }
        foreach (var item in _group)
            item.Complete();
    }

    /// <summary>
    /// The reserve of space was just given up: what brings no new body (a deletion above all, which is how people make room)
    /// runs again in it. New mail stays refused.
    /// </summary>
    void RunWithReserve()
    {
        foreach (var item in _group)
            if (item.BringsBody)
                item.Complete();
        _group.RemoveAll(i => i.BringsBody);
        if (_group.Count == 0)
            return;
        try
        {
            CommitGroup(alone: false, takeMore: false);
        }
        catch (Exception e)
        {
            Undo(e);
        }
    }

    void CommitGroup(bool alone, bool takeMore)
    {
        _unit.BeginGroup();
        _session.Begin(write: true);
        var good = 0;
        for (var i = 0; i < _group.Count; i++)
        {
            good += RunUnit(_group[i], alone) ? 1 : 0;
            if (takeMore && _group.Count < _groupSize && _packs.Pending < GroupOctets && Next(out _) is { } next)
                _group.Add(next);
        }
        if (good == 0)
        {
            _session.Rollback();
            return;
        }
        // Bodies first, then the rows that name them: after a crash there may be a body without a row, never the reverse.
        _packs.Flush();
        _session.Commit();
        _directory.Confirm();
        _hub.Publish(_unit.Changes, _unit.DirectoryChanged);
    }

    /// <summary>Runs one unit; false when it was undone. A fault of the whole group is thrown on.</summary>
    bool RunUnit(WorkItem item, bool alone)
    {
        item.Error = null;
        if (item.Cancelled)
        {
            item.Error = new OperationCanceledException();
            return false;
        }
        var mark = _unit.Mark();
        var stored = _unit.Stored;
        if (!alone)
            _session.Savepoint();
        try
        {
            item.Run(_unit);
            _unit.Finish();
        }
        catch (Exception e)
        {
            item.BringsBody = _unit.Stored > stored;
            if (e is StorePoisonedException or StoreFullException || _session.Fault > SqlFault.Constraint)
                throw;
            item.Error = e;
            _unit.UndoTo(mark);
            // The group's Rollback does it for a unit alone.
            if (!alone)
                _session.RollbackToSavepoint();
            return false;
        }
        item.BringsBody = _unit.Stored > stored;
        if (_session.Fault > SqlFault.Constraint)
            throw new SqlFaultException(_session.Fault, "a unit went on after the database had failed");
        if (!alone)
            _session.Release();
        return true;
    }

    /// <summary>
    /// The group is lost: undoes it, decides what its failure means, and gives each unit its error. True when it was lost for
    /// want of space and the reserve was there to be released.
    /// </summary>
    bool Undo(Exception e)
    {
        var fault = (e as SqlFaultException)?.Fault ?? SqlFault.None;
        if (e is StorePoisonedException || fault >= SqlFault.Damage)
        {
            SetPoison(e as StorePoisonedException ?? new StorePoisonedException(e.Message, e));
            e = _poison!;
        }
        try
        {
            if (_poison is null)
                _session.Rollback();
        }
        catch (SqlFaultException second)
        {
            SetPoison(new StorePoisonedException("rollback failed: " + second.Message, second));
        }
        if (fault == SqlFault.Full)
            e = new StoreFullException(e.Message, e);
        var released = e is StoreFullException && _directory.ReleaseReserve();
        if (released)
            _logger.LogWarning("the disk is full: released the reserve of 16 MB so that state can be written");
        foreach (var item in _group)
            item.Error = e is StoreException and not SqlFaultException ? e : new StoreException("the store is not available: " + e.Message, e);
        return released && _poison is null;
    }

    void AfterGroup()
    {
        if (_poison is not null)
            return;
        try
        {
            _directory.MakeReserve();
            _engine.Tidy(_session);
        }
        catch (SqlFaultException e) when (e.Fault == SqlFault.Full)
        {
            _directory.ReleaseReserve();
            _logger.LogWarning(e, "no space for a checkpoint; it will be tried again");
        }
        catch (SqlFaultException e)
        {
            SetPoison(new StorePoisonedException("checkpoint failed: " + e.Message, e));
        }
    }

    void FailWaiting()
    {
        while (Next(out _) is { } item)
        {
            item.Error = _poison;
            item.Complete();
        }
    }
}
