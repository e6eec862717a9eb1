using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using Posthorn.Control;

namespace Posthorn.Transfer.Link;

/// <summary>The other side went away, or does not keep to the language.</summary>
sealed class LinkException(string message) : Exception(message);

/// <summary>
/// One side of a conversation about mail on the control socket: JSON objects as in <see cref="ControlFrame"/>, and after
/// those that say so one message in chunks: the length in four octets, most significant first, then as many octets; 0 ends
/// the message, -1 says that it could not be read to its end. Not thread-safe.
/// </summary>
sealed class LinkChannel(Stream stream) : IDisposable
{
    /// <summary>The largest chunk.</summary>
    public const int MostChunk = 64 << 10;

    const int MostObject = 16 << 20;
    const int FlushAt = 128 << 10;

    byte[] _in = new byte[2 * MostChunk];
    int _start, _end;
    byte[] _out = new byte[FlushAt + MostChunk];
    int _length;

    /// <summary>True when enough waits to be sent.</summary>
    public bool ShouldFlush => _length >= FlushAt;

    /// <summary>Puts an object into the buffer; nothing is sent before <see cref="FlushAsync"/>.</summary>
    public void Write(JsonObject message)
    {
        var text = JsonSerializer.SerializeToUtf8Bytes((JsonNode)message, ControlJson.Default.JsonNode);
        Number(text.Length);
        Add(text);
    }

    /// <summary>Puts octets of a message into the buffer. Call <see cref="FlushAsync"/> when <see cref="ShouldFlush"/>.</summary>
    public void WriteChunk(ReadOnlySpan<byte> octets)
    {
        while (octets.Length > 0)
        {
            var piece = octets[..Math.Min(octets.Length, MostChunk)];
            Number(piece.Length);
            Add(piece);
            octets = octets[piece.Length..];
        }
    }

    /// <summary>Ends a message; <paramref name="whole"/> is false when it could not be read to its end.</summary>
    public void EndMessage(bool whole) => Number(whole ? 0 : -1);

    public async ValueTask FlushAsync(CancellationToken ct)
    {
        if (_length == 0) return;
        var length = _length;
        _length = 0;
        await stream.WriteAsync(_out.AsMemory(0, length), ct).ConfigureAwait(false);
        await stream.FlushAsync(ct).ConfigureAwait(false);
    }

    /// <summary>The next object; null where the other side has closed between two.</summary>
    public async ValueTask<JsonObject?> ReadAsync(CancellationToken ct)
    {
        if (!await FillAsync(4, mayEnd: true, ct).ConfigureAwait(false)) return null;
        var length = Number();
        if (length is < 2 or > MostObject) throw new LinkException("what was received is no message of this program");
        await FillAsync(length, mayEnd: false, ct).ConfigureAwait(false);
        var text = _in.AsSpan(_start, length);
        _start += length;
        try { return JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { MaxDepth = 32 }) as JsonObject ?? throw new LinkException("an object was expected"); }
        catch (JsonException e) { throw new LinkException(e.Message); }
    }

    /// <summary>The next chunk of a message, valid until the next read; empty at its end, null when it was broken off.</summary>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadChunkAsync(CancellationToken ct)
    {
        await FillAsync(4, mayEnd: false, ct).ConfigureAwait(false);
        var length = Number();
        if (length == -1) return null;
        if (length is < 0 or > MostChunk) throw new LinkException("a chunk is too large");
        await FillAsync(length, mayEnd: false, ct).ConfigureAwait(false);
        _start += length;
        return _in.AsMemory(_start - length, length);
    }

    int Number()
    {
        _start += 4;
        return BinaryPrimitives.ReadInt32BigEndian(_in.AsSpan(_start - 4));
    }

    void Number(int value)
    {
        Span<byte> octets = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(octets, value);
        Add(octets);
    }

    void Add(ReadOnlySpan<byte> octets)
    {
        if (_out.Length - _length < octets.Length) Array.Resize(ref _out, Math.Max(_out.Length * 2, _length + octets.Length));
        octets.CopyTo(_out.AsSpan(_length));
        _length += octets.Length;
    }

    async ValueTask<bool> FillAsync(int need, bool mayEnd, CancellationToken ct)
    {
        if (_end - _start >= need) return true;
        if (_in.Length - _start < need)
        {
            var to = need > _in.Length ? new byte[need] : _in;
            _in.AsSpan(_start, _end - _start).CopyTo(to);
            (_in, _start, _end) = (to, 0, _end - _start);
        }
        while (_end - _start < need)
        {
            var n = await stream.ReadAsync(_in.AsMemory(_end), ct).ConfigureAwait(false);
            if (n == 0) return mayEnd && _end == _start ? false : throw new LinkException("the conversation was broken off");
            _end += n;
        }
        return true;
    }

    public void Dispose() => stream.Dispose();
}
