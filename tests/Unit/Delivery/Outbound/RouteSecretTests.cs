using Posthorn.Accounts.Routes;
using Posthorn.Delivery.Outbound;
using Posthorn.Tests.Testing.Time;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery.Outbound;

/// <summary>Where the secrets of routes come from. The one program that the server starts is named by an administrator.</summary>
public sealed class RouteSecretTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("posthorn-secret").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    string FileOf(string text, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        var path = Path.Combine(_directory, "secret");
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, mode);
        return path;
    }

    static async Task<string> ReadAsync(RouteLogin login)
    {
        try
        {
            var read = (await RouteSecrets.ReadAsync(login, TimeProvider.System, TestContext.Current.CancellationToken)).ShouldNotBeNull();
            return $"{read.User} {read.Password} {read.Token}";
        }
        catch (SecretException e)
        {
            return e.Message;
        }
    }

    [Theory]
    [InlineData("geheim\n", "us geheim ")]
    [InlineData("  geheim  \r\nsecond line\n", "us geheim ")]
    [InlineData("with space", "us with space ")]
    public async Task A_password_is_the_first_line_of_its_file(string text, string read) => (await ReadAsync(new("us", FileOf(text), null, null))).ShouldBe(read);

    [Theory]
    [InlineData("")]
    [InlineData("\ngeheim")]
    public async Task An_empty_first_line_is_no_secret(string text) => (await ReadAsync(new("us", FileOf(text), null, null))).ShouldEndWith("holds no secret in its first line");

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.OtherWrite)]
    public async Task A_file_that_others_can_use_is_refused(UnixFileMode others)
    {
        var said = await ReadAsync(new("us", FileOf("geheim", UnixFileMode.UserRead | others), null, null));
        said.ShouldEndWith("chmod 600");
        said.ShouldNotContain("geheim");
    }

    [Fact]
    public async Task A_token_comes_from_a_file_or_a_program()
    {
        (await ReadAsync(new("us", null, FileOf("tok"), null))).ShouldBe("us  tok");
        (await ReadAsync(new("us", null, null, ["/bin/echo", "a b", "$HOME;c"]))).ShouldBe("us  a b $HOME;c");
    }

    [Theory]
    [InlineData("/bin/false", "ended with 1")]
    [InlineData("/no/such/program", "did not start")]
    [InlineData("/bin/true", "holds no secret")]
    public async Task A_program_that_fails_is_named(string program, string said) => (await ReadAsync(new("us", null, null, [program]))).ShouldContain(said);

    [Fact]
    public async Task A_program_that_says_too_much_is_ended() => (await ReadAsync(new("us", null, null, ["/usr/bin/yes"]))).ShouldContain("prints more than 16384 octets");

    [Fact]
    public async Task A_program_has_ten_seconds()
    {
        var clock = new FakeTimeProvider();
        var reading = RouteSecrets.ReadAsync(new("us", null, null, ["/bin/sleep", "600"]), clock, TestContext.Current.CancellationToken).AsTask();
        while (clock.Timers == 0) await Task.Delay(1, TestContext.Current.CancellationToken);
        clock.Advance(TimeSpan.FromSeconds(11));
        (await Should.ThrowAsync<SecretException>(reading)).Message.ShouldContain("longer than 10 s");
    }
}
