using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;
using Posthorn.Storage;
using Posthorn.Storage.Directory;
using Posthorn.Storage.Files;
using Posthorn.Storage.Messages;
using Posthorn.Storage.Migrations;
using Posthorn.Storage.Verify;
using Shouldly;

namespace Posthorn.Tests.Unit.Storage;

/// <summary>A disk whose n-th failure a test orders.</summary>
sealed class TestDisk : Disk
{
    public volatile int SyncError;
    public volatile int WriteError;
    public volatile int TouchError;
    public volatile int Syncs;
    public long FreeOctets = 1L << 40;

    internal override long Free(string path) => FreeOctets;

    private protected override int WriteCall(SafeFileHandle file, ReadOnlySpan<byte> octets, long offset)
    {
        if (WriteError == 0)
            return base.WriteCall(file, octets, offset);
        // As a full disk does it: some of it is written.
        base.WriteCall(file, octets[..(octets.Length / 2)], offset);
        return WriteError;
    }

    private protected override int TouchCall(SafeFileHandle file) => TouchError != 0 ? TouchError : base.TouchCall(file);

    private protected override int SyncCall(SafeFileHandle file, bool dataOnly)
    {
        Interlocked.Increment(ref Syncs);
        return SyncError != 0 ? SyncError : base.SyncCall(file, dataOnly);
    }
}

/// <summary>A clock that a test moves.</summary>
sealed class MovedClock : TimeProvider
{
    public TimeSpan Offset { get; set; }
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Offset;
}

/// <summary>A store in a temporary directory; its end is the invariant check: the verifier finds nothing.</summary>
sealed class StoreRig : IAsyncDisposable
{
    readonly string? _postgres;

    StoreRig(string? postgres) => _postgres = postgres;

    public string Root { get; } = Path.Combine(Path.GetTempPath(), "posthorn-store-" + Guid.NewGuid().ToString("N")[..12]);
    public TestDisk Disk { get; } = new();
    public MovedClock Clock { get; } = new();
    public MailStore Store { get; private set; } = null!;
    public long PackSize { get; set; } = 256L << 20;
    public bool ExpectClean { get; set; } = true;

    public static async Task<StoreRig> OpenAsync(string? postgres = null, long packSize = 256L << 20, IReadOnlyList<string>? migrations = null)
    {
        var rig = new StoreRig(postgres) { PackSize = packSize };
        await rig.ReopenAsync(migrations);
        return rig;
    }

    public StoreOptions Options => new() { Directory = Root, Postgres = _postgres, PackSize = PackSize };

    public async Task ReopenAsync(IReadOnlyList<string>? migrations = null)
    {
        if (Store is not null)
            await Store.DisposeAsync();
        Store = await MailStore.OpenAsync(Options, Clock, NullLogger.Instance, Disk, migrations ?? Schema.Known);
    }

    public async Task<(long Account, long Inbox)> AddAccountAsync(string name) => await Store.WriteAsync(u =>
    {
        var domain = u.Directory.Domains().FirstOrDefault(d => d.Name == "example.test") ?? u.Directory.AddDomain("example.test", null);
        var account = u.Directory.AddAccount(domain.Id, name, name, null, 0, "en");
        return (account.Id, u.Mailboxes.Find(account.Id, "INBOX")!.Id);
    });

    public Task<Filed> DeliverAsync(long account, long mailbox, string body, string prefix = "Return-Path: <a@b.test>\r\n") =>
        DeliverAsync(account, mailbox, Encoding.UTF8.GetBytes(body), prefix);

    public async Task<Filed> DeliverAsync(long account, long mailbox, byte[] body, string prefix = "")
    {
        await using var blob = Store.NewBlob();
        blob.Write(body);
        await blob.SealAsync();
        var trace = Store.NewTraceId();
        return await Store.WriteAsync(u => u.Mailboxes.Deliver(account, mailbox, Message(u.Store(blob), trace, prefix)));
    }

    public static NewMessage Message(BlobLocation blob, TraceId trace, string prefix = "") =>
        new(blob, Encoding.ASCII.GetBytes(prefix), [], new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), trace);

    public StoredMessage Load(long account, long message) => Store.Read(u => u.Mailboxes.Load(account, [message])).ShouldHaveSingleItem();

    public byte[] Body(BlobLocation location)
    {
        using var reader = Store.OpenBlob(location);
        using var copy = new MemoryStream();
        reader.AsStream().CopyTo(copy);
        return copy.ToArray();
    }

    public AccountRow Account(long id) => Store.Read(u => u.Directory.Account(id))!;

    public Mailbox Mailbox(long account, long id) => Store.Read(u => u.Mailboxes.Get(account, id))!;

    public async Task<VerifyReport> VerifyAsync() => await StoreVerifier.RunAsync(Options, Clock, NullLogger.Instance);

    /// <summary>The files as a crash at this moment would leave them, in a rig of their own.</summary>
    public StoreRig Crash()
    {
        var copy = new StoreRig(null) { PackSize = PackSize };
        foreach (var file in Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(Root, file);
            if (name is "lock" or "reserve" or "meta.db-shm")
                continue;
            var target = Path.Combine(copy.Root, name);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
        return copy;
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (Store is null)
                return;
            await Store.DisposeAsync();
            if (ExpectClean)
                (await VerifyAsync()).Findings.Where(f => f.Severity != Severity.Note).ShouldBeEmpty();
        }
        finally
        {
            Directory.Delete(Root, recursive: true);
        }
    }
}

/// <summary>A suite that runs on an engine; the derived classes say on which.</summary>
public abstract class StoreSuite
{
    private protected abstract Task<StoreRig> OpenAsync(long packSize = 256L << 20);
}
