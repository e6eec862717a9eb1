namespace Posthorn.Wire.Connections;

/// <summary>
/// The octets a connection has received and nobody has consumed yet, in a pooled array that is there only while it is
/// needed. A field of its connection, never copied.
/// </summary>
struct InputBuffer()
{
    byte[] _array = [];
    int _start, _end;

    internal readonly int Count => _end - _start;

    internal readonly ReadOnlyMemory<byte> Octets => _array.AsMemory(_start, _end - _start);

    internal readonly ReadOnlySpan<byte> Span => _array.AsSpan(_start, _end - _start);

    internal void Consume(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _end - _start);
        _start += count;
    }

    /// <summary>
    /// The place for what comes next, never empty. Where nothing is buffered the array is one of <paramref name="size"/>;
    /// where it is full it is compacted or doubled.
    /// </summary>
    internal Memory<byte> MakeRoom(int size)
    {
        if (_start == _end)
        {
            if (_array.Length != size) Release();
            if (_array.Length == 0) _array = BufferPool.Rent(size);
            _start = _end = 0;
        }
        else if (_end == _array.Length)
        {
            if (_start > 0 && _end - _start <= _array.Length / 2) MoveTo(_array);
            else Grow();
        }
        return _array.AsMemory(_end);
    }

    /// <summary>Says that <paramref name="count"/> octets of the last <see cref="MakeRoom"/> were filled.</summary>
    internal void Added(int count) => _end += count;

    void Grow()
    {
        var small = _array;
        MoveTo(BufferPool.Rent(small.Length * 2));
        BufferPool.Return(small);
    }

    void MoveTo(byte[] array)
    {
        Buffer.BlockCopy(_array, _start, array, 0, _end - _start);
        (_array, _start, _end) = (array, 0, _end - _start);
    }

    /// <summary>Drops what is buffered and gives the array back.</summary>
    internal void Release()
    {
        if (_array.Length > 0) BufferPool.Return(_array);
        _array = [];
        _start = _end = 0;
    }
}
