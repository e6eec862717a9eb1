using System.Text;
using Posthorn.Storage;
using Posthorn.Storage.Queue;

namespace Posthorn.Tests.Unit.Storage;

/// <summary>A store whose queue a test fills.</summary>
sealed class QueueRig(StoreRig rig) : IAsyncDisposable
{
    public StoreRig Rig => rig;
    public MailStore Store => rig.Store;

    /// <summary>The store's clock; stands still for nobody, so a test compares with it and never waits for it.</summary>
    public DateTimeOffset Now => rig.Clock.GetUtcNow();

    public QueueLease Lease(string owner = "one/1", int minutes = 5) => new(owner, Now.AddMinutes(minutes), Now.AddMinutes(15));

    public Task<long> AddAsync(params string[] addresses) => AddAsync("sender@example.test", null, [.. addresses.Select(a => new NewRecipient(a, a, null, null))]);

    public async Task<long> AddAsync(string sender, QueueLease? lease, NewRecipient[] recipients, DateTimeOffset? received = null, TraceId? trace = null, string body = "body")
    {
        await using var blob = Store.NewBlob();
        blob.Write(Encoding.UTF8.GetBytes(body));
        await blob.SealAsync();
        var id = trace ?? Store.NewTraceId();
        var at = received ?? Now;
        return await Store.WriteAsync(u => u.Queue.Add(new NewQueued(id, sender, u.Store(blob), "P: q\r\n"u8.ToArray(), 7, "8BITMIME", true, "FULL", "env", at, recipients, SenderTrust.Proven, lease)));
    }

    public IReadOnlyList<WaitingRecipient> Waiting(bool fresh = true, int most = 100, TimeSpan ahead = default) =>
        Store.Read(u => u.Queue.Waiting(fresh, default, Now + ahead, most));

    public async Task<IReadOnlyList<LeasedRecipient>> ClaimAsync(params long[] ids) => await Store.WriteAsync(u => u.Queue.Claim(ids, Lease()));

    public async Task<IReadOnlyList<LeasedRecipient>> ClaimAllAsync(string owner = "one/1")
    {
        var ids = Waiting().Concat(Waiting(fresh: false)).Select(w => w.Id).ToList();
        return await Store.WriteAsync(u => u.Queue.Claim(ids, Lease(owner)));
    }

    public QueuedRecipient Row(long id) => Store.Read(u => u.Queue.List(new QueueFilter(Recipient: id, Open: null), 0, 1)).Single();

    public IReadOnlyList<QueuedRecipient> List(QueueFilter filter, int most = 1000) => Store.Read(u => u.Queue.List(filter, 0, most));

    public int Bodies() => Store.Read(u => u.Blobs.After(0)).Count;

    public ValueTask DisposeAsync() => rig.DisposeAsync();
}
