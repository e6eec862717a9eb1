using System.Text.Json.Nodes;
using Posthorn.Cli;
using Posthorn.Imap.Administration;
using Posthorn.Storage;
using Posthorn.Storage.Messages;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary><c>mailbox …</c>: the folders of an account.</summary>
static class MailboxVerbs
{
    static readonly VerbParameter Account = new("account", ParameterKind.Word, "The address of the account.");
    static readonly VerbParameter Name = new("name", ParameterKind.Word, "The mailbox, levels parted by \"/\", as in Archive/2025.");

    public static IReadOnlyList<Verb> All { get; } =
    [
        new("mailbox list", "Lists the mailboxes of an account.", [Account],
            (c, a, _) => Task.FromResult(new JsonObject { ["account"] = a.Text("account"), ["mailboxes"] = List(Mailboxes(c, a.Text("account")).Select(Of)) }),
            static (r, to) => Table(to, [.. Items(r, "mailboxes").Select(static m => new[] { $"{m["name"]}", $"{m["messages"]} messages", $"{m["unseen"]} unseen", Size((long)m["size"]!), Marks(m) })])),
        new("mailbox status", "Shows mailboxes with the numbers that IMAP clients see.",
            [Account, new("names", ParameterKind.AnyWords, "The mailboxes; all when left out.")], (c, a, _) => Task.FromResult(Status(c, a)),
            static (r, to) => Table(to, [.. Items(r, "mailboxes").Select(static m => new[]
            {
                $"{m["name"]}", $"messages {m["messages"]}", $"unseen {m["unseen"]}", $"octets {m["size"]}", $"uidvalidity {m["uidValidity"]}", $"uidnext {m["uidNext"]}", $"highestmodseq {m["highestModSeq"]}",
            })])),
        new("mailbox create", "Makes a mailbox, and those above it that are missing.",
            [Account, Name, new("use", ParameterKind.Option, "What it is for: drafts, sent, junk, trash or archive.")],
            (c, a, ct) => ChangeAsync(c, a, "created", (unit, id) => MailboxAdmin.Create(unit, id, a.Text("name"), Role(a)), ct),
            static (r, to) => to.WriteLine($"Made the mailbox {r["created"]} of {r["account"]}.")),
        new("mailbox rename", "Renames a mailbox with all below it; of INBOX, moves its messages to a new one.",
            [Account, Name, new("to", ParameterKind.Word, "Its new name.")],
            (c, a, ct) => ChangeAsync(c, a, "renamed", (unit, id) => MailboxAdmin.Rename(unit, id, a.Text("name"), a.Text("to")), ct),
            static (r, to) => to.WriteLine($"Renamed the mailbox {r["renamed"]} of {r["account"]}.")),
        new("mailbox delete", "Removes a mailbox with its messages.", [Account, Name],
            (c, a, ct) => ChangeAsync(c, a, "deleted", (unit, id) => MailboxAdmin.Delete(unit, id, a.Text("name")), ct),
            static (r, to) => to.WriteLine($"Removed the mailbox {r["deleted"]} of {r["account"]} with its messages."))
        { Confirm = static a => $"Remove the mailbox {a.Text("name")} of {a.Text("account")} with all its messages?" },
    ];

    /// <summary>INBOX first, the others by name.</summary>
    static IEnumerable<Mailbox> Mailboxes(VerbContext context, string account)
    {
        var id = context.Accounts.Account(account).Id;
        return context.Store.Read(u => u.Mailboxes.List(id)).OrderBy(static m => m.Role != MailboxRole.Inbox).ThenBy(static m => m.Name, StringComparer.Ordinal);
    }

    static JsonObject Status(VerbContext context, VerbArguments arguments)
    {
        var all = Mailboxes(context, arguments.Text("account")).ToList();
        var names = arguments.Texts("names").Select(MailboxAdmin.Normal).ToList();
        foreach (var name in names)
            if (all.All(m => m.Name != name)) throw new VerbException(ExitCode.DataError, $"there is no mailbox {name}");
        return new JsonObject { ["account"] = arguments.Text("account"), ["mailboxes"] = List(all.Where(m => names.Count == 0 || names.Contains(m.Name)).Select(Of)) };
    }

    static async Task<JsonObject> ChangeAsync(VerbContext context, VerbArguments arguments, string done, Func<WriteUnit, long, string?> change, CancellationToken ct)
    {
        var account = context.Accounts.Account(arguments.Text("account"));
        await context.Store.WriteAsync(unit => change(unit, account.Id) is { } refusal ? throw new VerbException(ExitCode.DataError, refusal) : true, ct).ConfigureAwait(false);
        return new JsonObject { [done] = MailboxAdmin.Normal(arguments.Text("name")), ["account"] = account.Address };
    }

    static MailboxRole Role(VerbArguments arguments)
    {
        if (arguments.Optional("use") is not { } use) return MailboxRole.None;
        var role = MailboxAdmin.RoleOf(use);
        return role != MailboxRole.None ? role : throw new VerbException(ExitCode.Usage, $"--use: \"{use}\" is none of drafts, sent, junk, trash, archive");
    }

    static string Marks(JsonObject m) => string.Join(", ", new[] { (string?)m["use"], (bool)m["subscribed"]! ? null : "not subscribed" }.Where(static t => t is not null));

    static JsonObject Of(Mailbox m) => new()
    {
        ["name"] = m.Name,
        ["use"] = MailboxAdmin.UseOf(m.Role),
        ["messages"] = m.Messages,
        ["unseen"] = m.Unseen,
        ["size"] = m.Size,
        ["subscribed"] = m.Subscribed,
        ["uidValidity"] = m.UidValidity,
        ["uidNext"] = m.UidNext,
        ["highestModSeq"] = m.HighestModSeq,
    };
}
