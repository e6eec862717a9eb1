using System.Net.Sockets;

namespace Posthorn.Wire.Connections;

/// <summary>What a client sent and nobody will read any more.</summary>
static class UnreadInput
{
    /// <summary>
    /// A socket closed over input that nobody read is reset, and the reset can overtake our last reply. So the rest of what
    /// a client sent is read and thrown away, for a moment and up to a limit.
    /// </summary>
    internal static async ValueTask DiscardAsync(Stream transport, TimeProvider time)
    {
        try
        {
            if (transport is not NetworkStream { DataAvailable: true } socket) return;
            socket.Socket.Shutdown(SocketShutdown.Send);
            using var moment = new CancellationTokenSource(TimeSpan.FromSeconds(2), time);
            var scratch = BufferPool.Rent(16 * 1024);
            for (var left = 1 << 20; left > 0;)
            {
                var n = await socket.ReadAsync(scratch, moment.Token).ConfigureAwait(false);
                if (n == 0) break;
                left -= n;
            }
            BufferPool.Return(scratch);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException or OperationCanceledException) { }
    }
}
