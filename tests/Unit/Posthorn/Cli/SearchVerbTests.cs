using Posthorn.Cli;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Cli;

/// <summary>The search index by command: through the running server, and alone.</summary>
public sealed class SearchVerbTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Status_and_rebuild(bool running)
    {
        await using var program = new Program();
        (await program.RunAsync("domain add example.test")).ShouldBe(ExitCode.Ok, program.Errors);
        (await program.RunAsync("account add user@example.test --no-password")).ShouldBe(ExitCode.Ok, program.Errors);
        await program.ServeAsync(hold: true);
        await program.SendAsync("Subject: one\n\nhi\n", "-f", "x@example.test", "user@example.test");
        await program.SendAsync("Subject: two\n\nhi\n", "-f", "x@example.test", "user@example.test");
        if (!running) await program.StopAsync();
        var done = await program.JsonAsync("search rebuild");
        ((bool)done["done"]!).ShouldBe(!running);
        for (var deadline = DateTime.UtcNow.AddSeconds(60); (await program.JsonAsync("search status")) is var status && ((long)status["waiting"]! > 0 || !(bool)status["usable"]!);)
        {
            DateTime.UtcNow.ShouldBeLessThan(deadline, status.ToJsonString());
            await Task.Delay(20);
        }
        (await program.RunAsync("search status")).ShouldBe(ExitCode.Ok);
        program.Output.ShouldStartWith("2 messages of 1 accounts are indexed, 0 wait; ");
    }
}
