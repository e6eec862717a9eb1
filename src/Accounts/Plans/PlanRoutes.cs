using System.Text.Json;
using Posthorn.Accounts.Routes;

namespace Posthorn.Accounts.Plans;

/// <summary>Reads the routes of a plan. Files that hold secrets need not be there yet: a plan is also for a new machine.</summary>
static class PlanRoutes
{
    const string Sender = "sender ";

    public static PlanRoute Read(string key, PlanNode node)
    {
        var (kind, pattern) = Key(key, node);
        var settings = new List<(string Name, string Value)>();
        string? to = null;
        if (node.Kind == JsonTokenType.String) to = node.Text;
        else if (node.Kind != JsonTokenType.StartObject) throw node.Wrong("a transport is wanted, or an object with it in \"to\"");
        foreach (var (name, value) in node.Members)
        {
            if (value.Kind is not (JsonTokenType.String or JsonTokenType.Number)) throw value.Wrong("a text is wanted");
            if (name == "to") to = value.Text;
            else settings.Add((name, value.Text));
        }
        if (to is null) throw node.Wrong("\"to\" is missing");
        try
        {
            var transport = Transport.Parse(to);
            return new(kind, pattern, transport, RouteRules.Complete(transport, RouteSettingsText.Read(settings)));
        }
        catch (AccountRefusal refusal) { throw node.Wrong(refusal.Message); }
    }

    static (RouteKind Kind, string Pattern) Key(string key, PlanNode node)
    {
        if (key == "default") return (RouteKind.Default, "");
        var sender = key.StartsWith(Sender, StringComparison.Ordinal);
        if (!RoutePattern.TryParse(sender ? key[Sender.Length..] : key, out var pattern, out var why)) throw node.Wrong(why);
        return (sender ? RouteKind.Sender : RouteKind.Recipient, pattern.ToString());
    }
}
