using System.Text.Json.Nodes;
using Posthorn.Cli;
using Posthorn.Imap.Administration;
using Posthorn.Storage;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary><c>mailbox acl …</c>: who else may do what with a mailbox.</summary>
static class MailboxAclVerbs
{
    static readonly VerbParameter Account = new("account", ParameterKind.Word, "The address of the owner.");
    static readonly VerbParameter Name = new("name", ParameterKind.Word, "The mailbox, levels parted by \"/\".");
    static readonly VerbParameter Who = new("who", ParameterKind.Word, "The address of an account here, or \"anyone\".");

    public static IReadOnlyList<Verb> All { get; } =
    [
        new("mailbox acl list", "Shows who may do what with a mailbox.", [Account, Name], (c, a, _) => Task.FromResult(Rights(c, a)),
            static (r, to) => Table(to, [.. Items(r, "rights").Select(static g => new[] { $"{g["who"]}", $"{g["letters"]}", Joined(g["words"]) })])),
        new("mailbox acl set", "Lets somebody use a mailbox, in place of what was allowed before.",
            [
                Account, Name, Who,
                new("rights", ParameterKind.Word, "Letters of RFC 4314, as lrs, or words with commas, as lookup,read,seen; all is all. +rights adds."),
            ],
            (c, a, ct) => ChangeAsync(c, a, (unit, id) => MailboxSharing.Set(unit, id, a.Text("name"), a.Text("who"), a.Text("rights")), ct),
            static (r, to) => to.WriteLine($"{r["who"]} may now do with {r["name"]} of {r["account"]}: {(Joined(r["words"]) is { Length: > 0 } words ? words : "nothing")}.")),
        new("mailbox acl delete", "Takes all rights of somebody to a mailbox.", [Account, Name, Who],
            (c, a, ct) => ChangeAsync(c, a, (unit, id) => MailboxSharing.Delete(unit, id, a.Text("name"), a.Text("who")), ct),
            static (r, to) => to.WriteLine($"{r["who"]} has no rights to {r["name"]} of {r["account"]} any more.")),
    ];

    static JsonObject Rights(VerbContext context, VerbArguments arguments)
    {
        var account = context.Accounts.Account(arguments.Text("account"));
        var name = MailboxAdmin.Normal(arguments.Text("name"));
        var all = context.Store.Read(unit => MailboxSharing.List(unit, account.Id, name)) ?? throw new VerbException(ExitCode.DataError, $"there is no mailbox {name}");
        return new JsonObject { ["account"] = account.Address, ["name"] = name, ["rights"] = List(all.Select(Of)) };
    }

    static async Task<JsonObject> ChangeAsync(VerbContext context, VerbArguments arguments, Func<WriteUnit, long, string?> change, CancellationToken ct)
    {
        var account = context.Accounts.Account(arguments.Text("account"));
        var (name, who) = (MailboxAdmin.Normal(arguments.Text("name")), arguments.Text("who"));
        var after = await context.Store.WriteAsync(unit => change(unit, account.Id) is { } refusal
            ? throw new VerbException(ExitCode.DataError, refusal) : MailboxSharing.List(unit, account.Id, name), ct).ConfigureAwait(false);
        var granted = after?.FirstOrDefault(g => g.Who.Equals(who, StringComparison.OrdinalIgnoreCase) || g.Who.StartsWith(who + "@", StringComparison.OrdinalIgnoreCase))
            ?? new GrantedRights(who, "", []);
        var result = Of(granted);
        (result["account"], result["name"]) = (account.Address, name);
        return result;
    }

    static JsonObject Of(GrantedRights granted) => new() { ["who"] = granted.Who, ["letters"] = granted.Letters, ["words"] = Texts(granted.Words) };
}
