using System.Net.Security;
using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Accounts;
using Posthorn.Imap;
using Posthorn.Storage;
using Posthorn.Tests.Testing.Transcripts;
using Xunit;

namespace Posthorn.Tests.Protocol.Imap;

/// <summary>
/// Plays the transcripts beside this file, whole and with the client's octets split in every place. Each session begins with
/// an empty INBOX of "fred", password "secret", and folders for drafts, sent mail, junk, trash and archive. The client is on
/// loopback. What else there is at the beginning the transcript tells (<see cref="ImapStage"/>).
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
            // In memory where that is to be had: what a sync costs is not the question.
            var folder = Directory.Exists("/dev/shm") ? Directory.CreateDirectory($"/dev/shm/posthorn-imap-{Guid.NewGuid():N}").FullName : Directory.CreateTempSubdirectory("posthorn-imap-").FullName;
            await using (var store = await MailStore.OpenAsync(new StoreOptions { Directory = folder }, TimeProvider.System, NullLogger.Instance))
            {
                using var directory = new AccountDirectory(store, new AccountOptions());
                var stage = await ImapStage.SetAsync(store);
                using var server = new ImapServer(Options(name), store, directory, stage, TimeProvider.System, NullLogger.Instance);
                var listener = new ImapListenerSettings(() => new SslServerAuthenticationOptions(), true);
                await transcript.PlayAsync(connection => server.RunAsync(connection, listener, CancellationToken.None), TimeProvider.System, chunk, stage: stage);
            }
            Directory.Delete(folder, true);
        }
    }

    /// <summary>RFC 9738 is about limits that servers have otherwise not.</summary>
    static ImapOptions Options(string name) => new()
    {
        Hostname = "mail.example.test",
        DefaultDomain = "example.test",
        SubmissionAccounts = ["submit@example.test"],
        MessageLimit = name.StartsWith("rfc9738: RFC 9738", StringComparison.Ordinal) ? 1000 : 0,
        SaveLimit = name.StartsWith("rfc9738: SAVELIMIT", StringComparison.Ordinal) ? 2 : 0,
    };

    static string Folder()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Posthorn.slnx"))) directory = Path.GetDirectoryName(directory)!;
        return Path.Combine(directory, "tests", "Protocol", "Imap");
    }
}
