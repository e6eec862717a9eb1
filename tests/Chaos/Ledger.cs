using System.Collections.Concurrent;
using System.Text;
using System.Threading.Channels;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Chaos;

/// <summary>
/// What the server promised: each mailbox's acknowledged messages, and deletions it confirmed. Also written, synced, to a
/// file that is not on the file system under test.
/// </summary>
sealed class Ledger : IAsyncDisposable
{
    readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    readonly Task _writer;
    readonly string _file;

    public Ledger(string file)
    {
        _file = file;
        _writer = Task.Run(WriteAsync);
    }

    /// <summary>Messages that were answered 250, by "mailbox id", with the time of the answer.</summary>
    public ConcurrentDictionary<(string Mailbox, string Id), DateTimeOffset> Acked { get; } = new();

    /// <summary>Messages sent to their end whose answer never came: they may be there or not, but once at most.</summary>
    public ConcurrentDictionary<string, bool> Unanswered { get; } = new();

    /// <summary>Messages of which only a part was ever sent, or that were refused: nobody may ever see them.</summary>
    public ConcurrentDictionary<string, string> Never { get; } = new();

    /// <summary>Read and deleted, with QUIT confirmed: they must not come back.</summary>
    public ConcurrentDictionary<(string Mailbox, string Id), bool> Taken { get; } = new();

    /// <summary>Deleted, but the answer to QUIT never came.</summary>
    public ConcurrentDictionary<(string Mailbox, string Id), bool> PerhapsTaken { get; } = new();

    /// <summary>Which message had which unique id; a unique id is never used again (RFC 1939 §7, UIDL).</summary>
    public ConcurrentDictionary<(string Mailbox, string Uid), string> Uids { get; } = new();

    /// <summary>Refusals with their text and time.</summary>
    public ConcurrentQueue<(DateTimeOffset At, string Reply)> Refusals { get; } = new();

    public void Ack(string mailbox, string id)
    {
        var now = TimeProvider.System.GetUtcNow();
        Acked[(mailbox, id)] = now;
        _lines.Writer.TryWrite($"{now:O} acked {mailbox} {id}\n");
    }

    public void Take(string mailbox, string id)
    {
        Taken[(mailbox, id)] = true;
        _lines.Writer.TryWrite($"{TimeProvider.System.GetUtcNow():O} deleted {mailbox} {id}\n");
    }

    async Task WriteAsync()
    {
        await using var file = new FileStream(_file, FileMode.Append, FileAccess.Write);
        while (await _lines.Reader.WaitToReadAsync())
        {
            while (_lines.Reader.TryRead(out var line)) file.Write(Encoding.ASCII.GetBytes(line));
            await file.FlushAsync();
            Native.Fsync(file.SafeFileHandle);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _lines.Writer.TryComplete();
        await _writer;
    }
}
