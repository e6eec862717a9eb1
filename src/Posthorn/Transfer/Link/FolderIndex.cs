using System.Security.Cryptography;
using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Transfer.Link;

/// <summary>
/// The messages that a mailbox had before an import began, by content. Each is found once: somebody who has the same message
/// twice keeps two, and a second import of both finds both.
/// </summary>
sealed class FolderIndex
{
    readonly MailStore _store;
    readonly long _account;
    readonly Dictionary<long, List<(uint Uid, long MessageId)>> _unread = [];
    readonly Dictionary<string, Queue<uint>> _known = [];

    /// <param name="taken">UIDs that are the place of something else for certain.</param>
    internal FolderIndex(MailStore store, long account, long mailbox, IReadOnlySet<uint> taken)
    {
        (_store, _account) = (store, account);
        store.Read(unit =>
        {
            unit.Places.Scan(mailbox, 1, (in Placement p) =>
            {
                if (taken.Contains(p.Uid)) return;
                if (!_unread.TryGetValue(p.Size, out var list)) _unread.Add(p.Size, list = []);
                list.Add((p.Uid, p.MessageId));
            });
            return true;
        });
    }

    /// <summary>The UID of a message of this content that nobody has claimed yet, and claims it; null when there is none.</summary>
    internal uint? Claim(long size, byte[] hash)
    {
        // Only what has the same size is looked at closer, and only once.
        if (_unread.Remove(size, out var list))
            foreach (var (uid, id) in list) Learn(uid, id);
        return _known.TryGetValue(Convert.ToHexString(hash), out var uids) && uids.TryDequeue(out var found) ? found : null;
    }

    void Learn(uint uid, long id)
    {
        var messages = _store.Read(u => u.Mailboxes.Load(_account, [id]));
        if (messages.Count == 0) return;
        byte[] hash;
        try { hash = HashOf(messages[0]); }
        catch (StoreDamageException) { return; } // what cannot be read is not there
        var key = Convert.ToHexString(hash);
        if (!_known.TryGetValue(key, out var uids)) _known.Add(key, uids = []);
        uids.Enqueue(uid);
    }

    byte[] HashOf(StoredMessage message)
    {
        if (message.Prefix.Length == 0) return message.Blob.Hash;
        using var hasher = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hasher.AppendData(message.Prefix);
        using var body = _store.OpenBlob(message.Blob);
        var buffer = new byte[64 << 10];
        for (var at = 0L; body.Read(at, buffer) is > 0 and var n; at += n) hasher.AppendData(buffer, 0, n);
        return hasher.GetHashAndReset();
    }
}
