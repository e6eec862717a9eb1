using Posthorn.Tests.Testing.Transcripts;
using Xunit;

namespace Posthorn.Tests.Protocol.Smtp.Client;

/// <summary>Sessions of our client with servers of all kinds, as written in the files beside this one.</summary>
public class ClientTranscriptTests
{
    static readonly IReadOnlyList<Transcript> All =
        [.. Directory.GetFiles(Folder(), "*.txt").Order(StringComparer.Ordinal).SelectMany(Transcript.Load)];

    public static TheoryData<string> Names => [.. All.Select(t => t.Name)];

    [Theory, MemberData(nameof(Names))]
    public Task Goes_as_written(string name) => new ClientTranscript(All.Single(t => t.Name == name)).PlayAsync(0);

    /// <summary>Replies split at every octet are the same replies.</summary>
    [Theory, MemberData(nameof(Names))]
    public async Task Goes_the_same_split_at_every_octet(string name)
    {
        var transcript = All.Single(t => t.Name == name);
        var longest = Math.Min(200, transcript.Steps.Where(s => s[0] == 'S').Max(s => s.Length));
        for (var chunk = 1; chunk <= longest; chunk++) await new ClientTranscript(transcript).PlayAsync(chunk);
    }

    static string Folder()
    {
        var d = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(d.FullName, "Posthorn.slnx"))) d = d.Parent ?? throw new DirectoryNotFoundException("repository");
        return Path.Combine(d.FullName, "tests", "Protocol", "Smtp", "Client", "Transcripts");
    }
}
