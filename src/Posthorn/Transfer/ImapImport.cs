using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Posthorn.Cli;
using Posthorn.Imap.Administration;
using Posthorn.Imap.Client;
using Posthorn.Transfer.Files;
using Posthorn.Transfer.Link;
using Posthorn.Verbs;

namespace Posthorn.Transfer;

/// <summary>
/// Copies an account from another IMAP server. What was copied is remembered by UID, so that the next run brings only what is
/// new, changes flags that were changed there, and does not bring back what was deleted or moved here.
/// </summary>
sealed class ImapImport(LocalWork work, CancellationToken ct)
{
    /// <summary>One FETCH asks for no more messages and octets than this.</summary>
    const int MostMessages = 200;
    const long MostOctets = 16 << 20;

    /// <summary>Flag changes told at once.</summary>
    const int FlagPiece = 1000;

    // Folders that show messages of other folders once more.
    static readonly string[] Virtual = ["\\all", "\\flagged", "\\important"];

    readonly JsonArray _skipped = [];
    readonly HashSet<long> _mailboxes = [];
    long _flags;

    public async Task<JsonObject> RunAsync()
    {
        var user = work.Arguments.Optional("user") ?? throw new VerbException(ExitCode.Usage, "--user is missing");
        var address = Address();
        var account = await work.Client.OpenAsync(work.Arguments.Text("account"), "imap", ct).ConfigureAwait(false);
        try
        {
            await using var server = await ImapClient.ConnectAsync(address, work.Time, ct).ConfigureAwait(false);
            await server.LogInAsync(user, work.Arguments.Text("password"), inClear: address.Tls == ImapClientTls.None).ConfigureAwait(false);
            var source = string.Create(CultureInfo.InvariantCulture, $"imap:{user}@{address.Host.ToLowerInvariant()}:{address.Port}");
            foreach (var folder in Choose(await server.FoldersAsync().ConfigureAwait(false)))
            {
                try { await FolderAsync(server, source, folder).ConfigureAwait(false); }
                catch (VerbException e) when (e.Exit == ExitCode.DataError && !e.Message.Contains("quota", StringComparison.Ordinal)) { work.Fail(folder.Name, e.Message); }
            }
        }
        catch (ImapClientException e) { throw new VerbException(ExitCode.Unavailable, e.Message); }
        var tally = await work.FlushAsync(ct).ConfigureAwait(false);
        return work.Finish(new JsonObject
        {
            ["account"] = account,
            ["added"] = tally.Added,
            ["known"] = tally.Known,
            ["octets"] = tally.Octets,
            ["mailboxes"] = _mailboxes.Count,
            ["flags"] = _flags,
            ["skipped"] = _skipped,
        });
    }

    List<RemoteFolder> Choose(IReadOnlyList<RemoteFolder> all)
    {
        var named = work.Arguments.Texts("folders");
        foreach (var name in named)
            if (all.All(f => f.Name != name)) work.Fail(name, "the server has no such folder");
        var chosen = new List<RemoteFolder>();
        foreach (var folder in all.Where(static f => f.CanSelect))
        {
            if (named.Count > 0 ? !named.Contains(folder.Name) : Array.Exists(Virtual, folder.Attributes.Contains)) _skipped.Add(folder.Name);
            else chosen.Add(folder);
        }
        return chosen;
    }

    async Task FolderAsync(ImapClient server, string source, RemoteFolder folder)
    {
        var into = work.Arguments.Optional("mailbox") is { } under ? MailboxAdmin.Normal(under) + (folder.Name == "INBOX" ? "" : MailboxAdmin.Delimiter + folder.Name) : folder.Name;
        into = MaildirNames.Fitting(into);
        var use = folder.Attributes.Select(MailboxAdmin.RoleOf).Where(static r => r != Storage.Messages.MailboxRole.None).Select(MailboxAdmin.UseOf).FirstOrDefault();
        var mailbox = await work.Client.EnsureAsync(into, use, folder.Subscribed, ct).ConfigureAwait(false);
        _mailboxes.Add(mailbox.Id);
        ExaminedFolder examined;
        try { examined = await server.ExamineAsync(folder).ConfigureAwait(false); }
        catch (ImapClientException e) when (e.Message.StartsWith("the server refused", StringComparison.Ordinal))
        {
            work.Fail(folder.Name, e.Message);
            return;
        }
        var (import, known) = await work.Client.SourceAsync(source, folder.Encoded, examined.UidValidity, ct).ConfigureAwait(false);
        var flags = new Dictionary<uint, string>();
        foreach (var (words, uids) in known)
            foreach (var uid in Uids(uids)) flags[uid] = words;
        if (examined.Messages == 0) return;
        var messages = await server.MessagesAsync().ConfigureAwait(false);
        var missing = messages.Where(m => !flags.ContainsKey(m.Uid)).ToDictionary(static m => m.Uid);
        work.Progress.Begin(folder.Name, missing.Values.Sum(static m => m.Size));
        var texts = new Texts(work, mailbox.Id, import, folder.Name, missing, ct);
        foreach (var batch in Batches(missing.Values.OrderBy(static m => m.Uid)))
        {
            await server.TextsAsync(TransferHost.SetOf(batch), texts).ConfigureAwait(false);
            await work.FlushAsync(ct).ConfigureAwait(false);
        }
        foreach (var left in missing.Values.Where(m => !texts.Came.Contains(m.Uid))) work.Fail($"{folder.Name}, UID {left.Uid}", "the server did not send it");
        var changed = messages.Where(m => flags.TryGetValue(m.Uid, out var before) && before != Words(m)).Select(static m => (m.Uid, Words(m)));
        foreach (var piece in changed.Chunk(FlagPiece)) _flags += await work.Client.FlagsAsync(import, piece, ct).ConfigureAwait(false);
    }

    /// <summary>Flags in one form, whatever order a server tells them in. \Recent is nothing that can be kept.</summary>
    static string Words(RemoteMessage message) => string.Join(' ', message.Flags.Where(static f => !f.Equals("\\Recent", StringComparison.OrdinalIgnoreCase)).Order(StringComparer.OrdinalIgnoreCase));

    static IEnumerable<List<uint>> Batches(IEnumerable<RemoteMessage> messages)
    {
        var (batch, octets) = (new List<uint>(), 0L);
        foreach (var message in messages)
        {
            if (batch.Count >= MostMessages || (batch.Count > 0 && octets + message.Size > MostOctets))
            {
                yield return batch;
                (batch, octets) = ([], 0);
            }
            batch.Add(message.Uid);
            octets += message.Size;
        }
        if (batch.Count > 0) yield return batch;
    }

    static IEnumerable<uint> Uids(string set)
    {
        foreach (var part in set.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = part.IndexOf(':');
            var first = uint.Parse(colon < 0 ? part : part[..colon], CultureInfo.InvariantCulture);
            var last = colon < 0 ? first : uint.Parse(part[(colon + 1)..], CultureInfo.InvariantCulture);
            for (var uid = (ulong)first; uid <= last; uid++) yield return (uint)uid;
        }
    }

    ImapServerAddress Address()
    {
        var host = work.Arguments.Optional("host") ?? throw new VerbException(ExitCode.Usage, "--host is missing");
        var tls = work.Arguments.Optional("tls") switch
        {
            null or "implicit" => ImapClientTls.Implicit,
            "starttls" => ImapClientTls.StartTls,
            "none" => ImapClientTls.None,
            var other => throw new VerbException(ExitCode.Usage, $"--tls: \"{other}\" is none of implicit, starttls, none"),
        };
        var port = tls == ImapClientTls.Implicit ? 993 : 143;
        if (work.Arguments.Optional("port") is { } text && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > 65535))
            throw new VerbException(ExitCode.Usage, $"--port: \"{text}\" is no port");
        X509Certificate2Collection? roots = null;
        if (work.Arguments.Optional("caFile") is { } file)
        {
            roots = [];
            try { roots.ImportFromPemFile(file); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException) { throw new VerbException(ExitCode.NoInput, $"cannot read {file}: {e.Message}"); }
        }
        return new ImapServerAddress(host, port, tls, roots, work.Arguments.Flag("anyCertificate"));
    }

    /// <summary>Sends each text on as it comes.</summary>
    sealed class Texts(LocalWork work, long mailbox, long import, string folder, Dictionary<uint, RemoteMessage> wanted, CancellationToken ct) : IRemoteText
    {
        bool _taking;
        long _size;

        public HashSet<uint> Came { get; } = [];

        public ValueTask BeginAsync(uint uid, long size)
        {
            _size = size;
            // A server may send what nobody asked for; and twice what was asked for once.
            _taking = wanted.TryGetValue(uid, out var message) && Came.Add(uid);
            if (_taking) work.Client.Begin(new IncomingMail(mailbox, $"{folder}, UID {uid}", MailFlags.Of(message!.Flags), message.Date) { Ledger = (import, uid, Words(message)) });
            return default;
        }

        public ValueTask WriteAsync(ReadOnlyMemory<byte> octets) => _taking ? work.Client.WriteAsync(octets.Span, ct) : default;

        public async ValueTask EndAsync()
        {
            if (!_taking) return;
            await work.Client.EndAsync(whole: true, ct).ConfigureAwait(false);
            work.Progress.Message(_size);
        }
    }
}
