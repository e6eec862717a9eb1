using Posthorn.Accounts.Addresses;
using Posthorn.Accounts.Routes;
using Posthorn.Storage;
using Posthorn.Storage.Directory;

namespace Posthorn.Accounts.Service;

/// <summary>
/// The administrator's verbs on routes, for the CLI and the admin API alike. Each is one unit of the store; each refusal is
/// an <see cref="AccountRefusal"/> and changes nothing. Thread-safe.
/// </summary>
public sealed class RouteService(MailStore store, AccountOptions options)
{
    /// <summary>Adds a route.</summary>
    /// <param name="kind">Recipient or sender; the default has <see cref="SetDefaultAsync"/>.</param>
    /// <param name="settings">As <see cref="RouteSettingsText"/> has them.</param>
    public ValueTask<RouteView> AddAsync(RouteKind kind, string pattern, string transport, IReadOnlyList<(string Name, string Value)> settings, CancellationToken ct = default)
    {
        var normal = Pattern(pattern);
        var (way, held) = Read(transport, settings);
        return ChangeAsync(change =>
        {
            var row = change.AddRoute(kind, normal, way, held);
            change.Check();
            return View(row);
        }, ct);
    }

    /// <summary>
    /// What holds when no other route fits. MX without settings is what holds by itself, so it removes the row; the result
    /// then has no settings.
    /// </summary>
    public ValueTask<RouteView> SetDefaultAsync(string transport, IReadOnlyList<(string Name, string Value)> settings, CancellationToken ct = default)
    {
        var (way, held) = Read(transport, settings);
        return ChangeAsync(change =>
        {
            if (Find(change.Tables, RouteKind.Default, "") is { } there) change.Tables.RemoveRoute(there.Id);
            var builtIn = way.Kind == TransportKind.Mx && held == new RouteSettings();
            return builtIn ? BuiltIn : View(change.AddRoute(RouteKind.Default, "", way, held));
        }, ct);
    }

    /// <summary>Changes a route: what is not named stays; the value "default" takes a setting back to the configuration's.</summary>
    /// <param name="transport">Null for the one that it has.</param>
    public ValueTask<RouteView> SetAsync(RouteKind kind, string pattern, string? transport, IReadOnlyList<(string Name, string Value)> settings, CancellationToken ct = default)
    {
        var normal = Pattern(kind, pattern);
        return ChangeAsync(change =>
        {
            var row = Demand(change.Tables, kind, normal);
            var texts = RouteRows.TryRead(row, out var route) ? RouteSettingsText.Write(route.Settings).ToList() : [];
            // A login has one secret: a new place for it takes that of the old one.
            if (settings.Any(s => IsSecret(s.Name))) texts.RemoveAll(t => IsSecret(t.Name));
            texts.RemoveAll(t => settings.Any(s => s.Name == t.Name));
            texts.AddRange(settings.Where(s => s.Value != "default"));
            var (way, held) = Read(transport ?? row.Transport, texts);
            row = row with { Transport = way.ToString(), Settings = RouteRows.Settings(held) };
            change.Tables.SetRoute(row);
            return View(row);
        }, ct);
    }

    public ValueTask<bool> RemoveAsync(RouteKind kind, string pattern, CancellationToken ct = default)
    {
        var normal = Pattern(kind, pattern);
        return ChangeAsync(change =>
        {
            var row = Demand(change.Tables, kind, normal);
            change.Tables.RemoveRoute(row.Id);
            change.Check($"route {RouteRows.Name(kind, normal)}");
            return true;
        }, ct);
    }

    /// <summary>All of them, in the order in which they were made.</summary>
    public IReadOnlyList<RouteView> List() => [.. store.Read(static u => u.Directory.Routes()).Select(View)];

    public RouteView Show(RouteKind kind, string pattern)
    {
        var normal = Pattern(kind, pattern);
        return store.Read(u => Find(u.Directory, kind, normal)) is { } row ? View(row)
            : kind == RouteKind.Default ? BuiltIn
            : throw NotFound(kind, normal);
    }

    static RouteView BuiltIn { get; } = new("default", RouteKind.Default, "", RouteBook.Mx.Transport.ToString(), [], default);

    static bool IsSecret(string name) => name is "passwordFile" or "tokenFile" or "tokenCommand";

    static (Transport Transport, RouteSettings Settings) Read(string transport, IReadOnlyList<(string Name, string Value)> settings)
    {
        var way = Transport.Parse(transport);
        var read = RouteRules.Complete(way, RouteSettingsText.Read(settings));
        if (read.Login is { } login) SecretFiles.Check(login);
        return (way, read);
    }

    static string Pattern(string text) =>
        RoutePattern.TryParse(text, out var pattern, out var why) ? pattern.ToString() : throw new AccountRefusal("pattern", why);

    static string Pattern(RouteKind kind, string text) => kind == RouteKind.Default ? "" : Pattern(text);

    static RouteRow? Find(DirectoryTables tables, RouteKind kind, string pattern) => tables.Routes().FirstOrDefault(r => r.Kind == (int)kind && r.Pattern == pattern);

    static RouteRow Demand(DirectoryTables tables, RouteKind kind, string pattern) => Find(tables, kind, pattern) ?? throw NotFound(kind, pattern);

    static AccountRefusal NotFound(RouteKind kind, string pattern) => new("not-found", $"there is no route {RouteRows.Name(kind, pattern)}");

    static RouteView View(RouteRow row) => new(RouteRows.Name((RouteKind)row.Kind, row.Pattern), (RouteKind)row.Kind, row.Pattern, row.Transport,
        RouteRows.TryRead(row, out var route) ? RouteSettingsText.Write(route.Settings) : [], row.Created);

    ValueTask<T> ChangeAsync<T>(Func<DirectoryChange, T> work, CancellationToken ct) => store.WriteAsync(unit => work(new DirectoryChange(unit, options)), ct);
}
