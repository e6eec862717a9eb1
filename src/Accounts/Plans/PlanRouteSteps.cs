using Posthorn.Accounts.Routes;
using Posthorn.Storage.Directory;

namespace Posthorn.Accounts.Plans;

/// <summary>The steps from the routes that are stored to those of a plan.</summary>
static class PlanRouteSteps
{
    public static IEnumerable<PlanChange> Of(IReadOnlyList<PlanRoute> wanted, IReadOnlyList<RouteRow> rows, bool prune)
    {
        var stored = rows.ToDictionary(r => (r.Kind, r.Pattern));
        foreach (var route in wanted)
        {
            var name = RouteRows.Name(route.Kind, route.Pattern);
            var (to, settings) = (route.Transport.ToString(), RouteRows.Settings(route.Settings));
            if (!stored.TryGetValue(((int)route.Kind, route.Pattern), out var there))
                yield return new(PlanChangeKind.Add, name, $"route {name}: {Words(to, settings)}") { Run = c => c.AddRoute(route.Kind, route.Pattern, route.Transport, route.Settings) };
            else if (there.Transport != to || there.Settings != settings)
                yield return new(PlanChangeKind.Change, name, $"route {name}: {Words(to, settings)} instead of {Words(there.Transport, there.Settings)}")
                {
                    Run = c => c.Tables.SetRoute(there with { Transport = to, Settings = settings }),
                };
        }
        if (!prune) yield break;
        var named = wanted.Select(r => ((int)r.Kind, r.Pattern)).ToHashSet();
        foreach (var row in rows)
            if (!named.Contains((row.Kind, row.Pattern)))
                yield return new(PlanChangeKind.Remove, RouteRows.Name((RouteKind)row.Kind, row.Pattern), $"route {RouteRows.Name((RouteKind)row.Kind, row.Pattern)}: {row.Transport}")
                {
                    Run = c => c.Tables.RemoveRoute(row.Id),
                };
    }

    static string Words(string transport, string settings) => settings == "" ? transport : $"{transport} ({settings.Replace("\n", ", ", StringComparison.Ordinal)})";
}
