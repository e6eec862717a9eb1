using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Blobs;

/// <summary>What a collection did.</summary>
/// <param name="Freed">Octets of files removed.</param>
/// <param name="Damaged">Bodies that could not be copied since they are not what was stored; their packs stay.</param>
public sealed record GarbageReport(int PacksRemoved, int BodiesMoved, int FilesRemoved, long Freed, IReadOnlyList<string> Damaged);

/// <summary>
/// Reclaims the space of bodies without a row. A file goes only after the commit that took its last row; a reader that
/// still has the old place looks it up anew (<see cref="MailStore.ReadBlob"/>), one that has the file open keeps it.
/// </summary>
sealed class GarbageCollector(MailStore store)
{
    /// <summary>Octets copied in one unit, so that deliveries need not wait long.</summary>
    const long BatchOctets = 2 << 20;

    /// <summary>A large file may be waiting for the unit that names it; a day is far beyond any session.</summary>
    static readonly TimeSpan OrphanAge = TimeSpan.FromHours(24);

    readonly List<string> _damaged = [];
    int _packs;
    int _moved;
    int _files;
    long _freed;

    internal async Task<GarbageReport> RunAsync(CancellationToken ct)
    {
        var folder = store.Files.Folder;
        // On the writer, so that no pack is closed or begun between the two looks.
        var (packs, current, live) = await store.WriteAsync(u => (folder.PackNumbers().ToList(), store.Packs.Pack, u.Blobs.LivePerPack()), ct);
        foreach (var pack in packs.Where(p => p < current))
        {
            ct.ThrowIfCancellationRequested();
            var size = new FileInfo(folder.PackPath(pack)).Length;
            if (live.GetValueOrDefault(pack) < size / 2)
                await EmptyAsync(pack, size, ct);
        }
        foreach (var file in folder.BigFiles().ToList())
            await RemoveOrphanAsync(file, ct);
        return new(_packs, _moved, _files, _freed, _damaged);
    }

    /// <summary>Copies what lives in the pack to the current one, then removes the file.</summary>
    async Task EmptyAsync(int pack, long size, CancellationToken ct)
    {
        var bodies = store.Read(u => u.Blobs.OfPack(pack));
        for (var at = 0; at < bodies.Count;)
        {
            var batch = new List<BlobLocation>();
            for (var octets = 0L; at < bodies.Count && octets < BatchOctets; octets += bodies[at++].Length)
                batch.Add(bodies[at]);
            _moved += await store.WriteAsync(u => Move(u, batch), ct);
        }
        // Nothing is ever added to a closed pack, so a pack found empty stays so.
        if (store.Read(u => u.Blobs.OfPack(pack)).Count > 0)
            return;
        File.Delete(store.Files.Folder.PackPath(pack));
        store.Files.Forget(pack);
        store.Files.Folder.Disk.SyncPath(store.Files.Folder.Packs);
        _packs++;
        _freed += size;
    }

    int Move(WriteUnit unit, List<BlobLocation> batch)
    {
        var moved = 0;
        foreach (var blob in batch)
        {
            using var body = store.Files.TryReadSmall(blob);
            if (body is null)
            {
                _damaged.Add(blob.ToString());
                continue;
            }
            var start = store.Packs.NextStart();
            if (!unit.Blobs.Move(blob, store.Packs.Pack, start))
                continue;
            body.Memory.Span.CopyTo(store.Packs.Append(blob.Hash, (int)blob.Length));
            moved++;
        }
        return moved;
    }

    /// <summary>Removes a large file without a row, on the writer: no unit can name it meanwhile.</summary>
    async Task RemoveOrphanAsync(string path, CancellationToken ct)
    {
        var info = new FileInfo(path);
        if (store.Time.GetUtcNow() - info.LastWriteTimeUtc < OrphanAge)
            return;
        byte[] hash;
        try
        {
            hash = Convert.FromHexString(info.Name);
        }
        catch (FormatException)
        {
            return;
        }
        var length = info.Length;
        var removed = await store.WriteAsync(u =>
        {
            lock (store.Files.Folder.Naming)
            {
                // A new copy of the same body has a new time; its unit may be waiting behind this one.
                if (u.Blobs.Find(hash) is not null || store.Time.GetUtcNow() - File.GetLastWriteTimeUtc(path) < OrphanAge)
                    return false;
                File.Delete(path);
                return true;
            }
        }, ct);
        if (!removed)
            return;
        _files++;
        _freed += length;
    }
}
