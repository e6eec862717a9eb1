namespace Posthorn.Wire.Connections;

/// <summary>
/// The octets a connection has still to send, in a pooled array that is there only while it is needed. A field of its
/// connection, never copied.
/// </summary>
struct OutputBuffer()
{
    byte[] _array = [];
    int _wanted = 1024;

    internal int Count { get; private set; }

    internal readonly ReadOnlyMemory<byte> Octets => _array.AsMemory(0, Count);

    internal void Write(ReadOnlySpan<byte> octets)
    {
        octets.CopyTo(GetSpan(octets.Length));
        Count += octets.Length;
    }

    /// <summary>Room for at least <paramref name="size"/> octets at the end.</summary>
    internal Span<byte> GetSpan(int size)
    {
        if (_array.Length - Count < size)
        {
            var bigger = BufferPool.Rent(Math.Max(_wanted, Math.Max(_array.Length * 2, Count + size)));
            _array.AsSpan(0, Count).CopyTo(bigger);
            if (_array.Length > 0) BufferPool.Return(_array);
            _array = bigger;
        }
        return _array.AsSpan(Count);
    }

    /// <summary>Says that <paramref name="count"/> octets of the last <see cref="GetSpan"/> were used.</summary>
    internal void Advance(int count) => Count += count;

    /// <summary>Drops what is buffered and gives the array back.</summary>
    internal void Release()
    {
        // In the midst of a long answer as much will be wanted again: it need not be grown into each time.
        _wanted = Count >= Connection.OutputFlushAt ? _array.Length : 1024;
        if (_array.Length > 0) BufferPool.Return(_array);
        _array = [];
        Count = 0;
    }
}
