using System.Net.Security;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Pop3;
using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Posthorn.Tests.Testing.Transcripts;
using Posthorn.Wire.Sasl;
using Xunit;

namespace Posthorn.Tests.Protocol.Pop3;

/// <summary>
/// Plays the transcripts beside this file, whole and with the client's octets split in every place. Each session begins
/// with mrose's maildrop of RFC 1939 §10 (messages of 120 and 200 octets) and an empty one of "tim", password "secret"
/// for both. The client is on loopback.
/// </summary>
public class Pop3TranscriptTests
{
    static readonly IReadOnlyList<Transcript> All =
        [.. Directory.EnumerateFiles(Folder(), "*.txt").Order(StringComparer.Ordinal).SelectMany(Transcript.Load)];

    public static TheoryData<string> Names => [.. All.Select(t => t.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Transcript_is_followed(string name)
    {
        var transcript = All.Single(t => t.Name == name);
        foreach (var chunk in new[] { 0, 1, 2, 3, 5, 7 })
        {
            var directory = Directory.CreateTempSubdirectory("posthorn-pop3-").FullName;
            await using (var store = await MailStore.OpenAsync(new StoreOptions { Directory = directory }, TimeProvider.System, NullLogger.Instance))
            {
                var accounts = await FillAsync(store);
                var server = new Pop3Server(new Pop3Options { Hostname = "mail.example.test" }, store, null, accounts, TimeProvider.System, NullLogger.Instance);
                var listener = new Pop3ListenerSettings(() => new SslServerAuthenticationOptions(), true);
                await transcript.PlayAsync(connection => server.RunAsync(connection, listener, CancellationToken.None), TimeProvider.System, chunk, "127.0.0.1");
            }
            Directory.Delete(directory, true);
        }
    }

    static async Task<Passwords> FillAsync(MailStore store)
    {
        var ids = await store.WriteAsync(unit =>
        {
            var domain = unit.Directory.AddDomain("example.test", null);
            return new[] { "mrose", "tim" }.ToDictionary(n => n, n => unit.Directory.AddAccount(domain.Id, n, n, null, 0, "en").Id);
        });
        await DeliverAsync(store, ids["mrose"], "Return-Path: <a@example.test>\r\n", "Subject: first\r\n\r\nThis is the first message.\r\n..twice\r\n.\r\nEnd of the first one, 120 now\r\n");
        await DeliverAsync(store, ids["mrose"], "Return-Path: <b@example.test>\r\n", "Subject: second\r\n\r\n" + string.Concat(Enumerable.Range(1, 7).Select(i => $"line number {i}..\r\n")) + "padded to 200................\r\n");
        return new Passwords(ids);
    }

    static async Task DeliverAsync(MailStore store, long account, string prefix, string body)
    {
        await using var blob = store.NewBlob();
        blob.Write(Encoding.ASCII.GetBytes(body));
        var trace = store.NewTraceId();
        await store.WriteAsync(unit => unit.Mailboxes.Deliver(account, unit.Mailboxes.Find(account, "INBOX")!.Id,
            new NewMessage(unit.Store(blob), Encoding.ASCII.GetBytes(prefix), [], DateTimeOffset.UnixEpoch, trace)));
    }

    static string Folder()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Posthorn.slnx"))) directory = Path.GetDirectoryName(directory)!;
        return Path.Combine(directory, "tests", "Protocol", "Pop3");
    }

    sealed class Passwords(Dictionary<string, long> ids) : IAuthenticator
    {
        public ValueTask<LoginResult> PasswordAsync(LoginContext context, string mechanism, string authorizationId, string user, ReadOnlyMemory<byte> password, CancellationToken ct) =>
            new(ids.TryGetValue(user, out var id) && authorizationId is "" && password.Span.SequenceEqual("secret"u8)
                ? new LoginResult(LoginOutcome.Accepted, new Principal(id, user + "@example.test", mechanism, "password"))
                : new LoginResult(LoginOutcome.Rejected));

        public ValueTask<ScramCredentials> ScramAsync(LoginContext context, string user, CancellationToken ct) => new(new ScramCredentials(new byte[16], 4096, []));

        public ValueTask<LoginResult> ScramResultAsync(LoginContext context, string mechanism, string user, long? credentialId, CancellationToken ct) => new(new LoginResult(LoginOutcome.Rejected));
    }
}
