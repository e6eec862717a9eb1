using System.Text;
using System.Text.Json.Nodes;
using Posthorn.Accounts.Plans;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary><c>export</c> and <c>apply</c>: domains, accounts and aliases as one readable file, and back.</summary>
static class PlanVerbs
{
    public static IReadOnlyList<Verb> All { get; } =
    [
        new("export", "Prints domains, accounts and aliases as one file that \"apply\" takes back.",
            [new("noSecrets", ParameterKind.Flag, "Leaves password hashes and app passwords out; the logins cannot be rebuilt from it.")],
            (c, a, _) => Task.FromResult(new JsonObject { ["plan"] = c.Accounts.Export(secrets: !a.Flag("noSecrets")).ToString() }),
            (r, to) => to.Write(EndedByLine((string)r["plan"]!))),
        new("apply", "Makes domains, accounts and aliases as a file says; shows the difference first.",
            [new("plan", ParameterKind.Content, "The file; \"-\" or nothing is the standard input."), new("prune", ParameterKind.Flag, "Also removes what the file does not name, accounts with their mail included.")],
            ApplyAsync, Print)
        { ShowsFirst = true },
    ];

    static async Task<JsonObject> ApplyAsync(VerbContext context, VerbArguments arguments, CancellationToken ct)
    {
        var plan = Plan.Parse(Encoding.UTF8.GetBytes(arguments.Text("plan")));
        var prune = arguments.Flag("prune");
        var changes = arguments.Flag("dryRun") ? context.Accounts.Diff(plan, prune) : await context.Accounts.ApplyAsync(plan, prune, ct).ConfigureAwait(false);
        return new JsonObject
        {
            ["applied"] = !arguments.Flag("dryRun"),
            ["destructive"] = changes.Any(c => c.Kind != PlanChangeKind.Add),
            ["changes"] = List(changes.Select(c => new JsonObject { ["kind"] = c.Kind.ToString().ToLowerInvariant(), ["subject"] = c.Subject, ["text"] = c.Text })),
        };
    }

    static void Print(JsonObject result, TextWriter to)
    {
        var any = false;
        foreach (var change in Items(result, "changes"))
        {
            any = true;
            to.WriteLine(((string?)change["kind"] switch { "add" => "+ ", "change" => "~ ", _ => "- " }) + change["text"]);
        }
        if (!any) to.WriteLine("Nothing to change.");
    }

    static string EndedByLine(string text) => text.EndsWith('\n') ? text : text + "\n";
}
