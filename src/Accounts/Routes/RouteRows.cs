using System.Diagnostics.CodeAnalysis;
using Posthorn.Storage.Directory;

namespace Posthorn.Accounts.Routes;

/// <summary>Routes as rows of the store, and back.</summary>
static class RouteRows
{
    /// <summary>False when the row cannot be understood; such a one stops no other.</summary>
    public static bool TryRead(RouteRow row, [NotNullWhen(true)] out Route? route)
    {
        route = null;
        var kind = (RouteKind)row.Kind;
        if (kind is not (RouteKind.Default or RouteKind.Recipient or RouteKind.Sender)) return false;
        if (kind != RouteKind.Default && !RoutePattern.TryParse(row.Pattern, out _, out _)) return false;
        if (!Transport.TryParse(row.Transport, out var transport, out _)) return false;
        try
        {
            route = new Route(row.Id, kind, row.Pattern, transport, RouteSettingsText.Read(Pairs(row.Settings)), Name(kind, row.Pattern));
        }
        catch (AccountRefusal)
        {
            return false;
        }
        return true;
    }

    public static RouteBook Book(IReadOnlyList<RouteRow> rows)
    {
        if (rows.Count == 0) return RouteBook.Empty;
        var routes = new List<Route>(rows.Count);
        foreach (var row in rows)
            if (TryRead(row, out var route)) routes.Add(route);
        return new RouteBook(routes);
    }

    /// <summary>How logs, lists and plans call a route.</summary>
    public static string Name(RouteKind kind, string pattern) => kind switch
    {
        RouteKind.Default => "default",
        RouteKind.Sender => "sender " + pattern,
        _ => pattern,
    };

    public static string Settings(RouteSettings settings) => string.Join('\n', RouteSettingsText.Write(settings).Select(static s => s.Name + " " + s.Value));

    static IEnumerable<(string Name, string Value)> Pairs(string text)
    {
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var space = line.IndexOf(' ');
            yield return space < 0 ? (line, "") : (line[..space], line[(space + 1)..]);
        }
    }
}
