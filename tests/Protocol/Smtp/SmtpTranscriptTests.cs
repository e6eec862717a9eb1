using Posthorn.Smtp.Server;
using Posthorn.Tests.Testing.Transcripts;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Protocol.Smtp;

/// <summary>
/// The examples of the RFCs and our own sessions. The words in brackets behind a session's name choose the listener:
/// submission, lmtp, loopback, plaintext, xclient, notls; whole: not played in pieces.
/// </summary>
public class SmtpTranscriptTests
{
    static readonly IReadOnlyList<Transcript> All =
        [.. Directory.GetFiles(Folder(), "*.txt").Order(StringComparer.Ordinal).SelectMany(Transcript.Load)];

    public static TheoryData<string> Names => [.. All.Select(t => t.Name)];
    public static TheoryData<string> Splittable => [.. All.Where(t => !t.Name.Contains("whole]")).Select(t => t.Name)];

    [Theory, MemberData(nameof(Names))]
    public Task Goes_as_written(string name) => PlayAsync(name, 0);

    /// <summary>Session grammar and DATA reader split at every octet give the same result.</summary>
    [Theory, MemberData(nameof(Splittable))]
    public async Task Goes_the_same_split_at_every_octet(string name)
    {
        var longest = Find(name).ClientOctets.Length;
        for (var chunk = 1; chunk <= longest; chunk++) await PlayAsync(name, chunk);
    }

    static Transcript Find(string name) => All.Single(t => t.Name == name);

    static async Task PlayAsync(string name, int chunk)
    {
        bool Has(string word) => name.Contains('[') && name[name.IndexOf('[')..].Contains(word);
        var rig = new SmtpRig
        {
            Service = Has("submission") ? SmtpService.Submission : Has("lmtp") ? SmtpService.Lmtp : SmtpService.Relay,
            PlaintextLogin = Has("plaintext"),
            XClient = Has("xclient"),
            Tls = !Has("notls"),
        };
        await Find(name).PlayAsync(rig.ServeAsync, TimeProvider.System, chunk, Has("loopback") ? "127.0.0.1" : "192.0.2.1");
        rig.Backend.Violations.ShouldBeEmpty();
        rig.Backend.Open.ShouldBe(0);
    }

    static string Folder()
    {
        var d = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(d.FullName, "Posthorn.slnx"))) d = d.Parent ?? throw new DirectoryNotFoundException("repository");
        return Path.Combine(d.FullName, "tests", "Protocol", "Smtp", "Transcripts");
    }
}
