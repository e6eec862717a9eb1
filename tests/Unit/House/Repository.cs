namespace Posthorn.Tests.Unit.House;

/// <summary>The checkout that the tests were built from.</summary>
static class Repository
{
    internal static string Root { get; } = Find();

    static string Find()
    {
        var d = new DirectoryInfo(AppContext.BaseDirectory);
        while (d is not null && !File.Exists(Path.Combine(d.FullName, "Posthorn.slnx"))) d = d.Parent;
        return d?.FullName ?? throw new InvalidOperationException("not inside a checkout");
    }

    internal static IEnumerable<string> Files(string under, string pattern) =>
        Directory.EnumerateFiles(Path.Combine(Root, under), pattern, SearchOption.AllDirectories)
            .Where(f => !f.Contains("/bin/", StringComparison.Ordinal) && !f.Contains("/obj/", StringComparison.Ordinal));
}
