using System.Net.Security;
using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Imap;
using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Posthorn.Tests.Testing.Transcripts;
using Posthorn.Wire.Sasl;
using Xunit;

namespace Posthorn.Tests.Protocol.Imap;

/// <summary>
/// Plays the transcripts beside this file, whole and with the client's octets split in every place. Each session begins with
/// an empty INBOX of "fred", password "secret", and folders for drafts, sent mail, junk, trash and archive. The client is on
/// loopback.
/// </summary>
public class ImapTranscriptTests
{
    static readonly IReadOnlyList<Transcript> All =
        [.. Directory.EnumerateFiles(Folder(), "*.txt").Order(StringComparer.Ordinal).SelectMany(Transcript.Load)];

    public static TheoryData<string> Names => [.. All.Select(t => t.Name)];

    [Fact]
    public void Names_are_unique() => Assert.Equal(All.Count, All.Select(t => t.Name).Distinct().Count());

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Transcript_is_followed(string name)
    {
        var transcript = All.Single(t => t.Name == name);
        foreach (var chunk in new[] { 0, 1, 3 })
        {
            var directory = Directory.CreateTempSubdirectory("posthorn-imap-").FullName;
            await using (var store = await MailStore.OpenAsync(new StoreOptions { Directory = directory }, TimeProvider.System, NullLogger.Instance))
            {
                var account = await store.WriteAsync(unit =>
                {
                    var domain = unit.Directory.AddDomain("example.test", null);
                    var fred = unit.Directory.AddAccount(domain.Id, "fred", "Fred", null, 0, "en");
                    foreach (var role in new[] { MailboxRole.Drafts, MailboxRole.Sent, MailboxRole.Junk, MailboxRole.Trash, MailboxRole.Archive })
                        unit.Mailboxes.Create(fred.Id, role.ToString(), role);
                    return fred.Id;
                });
                using var server = new ImapServer(new ImapOptions { Hostname = "mail.example.test" }, store, null, new OneUser(account), TimeProvider.System, NullLogger.Instance);
                var listener = new ImapListenerSettings(() => new SslServerAuthenticationOptions(), true);
                await transcript.PlayAsync(connection => server.RunAsync(connection, listener, CancellationToken.None), TimeProvider.System, chunk, "127.0.0.1");
            }
            Directory.Delete(directory, true);
        }
    }

    static string Folder()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Posthorn.slnx"))) directory = Path.GetDirectoryName(directory)!;
        return Path.Combine(directory, "tests", "Protocol", "Imap");
    }

    sealed class OneUser(long account) : IAuthenticator
    {
        public ValueTask<LoginResult> PasswordAsync(LoginContext context, string mechanism, string authorizationId, string user, ReadOnlyMemory<byte> password, CancellationToken ct) =>
            new(user == "fred" && authorizationId is "" && password.Span.SequenceEqual("secret"u8)
                ? new LoginResult(LoginOutcome.Accepted, new Principal(account, "fred@example.test", mechanism, "password"))
                : new LoginResult(LoginOutcome.Rejected));

        public ValueTask<ScramCredentials> ScramAsync(LoginContext context, string user, CancellationToken ct) => new(new ScramCredentials(new byte[16], 4096, []));

        public ValueTask<LoginResult> ScramResultAsync(LoginContext context, string mechanism, string user, long? credentialId, CancellationToken ct) => new(new LoginResult(LoginOutcome.Rejected));
    }
}
