using System.Text.Json.Nodes;
using Posthorn.Accounts.Service;
using Posthorn.Cli;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary><c>account …</c></summary>
static class AccountVerbs
{
    static readonly VerbParameter Address = new("address", ParameterKind.Word, "The address of the account.");
    static readonly VerbParameter Password = new("password", ParameterKind.Password, "");
    static readonly VerbParameter Force = new("force", ParameterKind.Flag, "Goes on although aliases lead there.");

    public static IReadOnlyList<Verb> All { get; } =
    [
        new("account add", "Makes an account.",
            [
                Address,
                new("name", ParameterKind.Option, "The name of the person."),
                new("quota", ParameterKind.Option, "Most that its mail may take, as in 500M or 2G; 0 for no bound."),
                new("messages", ParameterKind.Option, "Most messages that it may have; 0 for no bound."),
                new("language", ParameterKind.Option, "The language of what the server writes to this person."),
                Password,
                new("noPassword", ParameterKind.Flag, "Without a password: only app passwords will log in."),
            ],
            async (c, a, ct) => Of(await c.Accounts.AddAccountAsync(New(a), ct).ConfigureAwait(false)),
            (r, to) => to.WriteLine($"Added the account {r["address"]}.")),
        new("account list", "Lists the accounts.", [],
            (c, _, _) => Task.FromResult(new JsonObject { ["accounts"] = List(c.Accounts.Accounts().Select(Of)) }),
            (r, to) => Table(to, [.. Items(r, "accounts").Select(a => new[] { $"{a["address"]}", $"{a["messages"]} messages", Size((long)a["used"]!), State(a) })])),
        new("account show", "Shows one account.", [Address],
            (c, a, _) => Task.FromResult(Of(c.Accounts.Account(a.Text("address")))),
            Show),
        new("account set-password", "Gives an account a new password.", [Address, Password],
            async (c, a, ct) => Of(await c.Accounts.SetPasswordAsync(a.Text("address"), a.Text("password"), ct).ConfigureAwait(false)),
            (r, to) => to.WriteLine($"{r["address"]} has a new password.")),
        new("account set-quota", "Says how much an account may hold.",
            [
                Address,
                new("quota", ParameterKind.Word, "Octets, or as in 500M or 2G; 0 for no limit."),
                new("messages", ParameterKind.Option, "Most messages; 0 for no limit; when nothing is said it stays as it is."),
            ],
            async (c, a, ct) => Of(await c.Accounts.SetQuotaAsync(a.Text("address"), Octets(a.Text("quota")), a.Optional("messages") is { } text ? Messages(text) : null, ct).ConfigureAwait(false)),
            (r, to) => to.WriteLine($"{r["address"]} may hold {Bound(r) ?? "what it will"}.")),
        new("account forward", "Sends what comes to an account on to other addresses.",
            [
                Address,
                new("to", ParameterKind.Option, "The addresses, with commas between them."),
                new("keep", ParameterKind.Flag, "The mailbox gets its copy too (so it is when nothing is said)."),
                new("noKeep", ParameterKind.Flag, "The mailbox gets nothing."),
                new("off", ParameterKind.Flag, "Sends nothing on any more."),
            ],
            async (c, a, ct) => Of(await c.Accounts.SetForwardAsync(a.Text("address"), ForwardTargets(a), !a.Flag("noKeep"), ct).ConfigureAwait(false)),
            (r, to) => to.WriteLine($"{r["address"]} {(Forward(r) is { } words ? $"forwards to {words}" : "forwards to nobody")}.")),
        new("account disable", "Refuses mail and logins of an account; what it has is kept.", [Address],
            async (c, a, ct) => Of(await c.Accounts.SetEnabledAsync(a.Text("address"), false, ct).ConfigureAwait(false)),
            (r, to) => to.WriteLine($"{r["address"]} is disabled.")),
        new("account enable", "Takes mail and logins of an account again.", [Address],
            async (c, a, ct) => Of(await c.Accounts.SetEnabledAsync(a.Text("address"), true, ct).ConfigureAwait(false)),
            (r, to) => to.WriteLine($"{r["address"]} is enabled.")),
        new("account remove", "Removes an account with all its mail.", [Address, Force],
            async (c, a, ct) =>
            {
                await c.Accounts.RemoveAccountAsync(a.Text("address"), a.Flag("force"), ct).ConfigureAwait(false);
                return new JsonObject { ["removed"] = a.Text("address") };
            },
            (r, to) => to.WriteLine($"Removed the account {r["removed"]} with its mail."))
        { Confirm = a => $"Remove the account {a.Text("address")} with all its mail?" },
    ];

    static NewAccount New(VerbArguments a)
    {
        var quota = a.Optional("quota") is { } text ? Octets(text) : 0;
        return new NewAccount
        {
            Address = a.Text("address"),
            Name = a.Optional("name") ?? "",
            Password = a.Optional("password"),
            Quota = quota,
            MessageQuota = a.Optional("messages") is { } most ? Messages(most) : 0,
            Language = a.Optional("language") ?? "en",
        };
    }

    static string[] ForwardTargets(VerbArguments a)
    {
        var targets = (a.Optional("to") ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (a.Flag("off") ? targets.Length > 0 : targets.Length == 0) throw new VerbException(ExitCode.Usage, "say --to with addresses, or --off");
        if (a.Flag("keep") && a.Flag("noKeep")) throw new VerbException(ExitCode.Usage, "--keep and --no-keep exclude each other");
        return targets;
    }

    /// <summary>Where an account forwards to, in words; null when it does not.</summary>
    static string? Forward(JsonObject r) => r["forward"]!.AsArray().Count == 0 ? null : Joined(r["forward"]) + ((bool)r["keep"]! ? ", keeping a copy" : ", keeping nothing");

    static string State(JsonObject r) =>
        string.Join(", ", new[] { (bool)r["enabled"]! ? null : "disabled", Forward(r) is { } words ? $"forwards to {words}" : null }.Where(static t => t is not null));

    /// <summary>What an account may hold, in words; null for no bound.</summary>
    static string? Bound(JsonObject r)
    {
        var (quota, messages) = ((long)r["quota"]!, (long)r["messageQuota"]!);
        var words = new[] { quota > 0 ? Size(quota) : null, messages > 0 ? $"{messages} messages" : null }.Where(static t => t is not null).ToArray();
        return words.Length > 0 ? string.Join(" in ", words) : null;
    }

    static long Messages(string text) =>
        long.TryParse(text, System.Globalization.NumberStyles.None, null, out var number) ? number : throw new VerbException(ExitCode.DataError, $"\"{text}\" is no number of messages");

    static long Octets(string text)
    {
        var unit = text.Length > 0 ? "KMGT".IndexOf(char.ToUpperInvariant(text[^1])) + 1 : 0;
        if (!long.TryParse(unit > 0 ? text[..^1] : text, System.Globalization.NumberStyles.None, null, out var number) || number > long.MaxValue >> (10 * unit))
            throw new VerbException(ExitCode.DataError, $"\"{text}\" is no size; write 500M or 2G");
        return number << (10 * unit);
    }

    static void Show(JsonObject r, TextWriter to) => Table(to,
    [
        ["Account", $"{r["address"]}"],
        ["Name", $"{r["name"]}"],
        ["State", (bool)r["enabled"]! ? "enabled" : "disabled"],
        ["Password", (string?)r["password"] ?? "none"],
        ["App passwords", $"{r["appPasswords"]}"],
        ["Mail", $"{r["messages"]} messages, {Size((long)r["used"]!)}" + (Bound(r) is { } bound ? $" of {bound}" : "")],
        ["Forward", Forward(r) ?? "none"],
        ["Made", $"{r["created"]}"],
    ]);
}
