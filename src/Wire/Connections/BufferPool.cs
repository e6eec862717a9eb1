using System.Buffers;

namespace Posthorn.Wire.Connections;

/// <summary>The octet buffers of all connections. Buffers are cleared of nothing: secrets are wiped by who reads them.</summary>
static class BufferPool
{
    static readonly ArrayPool<byte> Pool = ArrayPool<byte>.Create(maxArrayLength: 1 << 20, maxArraysPerBucket: 256);

    internal static byte[] Rent(int size) => Pool.Rent(size);

    internal static void Return(byte[] buffer) => Pool.Return(buffer);
}
