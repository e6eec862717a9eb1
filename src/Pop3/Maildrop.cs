using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Pop3;

/// <summary>
/// The maildrop as it was at login, with the marks of this session. Mail that arrives later is not in it; message numbers
/// never shift (RFC 1939 §4, §8).
/// </summary>
sealed class Maildrop
{
    readonly MaildropEntry[] _entries;
    readonly bool[] _deleted;

    internal Maildrop(long accountId, long mailboxId, uint uidValidity, IReadOnlyList<MaildropEntry> entries)
    {
        (AccountId, MailboxId, UidValidity) = (accountId, mailboxId, uidValidity);
        _entries = [.. entries];
        _deleted = new bool[_entries.Length];
        Reset();
    }

    /// <summary>Takes the picture of an account's INBOX.</summary>
    internal static Maildrop Open(MailStore store, long accountId) => store.Read(unit =>
    {
        var inbox = unit.Mailboxes.Find(accountId, "INBOX") ?? throw new StoreException($"account {accountId} has no INBOX");
        return new Maildrop(accountId, inbox.Id, inbox.UidValidity, unit.Mailboxes.Maildrop(accountId, inbox.Id));
    });

    internal long AccountId { get; }
    internal long MailboxId { get; }
    internal uint UidValidity { get; }

    /// <summary>All messages of the picture, deleted ones included.</summary>
    internal int Length => _entries.Length;

    /// <summary>Messages not marked as deleted.</summary>
    internal int Count { get; private set; }

    /// <summary>Octets of the messages not marked as deleted.</summary>
    internal long Octets { get; private set; }

    internal ref readonly MaildropEntry this[int index] => ref _entries[index];

    internal bool IsDeleted(int index) => _deleted[index];

    internal int Deleted => _entries.Length - Count;

    internal void Delete(int index)
    {
        _deleted[index] = true;
        Count--;
        Octets -= _entries[index].Size;
    }

    internal void Reset()
    {
        Array.Clear(_deleted);
        Count = _entries.Length;
        Octets = 0;
        foreach (ref readonly var entry in _entries.AsSpan()) Octets += entry.Size;
    }

    internal uint[] DeletedUids()
    {
        var uids = new List<uint>(Deleted);
        for (var i = 0; i < _entries.Length; i++)
            if (_deleted[i]) uids.Add(_entries[i].Uid);
        return [.. uids];
    }

    /// <summary>The message ids from an index on, without the deleted ones, at most as many as fit.</summary>
    internal int IdsFrom(int index, Span<long> ids)
    {
        var count = 0;
        for (; index < _entries.Length && count < ids.Length; index++)
            if (!_deleted[index]) ids[count++] = _entries[index].MessageId;
        return count;
    }
}

/// <summary>Fetches message rows, many at once when the client goes through the maildrop in order.</summary>
sealed class RowsAhead(MailStore store, Maildrop maildrop, int batch)
{
    readonly Dictionary<long, StoredMessage> _rows = [];
    StoredMessage? _single;
    int _last = -1;

    /// <summary>The row of a message; null when the message has gone from the store since login.</summary>
    internal StoredMessage? Row(int index)
    {
        var id = maildrop[index].MessageId;
        var inOrder = index > _last && index - _last <= 4;
        _last = index;
        if (_rows.TryGetValue(id, out var row)) return row;
        if (_single?.MessageId == id) return _single;
        var ids = new long[inOrder ? batch : 1];
        var count = maildrop.IdsFrom(index, ids);
        var loaded = store.Read(unit => unit.Mailboxes.Load(maildrop.AccountId, ids.AsSpan(0, count)));
        if (!inOrder) return _single = loaded.Count > 0 ? loaded[0] : null;
        _rows.Clear();
        foreach (var next in loaded) _rows.Add(next.MessageId, next);
        return _rows.GetValueOrDefault(id);
    }
}
