using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;
using Posthorn.Accounts;
using Posthorn.Delivery.Inbound;
using Posthorn.Smtp.Server;
using Posthorn.Storage;
using Posthorn.Storage.Directory;
using Posthorn.Storage.Events;
using Posthorn.Storage.Messages;
using Posthorn.Storage.Migrations;
using Posthorn.Storage.Queue;
using Posthorn.Storage.Sql;
using Posthorn.Tests.Unit.Storage;
using Posthorn.Wire.Addresses;
using Posthorn.Wire.Sasl;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery;

/// <summary>
/// A real store with two domains that share nothing: example.test (alice, bob, carol) and other.test (mallory), a second name
/// for the first (old.test), and aliases.
/// </summary>
sealed class Rig : IAsyncDisposable
{
    static readonly DateTimeOffset Now = new(2026, 11, 21, 8, 5, 9, TimeSpan.Zero);

    readonly string _directory;
    readonly Dictionary<string, AccountRow> _accounts = [];

    public MailStore Store { get; }
    public AccountDirectory Directory { get; }
    public SmtpBackend Backend { get; }
    public LogLines Log { get; } = new();

    Rig(string directory, MailStore store, AccountDirectory accounts, DeliveryOptions options)
    {
        (_directory, Store, Directory) = (directory, store, accounts);
        Backend = new SmtpBackend(store, accounts, options, new Clock(), Log);
    }

    public static async Task<Rig> OpenAsync(bool hold = false, long aliceQuota = 0, long bobQuota = 0, long minimumFree = 0, TestDisk? disk = null)
    {
        var directory = System.IO.Directory.CreateTempSubdirectory("posthorn-delivery").FullName;
        var store = await MailStore.OpenAsync(new StoreOptions { Directory = Path.Combine(directory, "data"), MinimumFree = minimumFree }, TimeProvider.System, new LogLines(), disk ?? new TestDisk(), Schema.Known);
        var rows = await store.WriteAsync(u =>
        {
            var d = u.Directory;
            var example = d.AddDomain("example.test", null);
            var other = d.AddDomain("other.test", null);
            d.AddDomain("old.test", example.Id);
            var alice = d.AddAccount(example.Id, "alice", "Alice Liddell", null, aliceQuota, "en");
            var bob = d.AddAccount(example.Id, "bob", "", null, bobQuota, "en");
            var carol = d.AddAccount(example.Id, "carol", "Carol", null, 0, "en");
            var mallory = d.AddAccount(other.Id, "mallory", "Mallory", null, 0, "en");
            d.UpdateAccount(carol with { Enabled = false });
            d.AddAlias("team@example.test", ["alice@example.test", "bob@example.test"]);
            d.AddAlias("sales@example.test", ["alice@example.test"]);
            d.AddAlias("postmaster@*", ["bob@example.test"]);
            d.AddAlias("away@example.test", ["bob@example.test", "friend@far.example"]);
            if (u.Mailboxes.Find(alice.Id, "Work") is null) u.Mailboxes.Create(alice.Id, "Work");
            return new[] { alice, bob, carol, mallory };
        });
        var rig = new Rig(directory, store, new AccountDirectory(store, new AccountOptions { DefaultDomain = "example.test" }),
            new DeliveryOptions { Hostname = "mail.example.test", HoldForeign = hold });
        foreach (var row in rows) rig._accounts[row.LocalPart] = row;
        return rig;
    }

    public async ValueTask DisposeAsync()
    {
        Directory.Dispose();
        await Store.DisposeAsync();
        System.IO.Directory.Delete(_directory, recursive: true);
    }

    public static SmtpClientInfo Stranger(SmtpService service = SmtpService.Relay) =>
        new() { Service = service, Address = IPAddress.Parse("192.0.2.7"), Helo = "client.far.example", Extended = true, SessionId = "s1" };

    public SmtpClientInfo Login(string user, SmtpService service = SmtpService.Submission)
    {
        var client = Stranger(service);
        client.Principal = new Principal(_accounts[user].Id, user + (user == "mallory" ? "@other.test" : "@example.test"), "PLAIN", "password");
        client.Tls = "TLS1.3 TLS_AES_256_GCM_SHA384";
        return client;
    }

    public static MailParameters From(string address, long? size = null) =>
        new(address.Length == 0 ? null : EmailAddress.TryParse(address).ShouldNotBeNull(), size, BodyType.SevenBit, false, null, null, null);

    public static RcptParameters To(string address) => new(EmailAddress.TryParse(address).ShouldNotBeNull(address), null, null);

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>A whole transaction: the replies of MAIL (when it refuses), of each RCPT, of the data.</summary>
    public Task<Result> SendAsync(SmtpClientInfo client, MailParameters mail, string[] to, string message, bool verbose = false) =>
        SendAsync(client, mail, [.. to.Select(To)], message, verbose);

    public async Task<Result> SendAsync(SmtpClientInfo client, MailParameters mail, RcptParameters[] to, string message, bool verbose = false)
    {
        var (transaction, refusal) = await Backend.MailAsync(client, mail, Ct);
        if (transaction is null) return new Result("", refusal, [], []);
        await using (transaction)
        {
            var rcpts = new List<SmtpReply>();
            foreach (var r in to) rcpts.Add(await transaction.RecipientAsync(r, Ct));
            if (!rcpts.Any(r => r.Positive)) return new Result(transaction.Id, null, rcpts, []);
            transaction.BeginData().ShouldBeNull();
            var octets = Encoding.UTF8.GetBytes(message.ReplaceLineEndings("\r\n"));
            for (var i = 0; i < octets.Length; i += 4000) await transaction.WriteAsync(octets.AsMemory(i, Math.Min(4000, octets.Length - i)), Ct);
            return new Result(transaction.Id, null, rcpts, await transaction.CommitAsync(verbose, Ct));
        }
    }

    public Task<Result> SendAsync(string to, string message = "Subject: hi\n\nhello\n") => SendAsync(Stranger(), From("sender@far.example"), [to], message);

    /// <summary>The messages of a folder: prefix and body as they would be read.</summary>
    public List<(string Prefix, string Body, StoredMessage Row)> Read(string user, string folder = "INBOX") => Store.Read(r =>
    {
        var account = _accounts[user].Id;
        var mailbox = r.Mailboxes.Find(account, folder).ShouldNotBeNull();
        var ids = r.Mailboxes.Maildrop(account, mailbox.Id).Select(e => e.MessageId).ToArray();
        var list = new List<(string, string, StoredMessage)>();
        foreach (var m in r.Mailboxes.Load(account, ids))
        {
            using var reader = Store.OpenBlob(m.Blob);
            var body = new byte[reader.Length];
            for (var n = 0; n < body.Length;)
            {
                var got = reader.Read(n, body.AsSpan(n));
                got.ShouldBeGreaterThan(0);
                n += got;
            }
            list.Add((Encoding.UTF8.GetString(m.Prefix), Encoding.UTF8.GetString(body), m));
        }
        return list;
    });

    /// <summary>NOTIFY of each queued recipient.</summary>
    public IReadOnlyDictionary<string, string?> QueuedNotify() => Store.Read(r => r.Session.Use(new("SELECT address, notify FROM queue_recipients")).All(s => (s.Text(0), s.TextOrNull(1)))).ToDictionary();

    public IReadOnlyList<QueuedRecipient> Queued() => Store.Read(r => r.Queue.List(new QueueFilter(Open: null), 0, 1000));

    public IReadOnlyList<StoryEvent> Story(string id) => Store.Read(r => r.Events.Of(TraceId.TryParse(id, out var t) ? t : throw new FormatException(id)));

    public long Id(string user) => _accounts[user].Id;

    internal sealed record Result(string Id, SmtpReply? Mail, IReadOnlyList<SmtpReply> Rcpt, IReadOnlyList<SmtpReply> Data)
    {
        /// <summary>The last reply in short: "250 2.0.0".</summary>
        public string Last => Show(Data.Count > 0 ? Data[^1] : Mail ?? Rcpt[^1]);
    }

    public static string Show(SmtpReply r) => $"{r.Code} {r.Enhanced}";

    sealed class Clock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Now;
    }
}

/// <summary>Keeps log lines for tests that read them.</summary>
sealed class LogLines : ILogger
{
    readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get { lock (_lines) return [.. _lines]; }
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_lines) _lines.Add(formatter(state, exception) + (exception is null ? "" : " " + exception));
    }
}
