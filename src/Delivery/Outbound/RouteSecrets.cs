using System.Text;
using Posthorn.Accounts.Routes;
using Posthorn.Smtp.Client;

namespace Posthorn.Delivery.Outbound;

/// <summary>A secret that a route names cannot be had; the message says why and never holds any of it.</summary>
sealed class SecretException(string message) : Exception(message);

/// <summary>Fetches the secrets of a route for one login. They are read anew each time, so a changed file needs no reload.</summary>
static class RouteSecrets
{
    const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
    const int MostSecret = 16 << 10;

    internal static async ValueTask<SmtpClientLogin?> ReadAsync(RouteLogin? login, TimeProvider time, CancellationToken ct)
    {
        if (login is null) return null;
        if (login.PasswordFile is { } password) return new(login.User, ReadFile(password), null);
        if (login.TokenFile is { } token) return new(login.User, null, ReadFile(token));
        return login.TokenCommand is { Count: > 0 } command
            ? new(login.User, null, FirstLine(await TokenCommand.RunAsync(command, time, ct).ConfigureAwait(false), command[0]))
            : throw new SecretException("the route has a login without a secret");
    }

    static string ReadFile(string path)
    {
        try
        {
            using var file = File.OpenHandle(path);
            // Whoever may read it knows the password, whoever may write it sends our mail where he likes.
            if ((File.GetUnixFileMode(file) & Others) != 0) throw new SecretException($"{path} can be read or written by others than its owner: chmod 600");
            var octets = new byte[MostSecret];
            return FirstLine(Encoding.UTF8.GetString(octets, 0, RandomAccess.Read(file, octets, 0)), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new SecretException(e is FileNotFoundException or DirectoryNotFoundException ? $"{path} is not there" : $"{path} cannot be read");
        }
    }

    static string FirstLine(string text, string from)
    {
        var end = text.AsSpan().IndexOfAny('\r', '\n');
        var line = (end < 0 ? text : text[..end]).Trim();
        if (line.Length == 0) throw new SecretException($"{from} holds no secret in its first line");
        return line.AsSpan().ContainsAnyInRange('\0', '\x1f') ? throw new SecretException($"{from} holds a control character") : line;
    }
}
