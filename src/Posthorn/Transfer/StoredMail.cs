using System.Buffers;
using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Transfer;

/// <summary>The octets of one message, from front to back.</summary>
interface IMailContent
{
    /// <summary>The next piece, valid until the next call; empty at the end. Null when the message could not be read to its end.</summary>
    ValueTask<ReadOnlyMemory<byte>?> NextAsync(CancellationToken ct);
}

/// <summary>A message of the store: prefix, then body.</summary>
sealed class StoredMail : IMailContent, IDisposable
{
    const int Window = 64 << 10;

    readonly byte[] _prefix;
    readonly BlobReader _body;
    readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(Window);
    long _at = -1;

    StoredMail(byte[] prefix, BlobReader body) => (_prefix, _body) = (prefix, body);

    /// <summary>Opens and checks a message; null, and why, when it is not there or not what was stored.</summary>
    internal static StoredMail? Open(MailStore store, long accountId, in Placement place, out string? trouble)
    {
        trouble = null;
        var id = place.MessageId;
        var message = store.Read(u => u.Mailboxes.Load(accountId, [id]));
        if (message.Count == 0)
        {
            trouble = "it is gone";
            return null;
        }
        try { return new StoredMail(message[0].Prefix, store.OpenBlob(message[0].Blob)); }
        catch (StoreDamageException e)
        {
            trouble = e.Message;
            return null;
        }
    }

    public ValueTask<ReadOnlyMemory<byte>?> NextAsync(CancellationToken ct)
    {
        if (_at < 0)
        {
            _at = 0;
            if (_prefix.Length > 0) return new(_prefix);
        }
        var n = _body.Read(_at, _buffer.AsSpan(0, Window));
        _at += n;
        return new(_buffer.AsMemory(0, n));
    }

    public void Dispose()
    {
        _body.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
    }
}
