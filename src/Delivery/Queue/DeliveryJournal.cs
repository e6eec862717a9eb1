using System.Buffers;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using Posthorn.Delivery.Outbound;
using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Queue;

/// <summary>
/// The journal of this run: a small file that is only appended to, by write(2) without a sync. So it costs little, and it
/// outlives the process (kill -9), though not the machine: after a power cut its end may be missing, and it is not believed
/// about what it does not hold. Thread-safe.
/// </summary>
sealed class DeliveryJournal : IDeliveryJournal, IDisposable
{
    /// <summary>Written anew, with what goes on, when it is larger than this.</summary>
    const long Large = 4 << 20;

    readonly Lock _lock = new();
    readonly Dictionary<(long Recipient, long Generation), JournalRecord> _open = [];
    readonly ArrayBufferWriter<byte> _octets = new(4096);
    readonly string _path;
    readonly JournalRecord _opened;
    readonly TimeProvider _time;
    readonly ILogger _log;
    SafeFileHandle? _file;
    long _length;
    long _rewriteAt;
    bool _failed;

    /// <summary>Begins an empty journal in the place of the former one.</summary>
    internal DeliveryJournal(string path, string owner, string boot, TimeProvider time, ILogger log)
    {
        (_path, _time, _log) = (path, time, log);
        _opened = new JournalRecord(JournalKind.Opened, 0, 0, time.GetUtcNow(), owner + "\n" + boot);
        lock (_lock) Rewrite();
    }

    public void DotSent(IReadOnlyList<LeasedRecipient> recipients)
    {
        var now = _time.GetUtcNow();
        lock (_lock)
        {
            _octets.ResetWrittenCount();
            foreach (var r in recipients) Note(new JournalRecord(JournalKind.DotSent, r.Id, r.Generation, now, ""));
            Append();
        }
    }

    public void Taken(LeasedRecipient recipient, string reply)
    {
        var now = _time.GetUtcNow();
        lock (_lock)
        {
            _octets.ResetWrittenCount();
            Note(new JournalRecord(JournalKind.Taken, recipient.Id, recipient.Generation, now, reply));
            Append();
        }
    }

    /// <summary>True when the peer may have the message for this recipient.</summary>
    internal bool MayHave(LeasedRecipient recipient)
    {
        lock (_lock) return _open.ContainsKey((recipient.Id, recipient.Generation));
    }

    /// <summary>The results are committed: the journal need not know of them any more.</summary>
    internal void Forget(IReadOnlyList<LeasedRecipient> recipients)
    {
        lock (_lock)
            foreach (var r in recipients) _open.Remove((r.Id, r.Generation));
    }

    void Note(in JournalRecord record)
    {
        _open[(record.Recipient, record.Generation)] = record;
        record.Write(_octets);
    }

    void Append()
    {
        if (_length > _rewriteAt) Rewrite();
        else if (_file is not null) Write(_octets.WrittenSpan);
        else Rewrite();
    }

    void Write(ReadOnlySpan<byte> octets)
    {
        try
        {
            RandomAccess.Write(_file!, octets, _length);
            _length += octets.Length;
            _failed = false;
        }
        catch (IOException e)
        {
            // What was written of it is written over by the next, or is the torn end.
            Fail(e);
        }
    }

    /// <summary>Makes the file anew: the opening and what goes on. A process that is killed here leaves the old one or the new one.</summary>
    void Rewrite()
    {
        _octets.ResetWrittenCount();
        _opened.Write(_octets);
        foreach (var record in _open.Values) record.Write(_octets);
        try
        {
            var fresh = _path + ".new";
            var file = File.OpenHandle(fresh, FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            try
            {
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
                RandomAccess.Write(file, _octets.WrittenSpan, 0);
                File.Move(fresh, _path, overwrite: true);
            }
            catch
            {
                file.Dispose();
                throw;
            }
            _file?.Dispose();
            _file = file;
            _length = _octets.WrittenCount;
            _rewriteAt = Math.Max(Large, 4 * _length);
            _failed = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _rewriteAt = _length + Large;
            Fail(e);
            if (_file is not null) Write(Unwritten());
        }
    }

    /// <summary>All that goes on, once more: of the same record twice the last counts.</summary>
    ReadOnlySpan<byte> Unwritten()
    {
        _octets.ResetWrittenCount();
        foreach (var record in _open.Values) record.Write(_octets);
        return _octets.WrittenSpan;
    }

    /// <summary>Delivery goes on without the journal: it guards against rare copies, not against loss. Said once for each time it begins.</summary>
    void Fail(Exception fault)
    {
        if (!_failed) QueueLog.JournalFault(_log, fault);
        _failed = true;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _file?.Dispose();
            _file = null;
        }
    }
}
