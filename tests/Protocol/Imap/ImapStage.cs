using System.Globalization;
using System.Text;
using Posthorn.Mime.Structure;
using Posthorn.Storage;
using Posthorn.Storage.Blobs;
using Posthorn.Storage.Messages;
using Posthorn.Storage.Sql;
using Posthorn.Tests.Testing.Transcripts;
using Posthorn.Wire.Sasl;

namespace Posthorn.Tests.Protocol.Imap;

/// <summary>
/// What stands in mailboxes when an IMAP transcript begins, or comes while it is played:
/// <code>
/// @ account NAME [PASSWORD]              another account, password "secret" when none is given, with an INBOX
/// @ mailbox NAME … [of=ACCOUNT]          mailboxes, with those above them
/// @ mail MAILBOX [of= count= flags= date= saved= age= uid= size=]   messages; the lines below with | are their text
/// @ uid MAILBOX NEXT [VALIDITY] [of=]    the next UID there, and its UIDVALIDITY, while nobody has it selected
/// @ modseq NEXT [of=]                    the next change number of the account
/// @ gone MAILBOX UID … [of=]             messages go
/// @ tidy                                 the folders for drafts, sent mail, junk, trash and archive go
/// @ quota OCTETS [of=]                   what the account may hold
/// @ from ADDRESS                         where connections come from from here on; 127.0.0.1 at first
/// @ outcome NAME                         how logins end from here on, as in LoginOutcome
/// @ login ACCOUNT [SELECT MAILBOX]       a connection: logs in, and takes a mailbox, without a look at the answers
/// </code>
/// Names of flags stand with commas between; a date is as in APPEND or without its time, "saved" the one of SAVEDATE; an age is in
/// seconds; a size is reached by a longer last line. Without "of=" it is fred's.
/// </summary>
sealed class ImapStage : ITranscriptStage, IAuthenticator
{
    static readonly SqlText NextUid = new("UPDATE mailboxes SET uid_next = $1 WHERE id = $2");
    static readonly SqlText Validity = new("UPDATE mailboxes SET uid_validity = $1 WHERE id = $2");
    static readonly SqlText Saved = new("UPDATE placements SET saved = $1 WHERE mailbox_id = $2 AND uid = $3");
    static readonly SqlText NextChange = new("UPDATE accounts SET change = $1 WHERE id = $2");

    readonly MailStore _store;
    readonly long _domain;
    readonly Dictionary<string, long> _accounts = new(StringComparer.OrdinalIgnoreCase);
    LoginOutcome _outcome = LoginOutcome.Accepted;
    readonly Dictionary<string, string> _passwords = new(StringComparer.OrdinalIgnoreCase);
    int _mails;

    ImapStage(MailStore store, long domain) => (_store, _domain) = (store, domain);

    public string Client { get; private set; } = "127.0.0.1";

    /// <summary>With the account "fred" and folders for drafts, sent mail, junk, trash and archive.</summary>
    internal static async Task<ImapStage> SetAsync(MailStore store)
    {
        var stage = new ImapStage(store, await store.WriteAsync(static unit => unit.Directory.AddDomain("example.test", null).Id));
        var fred = await stage.AddAsync("fred");
        await store.WriteAsync(unit =>
        {
            foreach (var role in new[] { MailboxRole.Drafts, MailboxRole.Sent, MailboxRole.Junk, MailboxRole.Trash, MailboxRole.Archive })
                unit.Mailboxes.Create(fred, role.ToString(), role);
            return 0;
        });
        return stage;
    }

    public async Task<IReadOnlyList<string>> DoAsync(IReadOnlyList<string> words, IReadOnlyList<string> text)
    {
        var plain = words.Where(static w => !IsOption(w)).ToList();
        var options = words.Where(IsOption).Select(static w => w.Split('=', 2)).ToDictionary(static w => w[0], static w => w[1]);
        var account = _accounts[options.GetValueOrDefault("of", "fred")];
        switch (plain[0])
        {
            case "account":
                await AddAsync(plain[1]);
                if (plain.Count > 2) _passwords[plain[1]] = plain[2];
                break;
            case "mailbox":
                foreach (var name in plain.Skip(1)) await CreateAsync(account, name);
                break;
            case "mail":
                await DeliverAsync(account, plain[1], options, text);
                break;
            case "uid":
                await _store.WriteAsync(unit =>
                {
                    var id = unit.Mailboxes.Find(account, plain[1])!.Id;
                    if (plain.Count > 3) unit.Session.Use(Validity).Bind(1, Number(plain[3])).Bind(2, id).Run();
                    return unit.Session.Use(NextUid).Bind(1, Number(plain[2])).Bind(2, id).Run();
                });
                break;
            case "modseq":
                await _store.WriteAsync(unit => unit.Session.Use(NextChange).Bind(1, Number(plain[1]) - 1).Bind(2, account).Run());
                break;
            case "gone":
                await _store.WriteAsync(unit => unit.Mailboxes.Expunge(account, unit.Mailboxes.Find(account, plain[1])!.Id, [.. plain.Skip(2).Select(static u => (uint)Number(u))], "imap"));
                break;
            case "tidy":
                await _store.WriteAsync(unit =>
                {
                    foreach (var mailbox in unit.Mailboxes.List(account).Where(static m => m.Role > MailboxRole.Inbox)) unit.Mailboxes.DeleteMailbox(account, mailbox.Id, "imap");
                    foreach (var name in unit.Subscriptions.Names(account)) unit.Subscriptions.Remove(account, name);
                    return 0;
                });
                break;
            case "quota":
                await _store.WriteAsync(unit =>
                {
                    unit.Directory.UpdateAccount(unit.Directory.Account(account)! with { Quota = Number(plain[1]) });
                    return 0;
                });
                break;
            case "from":
                Client = plain[1];
                break;
            case "outcome":
                _outcome = Enum.Parse<LoginOutcome>(plain[1], true);
                break;
            case "login":
                return [.. Steps(plain)];
            default:
                throw new FormatException("not known on this stage: " + plain[0]);
        }
        return [];
    }

    static bool IsOption(string word) => word.Split('=', 2) is [var name, _] && name is "of" or "count" or "flags" or "date" or "saved" or "age" or "uid" or "size";

    static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    static IEnumerable<string> Steps(List<string> words)
    {
        yield return @"S: \* OK *";
        yield return $"C: l LOGIN {words[1]} secret";
        yield return "S: l OK *";
        if (words.Count < 3) yield break;
        yield return $"C: s {words[2]} \"{words[3]}\"";
        yield return "S: ...";
        yield return "S: s OK *";
    }

    async Task<long> AddAsync(string name) => _accounts[name] = await _store.WriteAsync(unit =>
        unit.Directory.AddAccount(_domain, name, name, null, 0, "en").Id);

    async Task CreateAsync(long account, string name) => await _store.WriteAsync(unit =>
    {
        for (var end = name.IndexOf('/'); ; end = name.IndexOf('/', end + 1))
        {
            var level = end < 0 ? name : name[..end];
            if (unit.Mailboxes.Find(account, level) is null) unit.Mailboxes.Create(account, level, subscribed: false);
            if (end < 0) return 0;
        }
    });

    async Task DeliverAsync(long account, string mailbox, Dictionary<string, string> options, IReadOnlyList<string> text)
    {
        var received = options.TryGetValue("age", out var age) ? TimeProvider.System.GetUtcNow().AddSeconds(-Number(age))
            : options.TryGetValue("date", out var date) ? Date(date)
            : new DateTimeOffset(1994, 2, 7, 12, 0, 0, TimeSpan.Zero);
        var flags = MessageFlags.None;
        var keywords = new List<string>();
        foreach (var name in options.GetValueOrDefault("flags", "").Split(',', StringSplitOptions.RemoveEmptyEntries))
            if (Enum.TryParse<MessageFlags>(name.TrimStart('\\', '$'), true, out var flag)) flags |= flag;
            else keywords.Add(name);
        var target = _store.Read(unit => unit.Mailboxes.Find(account, mailbox)!).Id;
        if (options.TryGetValue("uid", out var uid)) await _store.WriteAsync(unit => unit.Session.Use(NextUid).Bind(1, Number(uid)).Bind(2, target).Run());
        var mails = new List<(BlobWriter Blob, byte[] Structure)>();
        for (var left = Number(options.GetValueOrDefault("count", "1")); left > 0; left--)
        {
            var lines = text.Count > 0 ? text : ["From: a@example.org", $"Subject: m{++_mails}", "", "text"];
            var octets = Encoding.UTF8.GetBytes(string.Concat(lines.Select(static l => l + "\r\n")));
            if (options.TryGetValue("size", out var size)) octets = [.. octets[..^2], .. Enumerable.Repeat((byte)'x', (int)Number(size) - octets.Length), .. octets[^2..]];
            var blob = _store.NewBlob();
            blob.Write(octets);
            mails.Add((blob, PartTree.Encode(PartTree.Read(octets, []))));
        }
        await _store.WriteAsync(unit =>
        {
            foreach (var (blob, structure) in mails)
            {
                var filed = unit.Mailboxes.Deliver(account, target, new NewMessage(unit.Store(blob), [], structure, received, _store.NewTraceId(), flags) { Keywords = keywords });
                if (options.TryGetValue("saved", out var saved)) unit.Session.Use(Saved).Bind(1, Date(saved).ToMicroseconds()).Bind(2, target).Bind(3, filed.Uid).Run();
            }
            return mails.Count;
        });
        foreach (var (blob, _) in mails) await blob.DisposeAsync();
    }

    static DateTimeOffset Date(string text) => DateTimeOffset.ParseExact(text, ["d-MMM-yyyy", "d-MMM-yyyy HH:mm:ss zzz"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    public ValueTask<LoginResult> PasswordAsync(LoginContext context, string mechanism, string authorizationId, string user, ReadOnlyMemory<byte> password, CancellationToken ct) =>
        new(_outcome is not LoginOutcome.Accepted ? new LoginResult(_outcome)
            : _accounts.TryGetValue(user, out var account) && (authorizationId is "" || authorizationId == user) && password.Span.SequenceEqual(Encoding.UTF8.GetBytes(_passwords.GetValueOrDefault(user, "secret")))
            ? new LoginResult(LoginOutcome.Accepted, new Principal(account, user.ToLowerInvariant() + "@example.test", mechanism, "password"))
            : new LoginResult(LoginOutcome.Rejected));

    public ValueTask<ScramCredentials> ScramAsync(LoginContext context, string user, CancellationToken ct) => new(new ScramCredentials(new byte[16], 4096, []));

    public ValueTask<LoginResult> ScramResultAsync(LoginContext context, string mechanism, string user, long? credentialId, CancellationToken ct) => new(new LoginResult(LoginOutcome.Rejected));
}
