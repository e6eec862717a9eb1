using Posthorn.Tests.Testing.Time;
using Posthorn.Transfer;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Transfer;

/// <summary>The line that says how far a long command is.</summary>
public class ProgressTests
{
    [Theory]
    [InlineData(4000, 0, "[######..................]  25 %  1 messages, 1000 B")]
    [InlineData(0, 2, "[############............]  50 %  1 messages, 1000 B")]
    [InlineData(0, 0, "1 messages, 1000 B")]
    public void A_bar_by_octets_or_by_messages_where_either_is_known(long octets, long messages, string shown)
    {
        var terminal = new StringWriter();
        var progress = new Progress(terminal, new FakeTimeProvider());
        progress.Begin("Work\u001b[2J", octets, messages);
        progress.Message(1000);
        terminal.ToString().ShouldBe("\rWork?[2J  " + shown);
        progress.End();
        terminal.ToString().ShouldEndWith("\r" + new string(' ', 10 + shown.Length) + "\r");
    }
}
