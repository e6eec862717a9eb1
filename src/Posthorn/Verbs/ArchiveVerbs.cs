using System.Text.Json.Nodes;
using Posthorn.Cli;
using Posthorn.Imap.Administration;
using Posthorn.Storage.Archives;
using Posthorn.Transfer.Archives;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary><c>archive …</c> and <c>retention …</c>: copies of accounts in files, and how long mail is kept.</summary>
static class ArchiveVerbs
{
    static readonly VerbParameter Account = new("account", ParameterKind.Word, "The address of the account.");
    static readonly VerbParameter Mailbox = new("mailbox", ParameterKind.Word, "The mailbox.");
    static readonly VerbParameter To = new("to", ParameterKind.Option, "The directory, by its whole path; the server writes to it.");

    public static IReadOnlyList<Verb> All { get; } =
    [
        new("archive", "Copies what is new of an account into files, from time to time or now.",
            [
                Account,
                To,
                new("every", ParameterKind.Option, "How often the running server does it, as in 1d or 6h."),
                new("format", ParameterKind.Option, "maildir (when left out) or mbox."),
                new("now", ParameterKind.Flag, "Does it at once, too."),
            ], ArchiveAsync, PrintArchive)
        { Exit = static r => r["troubles"] is JsonArray { Count: > 0 } ? ExitCode.IoError : ExitCode.Ok },
        new("archive list", "Lists the archives and when each was written.", [], static (c, _, _) => Task.FromResult(new JsonObject { ["archives"] = List(c.Store.Read(u => u.Archives.All()).Select(a => Of(c, a))) }),
            static (r, to) => Table(to, [.. Items(r, "archives").Select(static a => new[]
            {
                $"{a["account"]}", $"{a["directory"]}", $"{a["format"]}", a["every"] is { } every ? $"every {every}" : "when asked for",
                a["finished"] is { } at ? $"written {at}" : "never written", a["failure"] is { } failure ? QueuePrint.Clean($"FAILED: {failure}") : "",
            })])),
        new("archive remove", "Writes no more to an archive. Its files stay; retention rules no longer count them.", [Account, To], RemoveArchiveAsync,
            static (r, to) => to.WriteLine($"{r["directory"]} is no archive of {r["account"]} any more; its files are left as they are.")),
        new("retention set", "Says how long mail stays in a mailbox; what is older is removed.",
            [
                Account,
                Mailbox,
                new("keep", ParameterKind.Option, "How long, since it came into the mailbox, as in 90d."),
                new("archived", ParameterKind.Flag, "Removes only what an archive of the account has, by reading it there."),
            ], SetAsync, static (r, to) => to.WriteLine($"Mail in {r["mailbox"]} of {r["account"]} is kept for {r["keep"]}{((bool)r["archived"]! ? ", and then until an archive has it" : "")}."))
        { Confirm = static a => a.Flag("archived") ? $"Remove mail from {a.Text("mailbox")} of {a.Text("account")} that is older than {a.Optional("keep")} and archived?" : $"Remove mail from {a.Text("mailbox")} of {a.Text("account")} that is older than {a.Optional("keep")}, for good?" },
        new("retention list", "Lists how long mail is kept where that is limited.", [], static (c, _, _) => Task.FromResult(new JsonObject { ["rules"] = List(c.Store.Read(u => u.Retentions.All()).Select(r => Of(c, r))) }),
            static (r, to) => Table(to, [.. Items(r, "rules").Select(static l => new[] { $"{l["account"]}", $"{l["mailbox"]}", $"{l["keep"]}", (bool)l["archived"]! ? "only what is archived" : "" })])),
        new("retention remove", "Keeps mail of a mailbox without limit again.", [Account, Mailbox], async (c, a, ct) =>
            {
                var (account, name) = (c.Accounts.Account(a.Text("account")), MailboxAdmin.Normal(a.Text("mailbox")));
                if (!await c.Store.WriteAsync(unit => unit.Retentions.Remove(account.Id, name), ct).ConfigureAwait(false)) throw new VerbException(ExitCode.DataError, $"{name} of {account.Address} has no such rule");
                return new JsonObject { ["account"] = account.Address, ["mailbox"] = name };
            }, static (r, to) => to.WriteLine($"Mail in {r["mailbox"]} of {r["account"]} is kept without limit.")),
        new("retention run", "Applies all rules now; the running server does it once an hour.", [], RunAsync,
            static (r, to) => Table(to, [.. Items(r, "rules").Select(static l => new[] { $"{l["account"]}", $"{l["mailbox"]}", $"{l["removed"]} removed", $"{l["kept"]} wait to be archived" })])),
    ];

    static async Task<JsonObject> ArchiveAsync(VerbContext context, VerbArguments a, CancellationToken ct)
    {
        var account = context.Accounts.Account(a.Text("account"));
        var directory = DirectoryOf(a);
        var format = a.Optional("format") switch
        {
            null or "maildir" => ArchiveFormat.Maildir,
            "mbox" => ArchiveFormat.Mbox,
            var other => throw new VerbException(ExitCode.Usage, $"--format: \"{other}\" is neither maildir nor mbox"),
        };
        var every = a.Optional("every") is { } text ? Duration("every", text) : (TimeSpan?)null;
        var now = context.Time.GetUtcNow();
        var row = await context.Store.WriteAsync(unit =>
        {
            var all = unit.Archives.All();
            if (all.FirstOrDefault(r => r.AccountId != account.Id && Overlap(r.Directory, directory)) is { } taken)
                throw new VerbException(ExitCode.DataError, $"{taken.Directory} is the archive of another account: each needs a directory of its own");
            var there = all.FirstOrDefault(r => r.AccountId == account.Id && r.Directory == directory);
            if (there is null && every is null && !a.Flag("now")) throw new VerbException(ExitCode.Usage, "say --every, or --now");
            if (there is not null && a.Optional("format") is not null && there.Format != format) throw new VerbException(ExitCode.DataError, $"{directory} is an archive of another format");
            return unit.Archives.Set(account.Id, directory, there?.Format ?? format, every ?? there?.Every ?? TimeSpan.Zero, now);
        }, ct).ConfigureAwait(false);
        var result = Of(context, row);
        if (!a.Flag("now")) return result;
        try
        {
            var report = await Task.Run(() => new Archiver(context.Store, context.Time).RunAsync(row, ct), ct).ConfigureAwait(false);
            (result["written"], result["known"], result["octets"], result["troubles"]) = (report.Written, report.Known, report.Octets, Texts(report.Troubles));
        }
        catch (UnauthorizedAccessException e) { throw new VerbException(ExitCode.NoPermission, e.Message); }
        catch (IOException e) { throw new VerbException(ExitCode.IoError, e.Message); }
        return result;
    }

    static bool Overlap(string one, string other) => one == other || one.StartsWith(other + "/", StringComparison.Ordinal) || other.StartsWith(one + "/", StringComparison.Ordinal);

    static void PrintArchive(JsonObject r, TextWriter to)
    {
        if (r["every"] is { } every) to.WriteLine($"{r["account"]} is archived in {r["directory"]} every {every}.");
        if (r["written"] is null) return;
        foreach (var trouble in r["troubles"]!.AsArray()) to.WriteLine(QueuePrint.Clean($"not archived: {trouble}"));
        to.WriteLine($"Archived {TransferVerbs.Many(r["written"], "message")} ({Size((long)r["octets"]!)}) and read them again; {TransferVerbs.Known(r)}.");
    }

    static async Task<JsonObject> RemoveArchiveAsync(VerbContext context, VerbArguments a, CancellationToken ct)
    {
        var (account, directory) = (context.Accounts.Account(a.Text("account")), DirectoryOf(a));
        await context.Store.WriteAsync(unit =>
        {
            var row = unit.Archives.Of(account.Id).FirstOrDefault(r => r.Directory == directory) ?? throw new VerbException(ExitCode.DataError, $"{directory} is no archive of {account.Address}");
            unit.Archives.Remove(row.Id);
            return true;
        }, ct).ConfigureAwait(false);
        return new JsonObject { ["account"] = account.Address, ["directory"] = directory };
    }

    static async Task<JsonObject> SetAsync(VerbContext context, VerbArguments a, CancellationToken ct)
    {
        var account = context.Accounts.Account(a.Text("account"));
        var name = MailboxAdmin.Normal(a.Text("mailbox"));
        var keep = Duration("keep", a.Optional("keep") ?? throw new VerbException(ExitCode.Usage, "--keep is missing"));
        return await context.Store.WriteAsync(unit =>
        {
            if (unit.Mailboxes.Find(account.Id, name) is null) throw new VerbException(ExitCode.DataError, $"{account.Address} has no mailbox {name}");
            if (a.Flag("archived") && unit.Archives.Of(account.Id).Count == 0) throw new VerbException(ExitCode.DataError, $"{account.Address} has no archive: nothing would ever go");
            unit.Retentions.Set(account.Id, name, keep, a.Flag("archived"));
            return Of(context, unit.Retentions.Of(account.Id).Single(r => r.Mailbox == name));
        }, ct).ConfigureAwait(false);
    }

    static async Task<JsonObject> RunAsync(VerbContext context, VerbArguments arguments, CancellationToken ct)
    {
        var done = new List<JsonObject>();
        foreach (var rule in context.Store.Read(u => u.Retentions.All()))
        {
            var report = await Task.Run(() => new Retention(context.Store, context.Time).RunAsync(rule, ct), ct).ConfigureAwait(false);
            var result = Of(context, rule);
            (result["removed"], result["kept"]) = (report.Removed, report.Kept);
            done.Add(result);
        }
        return new JsonObject { ["rules"] = List(done) };
    }

    static string DirectoryOf(VerbArguments a)
    {
        var text = a.Optional("to") ?? throw new VerbException(ExitCode.Usage, "--to is missing");
        return Path.IsPathFullyQualified(text) ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(text)) : throw new VerbException(ExitCode.Usage, "--to: give the whole path: the server writes there, from a directory of its own");
    }

    static TimeSpan Duration(string option, string text) =>
        LongTime.TryParse(text) ?? throw new VerbException(ExitCode.Usage, $"--{option}: \"{text}\" is no time; write 12h or 30d");

    static JsonObject Of(VerbContext context, ArchiveRow row) => new()
    {
        ["account"] = context.Directory.AddressOf(row.AccountId)?.ToString() ?? "",
        ["directory"] = row.Directory,
        ["format"] = row.Format == ArchiveFormat.Maildir ? "maildir" : "mbox",
        ["every"] = row.Every > TimeSpan.Zero ? LongTime.Text(row.Every) : null,
        ["finished"] = row.Finished is { } at ? Time(at) : null,
        ["failure"] = row.Failure.Length > 0 ? row.Failure : null,
    };

    static JsonObject Of(VerbContext context, RetentionRow row) => new()
    {
        ["account"] = context.Directory.AddressOf(row.AccountId)?.ToString() ?? "",
        ["mailbox"] = row.Mailbox,
        ["keep"] = LongTime.Text(row.Keep),
        ["archived"] = row.Archived,
    };
}
