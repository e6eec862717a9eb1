using System.Globalization;
using Microsoft.Extensions.Logging;
using Posthorn.Mime.Structure;
using Posthorn.Storage.Blobs;
using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Verify;

/// <summary>
/// <c>posthorn store verify</c>: walks everything and names every damaged or orphaned thing; never stops at the first. Works
/// on an open store, also on one opened read-only beside the running server.
/// </summary>
public sealed class StoreVerifier
{
    static readonly SqlText CountAccounts = new("SELECT COUNT(*) FROM accounts");
    static readonly SqlText CountMailboxes = new("SELECT COUNT(*) FROM mailboxes");
    static readonly SqlText MessagePage = new("SELECT id, structure FROM messages WHERE id > $1 ORDER BY id LIMIT 500");
    static readonly SqlText MessagesOfBlob = new("SELECT id FROM messages WHERE blob_id = $1 LIMIT 10");

    readonly MailStore _store;
    readonly BlobFolder _folder;
    readonly List<Finding> _findings = [];
    readonly Dictionary<int, HashSet<long>> _known = [];
    readonly HashSet<string> _bigFiles = [];
    long _accounts;
    long _mailboxes;
    long _messages;
    long _bodies;
    long _octets;
    long _packs;

    StoreVerifier(MailStore store)
    {
        _store = store;
        _folder = store.Files.Folder;
    }

    /// <summary>Verifies an open store.</summary>
    public static VerifyReport Run(MailStore store, CancellationToken ct = default) => new StoreVerifier(store).Run(ct);

    /// <summary>Opens the store read-only and verifies it; a store that cannot be opened is a finding.</summary>
    public static async Task<VerifyReport> RunAsync(StoreOptions options, TimeProvider time, ILogger logger, CancellationToken ct = default)
    {
        MailStore store;
        try
        {
            store = await MailStore.OpenAsync(options with { ReadOnly = true }, time, logger);
        }
        catch (StoreException e)
        {
            return new([new(Severity.Damage, "store", options.Directory, e.Message)], 0, 0, 0, 0, 0, 0);
        }
        await using (store)
            return await Task.Run(() => Run(store, ct), ct);
    }

    VerifyReport Run(CancellationToken ct)
    {
        Step("database", "integrity", () => _store.Read(u =>
        {
            foreach (var text in _store.Engine.CheckIntegrity(u.Session))
                Add(Severity.Damage, "database", "meta", text);
            return 0;
        }));
        foreach (var check in RowChecks.All)
        {
            ct.ThrowIfCancellationRequested();
            Step(check.Kind, "rows", () => Ask(check));
        }
        Step("account", "rows", () => (_accounts, _mailboxes) =
            _store.Read(u => (u.Session.Use(CountAccounts).Scalar() ?? 0, u.Session.Use(CountMailboxes).Scalar() ?? 0)));
        Step("directory", "rows", ReadDirectory);
        Step("message", "rows", () => CheckStructures(ct));
        Step("body", "rows", () => CheckBodies(ct));
        foreach (var pack in _folder.PackNumbers().ToList())
        {
            ct.ThrowIfCancellationRequested();
            Step("pack", BlobFolder.PackName(pack), () => CheckPack(pack));
        }
        Step("file", "blobs", CheckFiles);
        return new(_findings, _accounts, _mailboxes, _messages, _bodies, _octets, _packs);
    }

    /// <summary>One part of the walk; what it cannot read is a finding, and the walk goes on.</summary>
    void Step(string kind, string name, Action part)
    {
        try
        {
            part();
        }
        catch (Exception e) when (e is StoreException or IOException or FormatException or OverflowException or UnauthorizedAccessException)
        {
            Add(Severity.Damage, kind, name, e.Message);
        }
    }

    void Ask(RowCheck check) => _store.Read(u =>
    {
        var seen = new HashSet<string>();
        using var row = u.Session.Use(check.Query);
        while (row.Step())
        {
            var name = row.Int64(0).ToString(CultureInfo.InvariantCulture);
            var text = check.Text;
            for (var i = 1; text.Contains("{" + i + "}", StringComparison.Ordinal); i++)
                text = text.Replace("{" + i + "}", row.Int64(i).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
            if (seen.Add(name + text))
                Add(check.Severity, check.Kind, name, text);
        }
        return 0;
    });

    /// <summary>Reads all rows of the small tables once, so that one that cannot be decoded shows.</summary>
    void ReadDirectory() => _store.Read(static u =>
    {
        u.Directory.Domains();
        u.Directory.Aliases();
        u.Directory.AppPasswords();
        foreach (var account in u.Directory.Accounts())
            u.Mailboxes.List(account.Id);
        return 0;
    });

    void CheckStructures(CancellationToken ct)
    {
        for (var last = 0L; ;)
        {
            ct.ThrowIfCancellationRequested();
            var from = last;
            var page = _store.Read(u => u.Session.Use(MessagePage).Bind(1, from).All(static r => (Id: r.Int64(0), Structure: r.Bytes(1))));
            if (page.Count == 0)
                return;
            foreach (var (id, structure) in page)
            {
                _messages++;
                // None: nobody has read this message's parts yet.
                if (structure.Length > 0)
                    Step("message", id.ToString(CultureInfo.InvariantCulture), () => PartTree.Decode(structure));
            }
            last = page[^1].Id;
        }
    }

    void CheckBodies(CancellationToken ct)
    {
        for (var last = 0L; ;)
        {
            var from = last;
            var page = _store.Read(u => u.Blobs.After(from));
            if (page.Count == 0)
                return;
            foreach (var (blob, _) in page)
            {
                ct.ThrowIfCancellationRequested();
                Step("body", blob.BlobId.ToString(CultureInfo.InvariantCulture), () => CheckBody(blob));
            }
            last = page[^1].Blob.BlobId;
        }
    }

    void CheckBody(BlobLocation blob)
    {
        _bodies++;
        _octets += blob.Length;
        if (blob.Pack == 0)
            _bigFiles.Add(_folder.BigPath(blob.Hash));
        else if (_known.TryGetValue(blob.Pack, out var starts))
            starts.Add(blob.Offset);
        else
            _known[blob.Pack] = [blob.Offset];
        try
        {
            _store.OpenBlob(blob).Dispose();
        }
        catch (StoreDamageException)
        {
            // Gone meanwhile with its last message: the running server may do so.
            if (_store.Read(u => u.Blobs.Find(blob.Hash)) is null)
                return;
            var messages = _store.Read(u => u.Session.Use(MessagesOfBlob).Bind(1, blob.BlobId).All(static r => r.Int64(0).ToString(CultureInfo.InvariantCulture)));
            Add(Severity.Damage, "body", blob.BlobId.ToString(CultureInfo.InvariantCulture),
                $"{blob} is not what was stored; messages: {(messages.Count == 0 ? "none" : string.Join(", ", messages))}");
        }
    }

    void CheckPack(int pack)
    {
        _packs++;
        var name = BlobFolder.PackName(pack);
        var known = _known.GetValueOrDefault(pack, []);
        using var file = File.OpenHandle(_folder.PackPath(pack), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var magic = new byte[PackRecord.FileMagic.Length];
        if (RandomAccess.Read(file, magic, 0) < magic.Length || !magic.AsSpan().SequenceEqual(PackRecord.FileMagic))
            Add(Severity.Damage, "pack", name, "does not begin as a pack");
        var (bodies, octets) = (0, 0L);
        foreach (var found in PackScan.Walk(file, magic.Length, RandomAccess.GetLength(file)))
        {
            if (!found.IsRecord || !found.Whole)
            {
                // A header that metadata needs is only for finding bodies without it; the body is judged by its hash.
                var needed = known.Any(start => start >= found.Start && start < found.Start + Math.Max(found.Length, 1));
                Add(needed ? Severity.Damage : Severity.Note, "pack", name,
                    $"{found.Length} octets at {found.Start} are no whole record{(needed ? "" : ", and nothing refers to them")}");
            }
            else if (!known.Contains(found.Start))
                (bodies, octets) = (bodies + 1, octets + found.Length);
        }
        if (bodies > 0)
            Add(Severity.Note, "pack", name, $"{bodies} bodies ({octets} octets) nothing refers to: garbage collection reclaims them");
    }

    void CheckFiles()
    {
        foreach (var path in _folder.BigFiles())
            if (!_bigFiles.Contains(path))
                Add(Severity.Note, "file", Path.GetRelativePath(_folder.Directory.Root, path), "nothing refers to it: garbage collection removes it after 24 hours");
        foreach (var path in System.IO.Directory.EnumerateFiles(_folder.Packs))
            if (BlobFolder.PackNumber(path) is null)
                Add(Severity.Orphan, "file", Path.GetRelativePath(_folder.Directory.Root, path), "does not belong here");
    }

    void Add(Severity severity, string kind, string name, string text) => _findings.Add(new(severity, kind, name, text));
}
