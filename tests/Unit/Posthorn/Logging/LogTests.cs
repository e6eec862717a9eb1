using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Posthorn.Configuration;
using Posthorn.Logging;
using Posthorn.Tests.Testing.Time;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Logging;

public sealed class LogTests
{
    static string Lines(LogFormat format, Action<ILogger> write)
    {
        var stream = new MemoryStream();
        using (var logs = new LogProvider(LogOutput.To(stream), format, LogSeverity.Information, new FakeTimeProvider()))
            write(logs.CreateLogger("Posthorn.Smtp.Server.SmtpServer"));
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    [Fact]
    public void An_event_is_one_line_of_text() =>
        Lines(LogFormat.Text, l => l.LogInformation("took {Id}", "06af")).ShouldBe("2026-01-02T03:04:05.000Z info smtp: took 06af\n");

    [Fact]
    public void What_a_client_sends_cannot_begin_a_line() =>
        Lines(LogFormat.Text, l => l.LogWarning("helo {Helo}", "a\r\nb\u001b[2J\u0085\u2028ü")).ShouldBe("2026-01-02T03:04:05.000Z warning smtp: helo a\\x0d\\x0ab\\x1b[2J\\x85\\u2028ü\n");

    [Fact]
    public void An_event_is_one_JSON_object_with_its_fields()
    {
        var line = Lines(LogFormat.Json, l => l.LogError(new EventId(7), new InvalidOperationException("why"), "took {Id} of {Size}", "06\naf", 12L));
        line.Count(c => c == '\n').ShouldBe(1);
        var json = JsonNode.Parse(line)!.AsObject();
        ((string)json["level"]!).ShouldBe("error");
        ((string)json["id"]!).ShouldBe("06\naf");
        ((long)json["size"]!).ShouldBe(12);
        ((int)json["event"]!).ShouldBe(7);
        ((string)json["fault"]!).ShouldContain("why");
    }

    [Fact]
    public void What_is_below_the_level_is_not_written() => Lines(LogFormat.Text, l => l.LogDebug("quiet")).ShouldBe("");

    [Fact]
    public void Lines_of_many_threads_stay_whole()
    {
        var text = Lines(LogFormat.Text, l => Parallel.For(0, 5000, i => l.LogInformation("line {Number} {Filler}", i, new string('x', i % 200))));
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(5000);
        lines.ShouldAllBe(line => line.StartsWith("2026-01-02T03:04:05.000Z info smtp: line ", StringComparison.Ordinal));
    }
}
