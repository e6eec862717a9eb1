using System.Globalization;

namespace Posthorn.Accounts.Routes;

/// <summary>
/// What a route sets for itself as names and texts: the same on the command line, in a plan and in the store. Each refusal
/// is an <see cref="AccountRefusal"/> ("bad-input").
/// </summary>
public static class RouteSettingsText
{
    /// <summary>The names in the order in which they are written.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "tls", "login", "passwordFile", "tokenFile", "tokenCommand", "concurrency", "rate", "retryFirst", "retryMost", "delayNotice", "giveUp", "giveUpBounces",
    ];

    /// <summary>The settings as names and texts; what takes the global value is left out.</summary>
    public static IReadOnlyList<(string Name, string Value)> Write(RouteSettings settings)
    {
        var login = settings.Login;
        (string Name, string? Value)[] all =
        [
            ("tls", settings.Tls?.ToString().ToLowerInvariant()),
            ("login", login?.User),
            ("passwordFile", login?.PasswordFile),
            ("tokenFile", login?.TokenFile),
            ("tokenCommand", login?.TokenCommand is { } command ? CommandLine.Join(command) : null),
            ("concurrency", settings.Concurrency?.ToString(CultureInfo.InvariantCulture)),
            ("rate", settings.Rate?.ToString(CultureInfo.InvariantCulture)),
            ("retryFirst", Time(settings.RetryFirst)),
            ("retryMost", Time(settings.RetryMost)),
            ("delayNotice", Time(settings.DelayNotice)),
            ("giveUp", Time(settings.GiveUp)),
            ("giveUpBounces", Time(settings.GiveUpBounces)),
        ];
        return [.. all.Where(static s => s.Value is not null).Select(static s => (s.Name, s.Value!))];
    }

    /// <summary>Reads settings. They are not yet checked against a transport: <see cref="RouteRules"/> does that.</summary>
    public static RouteSettings Read(IEnumerable<(string Name, string Value)> texts)
    {
        var settings = new RouteSettings();
        var login = new RouteLogin("", null, null, null);
        var wantsLogin = false;
        foreach (var (name, value) in texts)
        {
            if (value.Any(char.IsControl)) throw Bad(name, "control characters have no place in it");
            switch (name)
            {
                case "tls": settings = settings with { Tls = Policy(value) }; break;
                case "login": (login, wantsLogin) = (login with { User = value.Length is > 0 and <= 320 ? value : throw Bad(name, "a user name is missing") }, true); break;
                case "passwordFile": (login, wantsLogin) = (login with { PasswordFile = FullPath(name, value) }, true); break;
                case "tokenFile": (login, wantsLogin) = (login with { TokenFile = FullPath(name, value) }, true); break;
                case "tokenCommand": (login, wantsLogin) = (login with { TokenCommand = Command(name, value) }, true); break;
                case "concurrency": settings = settings with { Concurrency = Number(name, value, 1000) }; break;
                case "rate": settings = settings with { Rate = Number(name, value, 1_000_000) }; break;
                case "retryFirst": settings = settings with { RetryFirst = Time(name, value) }; break;
                case "retryMost": settings = settings with { RetryMost = Time(name, value) }; break;
                case "delayNotice": settings = settings with { DelayNotice = Time(name, value) }; break;
                case "giveUp": settings = settings with { GiveUp = Time(name, value) }; break;
                case "giveUpBounces": settings = settings with { GiveUpBounces = Time(name, value) }; break;
                default: throw Bad(name, $"there is no such setting; there are {string.Join(", ", Names)}");
            }
        }
        return wantsLogin ? settings with { Login = Whole(login) } : settings;
    }

    static RouteLogin Whole(RouteLogin login)
    {
        if (login.User == "") throw Bad("login", "it is missing: a password or token needs a user name");
        var secrets = (login.PasswordFile is null ? 0 : 1) + (login.TokenFile is null ? 0 : 1) + (login.TokenCommand is null ? 0 : 1);
        return secrets == 1 ? login : throw Bad("login", "name one place for its secret: a password file, a token file or a token command");
    }

    static TlsPolicy Policy(string text) => text.ToLowerInvariant() switch
    {
        "none" => TlsPolicy.None,
        "opportunistic" => TlsPolicy.Opportunistic,
        "required" => TlsPolicy.Required,
        "verified" => TlsPolicy.Verified,
        _ => throw Bad("tls", $"\"{text}\" is none of none, opportunistic, required and verified"),
    };

    static string FullPath(string name, string path) =>
        path.StartsWith('/') ? path : throw Bad(name, $"\"{path}\" must begin with \"/\": the server has no directory of its own to start from");

    static IReadOnlyList<string> Command(string name, string text)
    {
        if (!CommandLine.TrySplit(text, out var words)) throw Bad(name, $"'{text}' is no program with arguments (is a quote not closed?)");
        return words[0].StartsWith('/') ? words : throw Bad(name, $"the program \"{words[0]}\" must be named by its whole path: no shell looks for it");
    }

    static int Number(string name, string text, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= most
            ? number
            : throw Bad(name, string.Create(CultureInfo.InvariantCulture, $"\"{text}\" is no number from 1 to {most}"));

    static TimeSpan Time(string name, string text) =>
        Durations.TryParse(text, out var time) ? time : throw Bad(name, $"\"{text}\" is no time; write 30s, 15m, 4h or 5d");

    static string? Time(TimeSpan? time) => time is { } t ? Durations.Text(t) : null;

    static AccountRefusal Bad(string name, string why) => new("bad-input", $"{name}: {why}");
}
