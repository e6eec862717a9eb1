using System.Text;
using Posthorn.Tests.Testing.Transcripts;
using Posthorn.Wire.Connections;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Transcripts;

/// <summary>The player of transcripts, against a server that numbers its connections and says every line again.</summary>
public class TranscriptPlayTests
{
    int _connections;

    async Task EchoAsync(Connection connection)
    {
        var number = Interlocked.Increment(ref _connections);
        await SayAsync(connection, $"hello {number}");
        while (await connection.ReadLineAsync(1000, TimeSpan.FromSeconds(30)) is { Status: LineStatus.Line } line) await SayAsync(connection, Encoding.UTF8.GetString(line.Text.Span));
    }

    static async Task SayAsync(Connection connection, string text)
    {
        connection.Write(Encoding.UTF8.GetBytes(text + "\r\n"));
        await connection.FlushAsync();
    }

    Task PlayAsync(ITranscriptStage? stage, params string[] steps) => new Transcript("t", steps).PlayAsync(EchoAsync, TimeProvider.System, chunk: 1, stage: stage);

    [Fact]
    public Task Connections_have_their_digits() =>
        PlayAsync(null, "S: hello 1", "S2: hello 2", "C: a", "C2: b", "S2: b", "S: a", "C3: c", "S3: hello 3", "S3: c");

    [Fact]
    public async Task A_name_stands_for_what_it_was_first()
    {
        await PlayAsync(null, "S: hello ${n}", "C: ${n} of ${n}", "S: 1 of ${n}", "C: x ${y}", "S: x ${z}", "C: again", "S: again");
        await Should.ThrowAsync<TranscriptException>(PlayAsync(null, "S: hello ${n}", "C: other", "S: ${n}"));
    }

    [Fact]
    public async Task A_difference_is_one()
    {
        await Should.ThrowAsync<TranscriptException>(PlayAsync(null, "S: hello 2"));
        await Should.ThrowAsync<TranscriptException>(PlayAsync(null, "S: \\*ello 1"));
        await PlayAsync(null, "S: *llo 3");
    }

    [Fact]
    public async Task The_stage_is_asked_and_its_steps_are_played_where_it_was()
    {
        var stage = new Stage();
        await PlayAsync(stage, "S2: hello 1", "@2 say \"two words\" a=\"b c\"", "| line one", "|", "| line three", "C2: end", "S2: end");
        stage.Asked.ShouldBe(["say", "two words", "a=b c"]);
        stage.Text.ShouldBe(["line one", "", "line three"]);
        await Should.ThrowAsync<InvalidOperationException>(PlayAsync(null, "@ say x"));
        await Should.ThrowAsync<FormatException>(PlayAsync(null, "X: y"));
    }

    sealed class Stage : ITranscriptStage
    {
        public List<string> Asked { get; } = [];
        public List<string> Text { get; } = [];
        public string Client => "127.0.0.1";

        public Task<IReadOnlyList<string>> DoAsync(IReadOnlyList<string> words, IReadOnlyList<string> text)
        {
            Asked.AddRange(words);
            Text.AddRange(text);
            return Task.FromResult<IReadOnlyList<string>>(["C: said", "S: said"]);
        }
    }
}
