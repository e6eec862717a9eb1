using System.Collections.Concurrent;
using System.Globalization;
using Posthorn.Storage;
using Posthorn.Storage.Archives;
using Posthorn.Storage.Messages;
using Posthorn.Transfer.Files;
using Posthorn.Transfer.Link;

namespace Posthorn.Transfer.Archives;

/// <summary>What a run has done.</summary>
/// <param name="Written">Messages that were written and, read again, found right.</param>
/// <param name="Known">Messages that were there already.</param>
/// <param name="Troubles">What could not be archived, in words.</param>
sealed record ArchiveReport(long Written, long Known, long Octets, IReadOnlyList<string> Troubles);

/// <summary>
/// Copies what is new of an account to its archive. A message counts as archived only once its file is on the disk, was read
/// again, and has the octets of the message.
/// </summary>
sealed class Archiver(MailStore store, TimeProvider time)
{
    /// <summary>So many messages are made to last at once.</summary>
    const int Batch = 500;

    /// <summary>Troubles that are kept one by one.</summary>
    const int MostTold = 100;

    static readonly TimeSpan Again = TimeSpan.FromHours(1);

    // Two runs at once would write the same files.
    static readonly ConcurrentDictionary<(MailStore, long), bool> Running = new();

    /// <summary>Runs one archive and notes how it went. Throws what made it fail, noted too.</summary>
    public async Task<ArchiveReport> RunAsync(ArchiveRow archive, CancellationToken ct)
    {
        if (!Running.TryAdd((store, archive.Id), true)) throw new StoreException($"{archive.Directory} is being written to at this moment");
        try
        {
            var run = new Run(this, archive, ct);
            await run.AllAsync().ConfigureAwait(false);
            var now = time.GetUtcNow();
            await store.WriteAsync(unit =>
            {
                if (run.Troubles.Count == 0) unit.Archives.Finish(archive.Id, now, now + archive.Every);
                else unit.Archives.Fail(archive.Id, run.Troubles[0], now + Soon(archive));
                return true;
            }, CancellationToken.None).ConfigureAwait(false);
            return new ArchiveReport(run.Written, run.Known, run.Octets, run.Troubles);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await store.WriteAsync(unit =>
            {
                unit.Archives.Fail(archive.Id, e.Message, time.GetUtcNow() + Soon(archive));
                return true;
            }, CancellationToken.None).ConfigureAwait(false);
            throw;
        }
        finally { Running.TryRemove((store, archive.Id), out _); }
    }

    static TimeSpan Soon(ArchiveRow archive) => archive.Every < Again ? archive.Every : Again;

    sealed class Run(Archiver archiver, ArchiveRow archive, CancellationToken ct)
    {
        readonly MailStore _store = archiver.Store;
        readonly List<ArchivedRow> _written = [];

        internal long Written { get; private set; }
        internal long Known { get; private set; }
        internal long Octets { get; private set; }
        internal List<string> Troubles { get; } = [];

        internal async Task AllAsync()
        {
            Directory.CreateDirectory(archive.Directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            foreach (var mailbox in _store.Read(u => u.Mailboxes.List(archive.AccountId)))
            {
                var known = _store.Read(u => u.Archives.Places(archive.Id, mailbox.Id)).ToDictionary(static p => p.Uid);
                if (mailbox.Messages == 0) continue;
                try { await (archive.Format == ArchiveFormat.Maildir ? MaildirAsync(mailbox, known) : MboxAsync(mailbox, known)).ConfigureAwait(false); }
                catch (ForeignFileException e) { Trouble(e.Message); }
            }
        }

        async Task MaildirAsync(Mailbox mailbox, Dictionary<uint, ArchivedRow> known)
        {
            var writer = new MaildirWriter(archive.Directory, mailbox.Name, mailbox.UidValidity);
            await EachAsync(mailbox, mail => writer.Has(mail) && known.ContainsKey(mail.Uid), (mail, message) =>
            {
                writer.Write(mail, message);
                return MaildirWriter.Unique(mailbox.UidValidity, mail);
            }, () =>
            {
                writer.Finish();
                foreach (var one in _written.ToList())
                    if (writer.Find(one.File) is not { } path || !ArchiveCheck.OfMaildir(path).AsSpan().SequenceEqual(one.Hash)) Wrong(mailbox, one);
            }).ConfigureAwait(false);
        }

        async Task MboxAsync(Mailbox mailbox, Dictionary<uint, ArchivedRow> known)
        {
            var name = MboxNames.PathOf(string.Create(CultureInfo.InvariantCulture, $"{mailbox.Name}-{archiver.Time.GetUtcNow():yyyy-MM}"));
            var path = Path.Combine(archive.Directory, name);
            if (_store.Read(u => u.Mailboxes.Placements(archive.AccountId, mailbox.Id)).All(p => known.ContainsKey(p.Uid)))
            {
                Known += mailbox.Messages;
                return;
            }
            Directory.CreateDirectory(Path.GetDirectoryName(path)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            using var writer = new MboxWriter(path, mailbox.UidValidity);
            await EachAsync(mailbox, mail => known.ContainsKey(mail.Uid), (mail, message) =>
            {
                // What a run before this one wrote and could not note any more is there.
                if (!writer.Has(mail)) writer.Write(mail, message);
                return name;
            }, () =>
            {
                writer.Finish();
                var there = ArchiveCheck.OfMbox(path, ct);
                foreach (var one in _written.ToList())
                    if (!there.TryGetValue((mailbox.UidValidity, one.Uid), out var hash) || !hash.AsSpan().SequenceEqual(one.Hash)) Wrong(mailbox, one);
            }).ConfigureAwait(false);
        }

        async Task EachAsync(Mailbox mailbox, Func<OutgoingMail, bool> has, Func<OutgoingMail, MailSpool, string> write, Action check)
        {
            foreach (var place in _store.Read(u => u.Mailboxes.Placements(archive.AccountId, mailbox.Id)))
            {
                ct.ThrowIfCancellationRequested();
                var mail = new OutgoingMail(place.Uid, place.Size, place.Received, MailFlags.OfStored(place.Flags, place.Keywords), null);
                if (has(mail))
                {
                    Known++;
                    continue;
                }
                using var content = StoredMail.Open(_store, archive.AccountId, place, out var trouble);
                if (content is null)
                {
                    // One that was deleted since the list was made is no trouble.
                    if (_store.Read(u => u.Places.Find(mailbox.Id, place.Uid)) is not null) Trouble($"{mailbox.Name}, UID {place.Uid}: {trouble}");
                    continue;
                }
                using var message = await MailSpool.ReadAsync(content, archive.Directory, ct).ConfigureAwait(false);
                _written.Add(new ArchivedRow(mailbox.Id, place.Uid, write(mail, message!), message!.Hash));
                Octets += message.Length;
                if (_written.Count >= Batch) await NoteAsync(check).ConfigureAwait(false);
            }
            await NoteAsync(check).ConfigureAwait(false);
        }

        /// <summary>Makes the batch last, checks it and notes what is right.</summary>
        async Task NoteAsync(Action check)
        {
            if (_written.Count == 0) return;
            check();
            ArchivedRow[] right = [.. _written];
            _written.Clear();
            await _store.WriteAsync(unit =>
            {
                foreach (var one in right) unit.Archives.Add(archive.Id, one);
                return true;
            }, CancellationToken.None).ConfigureAwait(false);
            Written += right.Length;
        }

        void Wrong(Mailbox mailbox, ArchivedRow one)
        {
            _written.Remove(one);
            Trouble($"{mailbox.Name}, UID {one.Uid}: {one.File} is not what was written to it");
        }

        void Trouble(string what)
        {
            if (Troubles.Count < MostTold) Troubles.Add(what);
        }
    }

    MailStore Store => store;

    TimeProvider Time => time;
}
