using Posthorn.Storage;
using Posthorn.Storage.Archives;
using Posthorn.Transfer.Files;

namespace Posthorn.Transfer.Archives;

/// <summary>What a rule did.</summary>
/// <param name="Removed">Messages that went.</param>
/// <param name="Kept">Messages whose time is over and that no archive has.</param>
sealed record RetentionReport(RetentionRow Rule, long Removed, long Kept);

/// <summary>
/// Removes messages that have been in their mailbox for longer than its rule says. Where the rule wants them archived, each is
/// looked up in an archive of the account, and its file is read, before it goes.
/// </summary>
sealed class Retention(MailStore store, TimeProvider time)
{
    const int Piece = 200;

    public async Task<RetentionReport> RunAsync(RetentionRow rule, CancellationToken ct)
    {
        if (store.Read(u => u.Mailboxes.Find(rule.AccountId, rule.Mailbox)) is not { } mailbox) return new RetentionReport(rule, 0, 0);
        var before = time.GetUtcNow() - rule.Keep;
        var old = store.Read(u => u.Retentions.Older(mailbox.Id, before, int.MaxValue));
        var proof = rule.Archived && old.Count > 0 ? new Proof(store, mailbox.Id, mailbox.Name, mailbox.UidValidity, rule.AccountId, ct) : null;
        var (removed, kept) = (0L, 0L);
        foreach (var piece in old.Chunk(Piece))
        {
            ct.ThrowIfCancellationRequested();
            uint[] due = proof is null ? piece : [.. piece.Where(proof.Has)];
            kept += piece.Length - due.Length;
            // What an archive has no more, or not as it was, is to be written to it again.
            if (proof?.TakeMissing() is { Count: > 0 } missing) await store.WriteAsync(unit => Forget(unit, mailbox.Id, missing), ct).ConfigureAwait(false);
            if (due.Length > 0) removed += await store.WriteAsync(unit => Current(unit, rule, mailbox.Id) ? unit.Mailboxes.Expunge(rule.AccountId, mailbox.Id, due, "retention") : 0, ct).ConfigureAwait(false);
        }
        return new RetentionReport(rule, removed, kept);
    }

    /// <summary>False when the rule was changed, or the mailbox has another name, since the run began.</summary>
    static bool Current(WriteUnit unit, RetentionRow rule, long mailbox) =>
        unit.Retentions.Of(rule.AccountId).Any(r => r.Mailbox == rule.Mailbox && r.Keep == rule.Keep && r.Archived == rule.Archived)
        && unit.Mailboxes.Get(rule.AccountId, mailbox)?.Name == rule.Mailbox;

    static bool Forget(WriteUnit unit, long mailbox, List<(long Archive, uint Uid)> missing)
    {
        foreach (var (archive, uid) in missing) unit.Archives.Forget(archive, mailbox, uid);
        return true;
    }

    /// <summary>What the archives of an account have of one mailbox, by looking.</summary>
    sealed class Proof
    {
        readonly List<(ArchiveRow Archive, Dictionary<uint, ArchivedRow> Places)> _archives;
        readonly Dictionary<long, Dictionary<string, string>> _files = [];
        readonly Dictionary<string, Dictionary<(uint, uint), byte[]>> _mboxes = [];
        readonly string _mailbox;
        readonly uint _validity;
        readonly CancellationToken _ct;

        internal Proof(MailStore store, long mailboxId, string mailbox, uint validity, long account, CancellationToken ct)
        {
            (_mailbox, _validity, _ct) = (mailbox, validity, ct);
            _archives = store.Read(u => u.Archives.Of(account).Select(a => (a, u.Archives.Places(a.Id, mailboxId).ToDictionary(static p => p.Uid))).ToList());
        }

        List<(long Archive, uint Uid)> _missing = [];

        internal bool Has(uint uid)
        {
            foreach (var (archive, places) in _archives)
            {
                if (!places.TryGetValue(uid, out var place)) continue;
                if (IsThere(archive, place)) return true;
                _missing.Add((archive.Id, uid));
            }
            return false;
        }

        /// <summary>What was noted as archived and was not found.</summary>
        internal List<(long Archive, uint Uid)> TakeMissing() => Interlocked.Exchange(ref _missing, []);

        bool IsThere(ArchiveRow archive, ArchivedRow place)
        {
            try
            {
                if (archive.Format == ArchiveFormat.Maildir)
                    return Files(archive).TryGetValue(place.File, out var path) && ArchiveCheck.OfMaildir(path).AsSpan().SequenceEqual(place.Hash);
                var file = Path.Combine(archive.Directory, place.File);
                if (!_mboxes.TryGetValue(file, out var there)) _mboxes.Add(file, there = File.Exists(file) ? ArchiveCheck.OfMbox(file, _ct) : []);
                return there.TryGetValue((_validity, place.Uid), out var hash) && hash.AsSpan().SequenceEqual(place.Hash);
            }
            catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException) { return false; } // what cannot be read proves nothing
        }

        Dictionary<string, string> Files(ArchiveRow archive)
        {
            if (_files.TryGetValue(archive.Id, out var files)) return files;
            _files.Add(archive.Id, files = []);
            foreach (var sub in (ReadOnlySpan<string>)["cur", "new"])
                if (Path.Combine(archive.Directory, MaildirNames.DirectoryOf(_mailbox), sub) is var path && Directory.Exists(path))
                    foreach (var file in Directory.EnumerateFiles(path)) files[MaildirFileName.Parse(Path.GetFileName(file)).Unique] = file;
            return files;
        }
    }
}
