namespace Posthorn.Accounts.Routes;

/// <summary>Looks at what a login names before it is taken: a slip shows at once, not when the first message waits.</summary>
static class SecretFiles
{
    const UnixFileMode Others = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.GroupWrite;
    const UnixFileMode Runnable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Throws <see cref="AccountRefusal"/> ("bad-input") when the secret is not there or not secret.</summary>
    public static void Check(RouteLogin login)
    {
        if (login.PasswordFile is { } password) Secret("password", password);
        if (login.TokenFile is { } token) Secret("token", token);
        if (login.TokenCommand is not { } command) return;
        if (!File.Exists(command[0])) throw new AccountRefusal("bad-input", $"there is no program {command[0]}");
        if ((File.GetUnixFileMode(command[0]) & Runnable) == 0) throw new AccountRefusal("bad-input", $"{command[0]} is no program that can be run");
    }

    static void Secret(string what, string path)
    {
        try
        {
            using var file = File.OpenHandle(path);
            if ((File.GetUnixFileMode(file) & Others) != 0) throw new AccountRefusal("bad-input", $"the {what} file {path} is open to others: chmod 600 {path}");
            if (RandomAccess.GetLength(file) == 0) throw new AccountRefusal("bad-input", $"the {what} file {path} is empty");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException) { throw new AccountRefusal("bad-input", $"there is no {what} file {path}"); }
        catch (UnauthorizedAccessException) { throw new AccountRefusal("bad-input", $"the {what} file {path} cannot be read by this program"); }
        catch (IOException e) { throw new AccountRefusal("bad-input", $"the {what} file {path} cannot be read: {e.Message}"); }
    }
}
