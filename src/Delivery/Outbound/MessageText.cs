using System.Buffers;
using Posthorn.Mime.Encodings;
using Posthorn.Mime.Structure;
using Posthorn.Smtp.Client;
using Posthorn.Smtp.Server;
using Posthorn.Storage;
using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Outbound;

/// <summary>
/// A queued message as it is sent: its header lines of this hop, then the stored body. Opened once for an attempt; what a
/// weaker peer needs is made when it is asked for, and kept for the next host.
/// </summary>
sealed class MessageText : ISmtpContent, IAsyncDisposable
{
    const int BlockSize = 64 << 10;

    readonly MailStore _store;
    readonly QueuedMessage _message;
    readonly BlobBody? _small;
    readonly BlobReader? _large;
    byte[]? _block;
    EightBit? _eightBit;
    ConvertedText? _eight, _seven;

    /// <summary>Opens and checks the body; throws <see cref="StoreDamageException"/> when it is not what was stored.</summary>
    internal MessageText(MailStore store, QueuedMessage message)
    {
        (_store, _message) = (store, message);
        if (message.Blob.Pack > 0) _small = store.ReadBlob(message.Blob);
        else _large = store.OpenBlob(message.Blob);
    }

    public long Length => _message.Prefix.Length + (_small?.Memory.Length ?? _large!.Length);

    public ValueTask<ReadOnlyMemory<byte>> ReadAsync(long offset, CancellationToken ct) => ValueTask.FromResult(Read(offset));

    ReadOnlyMemory<byte> Read(long offset)
    {
        if (offset < _message.Prefix.Length) return _message.Prefix.AsMemory((int)offset);
        offset -= _message.Prefix.Length;
        if (_small is not null) return offset < _small.Memory.Length ? _small.Memory[(int)offset..] : default;
        _block ??= ArrayPool<byte>.Shared.Rent(BlockSize);
        return _block.AsMemory(0, _large!.Read(offset, _block));
    }

    /// <summary>Where octets over 127 are.</summary>
    readonly record struct EightBit(bool Header, bool Body);

    /// <summary>True when the header holds octets over 127, which only a peer with SMTPUTF8 may be given as such (RFC 6532).</summary>
    internal bool HasEightBitHeader => (_eightBit ??= Look()).Header;

    /// <summary>
    /// What the text is. Some clients send octets over 127 without saying so ("just send 8"): they are found here, so that the
    /// next host is told the truth.
    /// </summary>
    internal BodyType Type => _message.Body switch
    {
        "BINARYMIME" => BodyType.BinaryMime,
        "8BITMIME" => BodyType.EightBitMime,
        _ => (_eightBit ??= Look()).Body ? BodyType.EightBitMime : BodyType.SevenBit,
    };

    EightBit Look()
    {
        var result = new EightBit();
        uint last = 0; // the last four octets: CRLFCRLF ends the header
        var inBody = false;
        for (long offset = 0; offset < Length;)
        {
            var octets = Read(offset).Span;
            if (octets.IsEmpty) break;
            offset += octets.Length;
            if (!inBody)
            {
                var i = 0;
                while (i < octets.Length && last != 0x0d0a0d0a)
                {
                    var c = octets[i++];
                    result = result with { Header = result.Header || c > 127 };
                    last = last << 8 | c;
                }
                inBody = last == 0x0d0a0d0a;
                octets = octets[i..];
            }
            if (octets.ContainsAnyInRange((byte)128, (byte)255)) return result with { Body = true };
        }
        return result;
    }

    /// <summary>
    /// The text for a peer that takes no more than <paramref name="most"/>: this one when it is no more than that, else one
    /// whose parts are encoded (RFC 6152 §3, RFC 3030 §3). Null when a part cannot be encoded.
    /// </summary>
    internal async ValueTask<(ISmtpContent Content, BodyType Type)?> ForAsync(BodyType most)
    {
        if (Type <= most) return (this, Type);
        var form = most == BodyType.SevenBit ? TransferForm.SevenBit : TransferForm.EightBit;
        var converted = form == TransferForm.SevenBit ? _seven : _eight;
        if (converted is null)
        {
            converted = await ConvertAsync(form).ConfigureAwait(false);
            if (converted is null) return null;
            if (form == TransferForm.SevenBit) _seven = converted;
            else _eight = converted;
        }
        return (converted, most);
    }

    async ValueTask<ConvertedText?> ConvertAsync(TransferForm form)
    {
        using var message = new ContentStream(Length, Read);
        var root = PartTree.Read(message);
        var blob = _store.NewBlob();
        using var into = new BlobBuffer(blob);
        var done = SevenBit.Convert(message, root, form, into);
        into.Flush();
        if (done) return new ConvertedText(blob);
        await blob.DisposeAsync().ConfigureAwait(false);
        return null;
    }

    /// <summary>The text as a stream, valid as long as this is.</summary>
    internal Stream OpenRead() => new ContentStream(Length, Read);

    public async ValueTask DisposeAsync()
    {
        if (_eight is not null) await _eight.DisposeAsync().ConfigureAwait(false);
        if (_seven is not null) await _seven.DisposeAsync().ConfigureAwait(false);
        _small?.Dispose();
        _large?.Dispose();
        if (_block is not null) ArrayPool<byte>.Shared.Return(_block);
        _block = null;
    }
}
