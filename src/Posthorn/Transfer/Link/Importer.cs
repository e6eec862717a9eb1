using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Posthorn.Cli;
using Posthorn.Mime.Structure;
using Posthorn.Mime.Threads;
using Posthorn.Storage;
using Posthorn.Storage.Events;
using Posthorn.Storage.Imports;
using Posthorn.Storage.Messages;
using Posthorn.Verbs;

namespace Posthorn.Transfer.Link;

/// <summary>
/// Files messages that come in by the hundred: those of one batch in one unit of the store, while the next batch is read.
/// A message that the mailbox had before the import is not filed again.
/// </summary>
sealed class Importer(VerbContext context, long account, string kind) : IAsyncDisposable
{
    // Small enough that a delivery that comes in between hardly waits.
    const int BatchMessages = 200;
    const long BatchOctets = 8 << 20;

    /// <summary>Refusals that are told one by one; the rest is counted.</summary>
    const int MostTold = 1000;

    sealed record Pending(BlobWriter Body, long Mailbox, MailFlags Flags, DateTimeOffset? Date, byte[] Structure, long[] Links, TraceId Trace, string Name, (long Import, uint Uid, string Flags)? Ledger);

    readonly Dictionary<long, FolderIndex> _folders = [];
    readonly Dictionary<long, HashSet<uint>> _taken = [];
    List<Pending> _batch = [];
    long _batchOctets;
    Task _committing = Task.CompletedTask;
    VerbException? _fatal;
    long _added, _known, _octets, _refused;
    JsonArray _told = [];

    /// <summary>Takes one message off the channel. What goes wrong is told by the next <see cref="FlushAsync"/>.</summary>
    internal async ValueTask PutAsync(JsonObject head, LinkChannel channel, CancellationToken ct)
    {
        var name = (string?)head["name"] ?? "";
        var body = context.Store.NewBlob();
        var keep = false;
        try
        {
            var refusal = await ReadAsync(channel, body, ct).ConfigureAwait(false);
            if (_fatal is not null) return;
            if (refusal is not null) Refuse(name, refusal);
            else keep = await QueueAsync(head, name, body).ConfigureAwait(false);
        }
        catch (StoreFullException e) { _fatal = new VerbException(ExitCode.TemporaryFailure, e.Message); }
        catch (StoreException e) { _fatal = new VerbException(ExitCode.IoError, e.Message); }
        finally
        {
            if (!keep) await body.DisposeAsync().ConfigureAwait(false);
        }
    }

    async ValueTask<string?> ReadAsync(LinkChannel channel, BlobWriter body, CancellationToken ct)
    {
        while (true)
        {
            if (await channel.ReadChunkAsync(ct).ConfigureAwait(false) is not { } chunk) return ""; // the other side tells why
            if (chunk.Length == 0) return body.Length == 0 ? "it is empty" : null;
            if (_fatal is not null) continue;
            try { body.Write(chunk.Span); }
            catch (StoreFullException e) { _fatal = new VerbException(ExitCode.TemporaryFailure, e.Message); }
        }
    }

    async ValueTask<bool> QueueAsync(JsonObject head, string name, BlobWriter body)
    {
        if (!context.Store.HasRoomFor(body.Length)) throw new StoreFullException("there is too little room on the disk");
        await body.SealAsync().ConfigureAwait(false);
        var mailbox = (long)head["mailbox"]!;
        var ledger = head["import"] is { } import ? ((long)import, (uint)head["uid"]!, (string?)head["seen"] ?? "") : ((long Import, uint Uid, string Flags)?)null;
        if (!_folders.TryGetValue(mailbox, out var folder)) _folders.Add(mailbox, folder = new FolderIndex(context.Store, account, mailbox, _taken.GetValueOrDefault(mailbox) ?? []));
        if (folder.Claim(body.Length, body.Hash!) is { } there)
        {
            _known++;
            if (ledger is { } known) await context.Store.WriteAsync(unit => Note(unit, known, mailbox, there), CancellationToken.None).ConfigureAwait(false);
            return false;
        }
        byte[] structure;
        using (var stream = body.OpenRead()) structure = PartTree.Encode(PartTree.Read(stream));
        var flags = MailFlags.Of(((string?)head["keywords"] ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries), (MessageFlags)((int?)head["flags"] ?? 0));
        var date = head["date"] is { } ticks ? new DateTimeOffset((long)ticks, TimeSpan.Zero) : (DateTimeOffset?)null;
        _batch.Add(new Pending(body, mailbox, flags, date, structure, ThreadLinks.Of(structure, body.Head.Span), context.Store.NewTraceId(), name, ledger));
        _batchOctets += body.Length;
        if (_batch.Count >= BatchMessages || _batchOctets >= BatchOctets) await CommitAsync().ConfigureAwait(false);
        return true;
    }

    /// <summary>Begins to file the batch, once the one before is durable.</summary>
    async ValueTask CommitAsync()
    {
        await _committing.ConfigureAwait(false);
        var batch = _batch;
        (_batch, _batchOctets) = ([], 0);
        _committing = FileAsync(batch);
    }

    async Task FileAsync(List<Pending> batch)
    {
        try
        {
            if (_fatal is not null) return;
            var over = await context.Store.WriteAsync(unit => File(unit, batch), CancellationToken.None).ConfigureAwait(false);
            for (var i = 0; i < batch.Count; i++)
                if (!over.Contains(i)) (_added, _octets) = (_added + 1, _octets + batch[i].Body.Length);
                else Refuse(batch[i].Name, "the account's quota is used up");
            if (over.Count > 0) _fatal = new VerbException(ExitCode.DataError, "the account's quota is used up: raise it by \"account set-quota\" and run the import again");
        }
        catch (StoreException e) { _fatal = new VerbException(e is StoreFullException ? ExitCode.TemporaryFailure : ExitCode.IoError, e.Message); }
        finally
        {
            foreach (var one in batch) await one.Body.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Files what fits into the quota; the places in the list of what does not.</summary>
    HashSet<int> File(WriteUnit unit, List<Pending> batch)
    {
        var over = new HashSet<int>();
        var row = unit.Directory.Account(account) ?? throw new StoreException("the account is gone");
        var (octets, messages) = (0L, 0L);
        for (var i = 0; i < batch.Count; i++)
        {
            var one = batch[i];
            if (!row.HasRoom(octets + one.Body.Length, messages + 1))
            {
                over.Add(i);
                continue;
            }
            (octets, messages) = (octets + one.Body.Length, messages + 1);
            unit.Events.Add(one.Trace, EventKind.Received, account, Detail(one));
            var filed = unit.Mailboxes.Deliver(account, one.Mailbox, new NewMessage(unit.Store(one.Body), [], one.Structure, one.Date ?? context.Time.GetUtcNow(), one.Trace, one.Flags.Bits)
            {
                Keywords = one.Flags.Keywords,
                Protocol = "import",
                Links = one.Links,
            });
            if (one.Ledger is { } ledger) Note(unit, ledger, one.Mailbox, filed.Uid);
        }
        return over;
    }

    static bool Note(WriteUnit unit, (long Import, uint Uid, string Flags) ledger, long mailbox, uint uid)
    {
        unit.Imports.Add(ledger.Import, new ImportedMessage(ledger.Uid, mailbox, uid, ledger.Flags));
        return true;
    }

    string Detail(Pending one) => string.Create(CultureInfo.InvariantCulture, $"{{\"import\":\"{JsonEncodedText.Encode(kind)}\",\"size\":{one.Body.Length}}}");

    void Refuse(string name, string why)
    {
        if (why.Length == 0) return;
        _refused++;
        if (_told.Count < MostTold) _told.Add(new JsonObject { ["name"] = name, ["error"] = why });
    }

    /// <summary>What became of all messages so far; refusals since the last time. Throws when nothing more can be taken.</summary>
    internal async ValueTask<JsonObject> FlushAsync()
    {
        await CommitAsync().ConfigureAwait(false);
        await _committing.ConfigureAwait(false);
        if (_fatal is not null) throw _fatal;
        var told = _told;
        _told = [];
        return new JsonObject { ["added"] = _added, ["known"] = _known, ["octets"] = _octets, ["refused"] = _refused, ["refusals"] = told };
    }

    /// <summary>Begins a folder of another server; what of it is here already, with the flags it had there.</summary>
    internal async ValueTask<JsonObject> BeginSourceAsync(string source, string folder, uint uidValidity, CancellationToken ct)
    {
        var id = await context.Store.WriteAsync(unit => unit.Imports.Begin(account, source, folder, uidValidity), ct).ConfigureAwait(false);
        var known = context.Store.Read(u => u.Imports.Of(id));
        foreach (var message in known)
        {
            if (!_taken.TryGetValue(message.MailboxId, out var taken)) _taken.Add(message.MailboxId, taken = []);
            taken.Add(message.LocalUid);
        }
        var flags = known.GroupBy(static m => m.Flags).Select(static g => new JsonObject { ["flags"] = g.Key, ["uids"] = TransferHost.SetOf(g.Select(static m => m.Uid)) });
        return new JsonObject { ["import"] = id, ["known"] = VerbJson.List(flags) };
    }

    /// <summary>
    /// Gives messages the flags that they have now at their source. One whose flags were changed here since keeps them: what
    /// somebody did here is younger.
    /// </summary>
    internal async ValueTask<JsonObject> SetFlagsAsync(long import, JsonArray messages, CancellationToken ct)
    {
        var known = context.Store.Read(u => u.Imports.Of(import)).ToDictionary(static m => m.Uid);
        var changed = await context.Store.WriteAsync(unit =>
        {
            var count = 0;
            foreach (var node in messages)
            {
                var (uid, now) = ((uint)node!["uid"]!, (string)node["flags"]!);
                if (!known.TryGetValue(uid, out var message)) continue;
                unit.Imports.SetFlags(import, uid, now);
                if (unit.Mailboxes.Get(account, message.MailboxId) is null || unit.Places.Find(message.MailboxId, message.LocalUid) is not { } place) continue;
                var (before, after) = (MailFlags.Of(message.Flags.Split(' ')), MailFlags.Of(now.Split(' ')));
                var here = MailFlags.OfStored(place.Flags, place.Keywords);
                if (here.Bits != before.Bits || !here.Keywords.ToHashSet(StringComparer.OrdinalIgnoreCase).SetEquals(before.Keywords)) continue;
                unit.Mailboxes.SetFlags(account, message.MailboxId, [message.LocalUid], new FlagChange(after.Bits, MessageFlags.None, after.Keywords, [], Replace: true));
                count++;
            }
            return count;
        }, ct).ConfigureAwait(false);
        return new JsonObject { ["changed"] = changed };
    }

    public async ValueTask DisposeAsync()
    {
        await _committing.ConfigureAwait(false);
        foreach (var one in _batch) await one.Body.DisposeAsync().ConfigureAwait(false);
    }
}
