using Posthorn.Tests.Testing.Transport;
using Posthorn.Wire.Connections;

namespace Posthorn.Tests.Testing.Transcripts;

/// <summary>One connection of a transcript that is being played.</summary>
sealed class TranscriptPeer : IAsyncDisposable
{
    readonly MemoryTransport _transport;
    readonly LineReader _reader;
    readonly Task _running;

    internal TranscriptPeer(Func<Connection, Task> session, MemoryTransport transport)
    {
        _transport = transport;
        _reader = new LineReader(transport.Client);
        _running = Task.Run(async () =>
        {
            try { await session(transport.Server); }
            finally { await transport.Server.DisposeAsync(); }
        });
    }

    internal Task SendAsync(byte[] octets) => _transport.SendAsync(octets);

    internal Task<string?> NextAsync() => _reader.NextAsync();

    internal void Finish() => _transport.FinishSending();

    /// <summary>Waits until the server's side is at its end; throws what it threw.</summary>
    internal Task EndAsync() => _running.WaitAsync(TimeSpan.FromSeconds(30));

    public ValueTask DisposeAsync() => _transport.DisposeAsync();
}
