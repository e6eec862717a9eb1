using System.Text;
using Microsoft.Extensions.Logging;
using Posthorn.Mime.Structure;
using Posthorn.Search;
using Posthorn.Search.Reading;
using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Posthorn.Tests.Unit.Storage;
using Shouldly;

namespace Posthorn.Tests.Unit.Search;

/// <summary>A store with an index on it, and what a scan over the same mail would find.</summary>
sealed class IndexRig : IAsyncDisposable, ILogger
{
    readonly List<(long Account, long Mailbox, uint Uid, long Message, string[] Texts)> _mail = [];

    IndexRig(StoreRig store) => StoreRig = store;

    internal StoreRig StoreRig { get; }
    internal MailStore Store => StoreRig.Store;
    internal SearchIndex Index { get; private set; } = null!;
    internal List<string> Log { get; } = [];
    internal string File => Path.Combine(StoreRig.Root, "search.db");

    internal static async Task<IndexRig> OpenAsync(string? postgres = null)
    {
        var rig = new IndexRig(await StoreRig.OpenAsync(postgres));
        rig.Open();
        return rig;
    }

    internal void Open() => Index = SearchIndex.Open(Store, TimeProvider.System, this);

    /// <param name="meanwhile">Done while neither store nor index is open.</param>
    internal async Task ReopenAsync(Action? meanwhile = null)
    {
        await Index.DisposeAsync();
        await Store.DisposeAsync();
        meanwhile?.Invoke();
        await StoreRig.ReopenAsync();
        Open();
    }

    internal async Task<long> DeliverAsync(long account, long mailbox, params string[] bodies)
    {
        var blobs = new List<(BlobWriter Blob, byte[] Octets)>();
        foreach (var body in bodies)
        {
            var octets = Encoding.UTF8.GetBytes(body.Contains("\r\n\r\n", StringComparison.Ordinal) ? body : "Content-Type: text/plain; charset=utf-8\r\n\r\n" + body);
            var blob = Store.NewBlob();
            blob.Write(octets);
            await blob.SealAsync();
            blobs.Add((blob, octets));
        }
        var filed = await Store.WriteAsync(unit => blobs.ConvertAll(b =>
            unit.Mailboxes.Deliver(account, mailbox, new NewMessage(unit.Store(b.Blob), [], PartTree.Encode(PartTree.Read(b.Octets)), DateTimeOffset.UnixEpoch, Store.NewTraceId()))));
        foreach (var one in filed)
        {
            using var source = new MessageSource(Store, StoreRig.Load(account, one.MessageId));
            _mail.Add((account, mailbox, one.Uid, one.MessageId, [.. new SearchContent(source).All]));
        }
        foreach (var (blob, _) in blobs) await blob.DisposeAsync();
        return filed[^1].MessageId;
    }

    internal async Task ExpungeAsync(int every)
    {
        var gone = _mail.Where((_, i) => i % every == 0).ToList();
        foreach (var box in gone.GroupBy(m => (m.Account, m.Mailbox)))
            await Store.WriteAsync(unit => unit.Mailboxes.Expunge(box.Key.Account, box.Key.Mailbox, [.. box.Select(m => m.Uid)], "test"));
        _mail.RemoveAll(gone.Contains);
    }

    /// <summary>Whatever has the word may fit. Returns how many messages that lack it would be read, and how many have it.</summary>
    internal (int TooMany, int Have) Demand(long account, string word)
    {
        var folded = CaseMap.Fold(word);
        var narrowed = Index.Find(account, folded);
        var (tooMany, have) = (0, 0);
        foreach (var (_, _, _, message, texts) in _mail.Where(m => m.Account == account))
        {
            var may = narrowed?.MayFit(message) ?? true;
            if (texts.Any(t => t.Contains(folded, StringComparison.Ordinal)))
            {
                may.ShouldBeTrue($"{word} is in message {message}");
                have++;
            }
            else if (may) tooMany++;
        }
        return (tooMany, have);
    }

    /// <summary>Waits until the worker has indexed everything.</summary>
    internal async Task SettleAsync()
    {
        for (var deadline = DateTime.UtcNow.AddSeconds(60); Index.Status() is not { Usable: true, Waiting: 0 };)
        {
            DateTime.UtcNow.ShouldBeLessThan(deadline, "mail was not indexed");
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Index.DisposeAsync();
        await StoreRig.DisposeAsync();
    }

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (Log) Log.Add($"{eventId.Id} {formatter(state, exception)}");
    }

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;
}
