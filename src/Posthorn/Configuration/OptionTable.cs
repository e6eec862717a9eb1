using System.Collections.Concurrent;
using System.Net;
using System.Reflection;

namespace Posthorn.Configuration;

/// <summary>One option as declared.</summary>
sealed record OptionInfo(string Name, PropertyInfo Property, OptionAttribute Doc)
{
    public Type Type => Property.PropertyType;
}

/// <summary>The options of one record, read from its properties.</summary>
sealed class OptionTable
{
    static readonly ConcurrentDictionary<Type, OptionTable> Tables = new();

    static readonly HashSet<Type> Scalars =
        [typeof(string), typeof(bool), typeof(char), typeof(int), typeof(long), typeof(TimeSpan), typeof(IPNetwork), typeof(ListenerAddress), typeof(ServerAddress)];

    OptionTable(Type type)
    {
        Options = [.. from p in type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                      let doc = p.GetCustomAttribute<OptionAttribute>()
                      where doc is not null
                      select new OptionInfo(char.ToLowerInvariant(p.Name[0]) + p.Name[1..], p, doc)];
    }

    public IReadOnlyList<OptionInfo> Options { get; }

    public static OptionTable Of(Type type) => Tables.GetOrAdd(type, static t => new OptionTable(t));

    public OptionInfo? Find(string name, StringComparison comparison = StringComparison.Ordinal)
    {
        foreach (var option in Options)
            if (string.Equals(option.Name, name, comparison)) return option;
        return null;
    }

    public static bool IsScalar(Type type) => Scalars.Contains(type) || type.IsEnum;

    /// <summary>The type of the items when <paramref name="type"/> is a list.</summary>
    public static Type? ItemType(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0] : null;

    public static bool IsSection(Type type) => !IsScalar(type) && ItemType(type) is null;

    /// <summary>The names of an enumeration as they are written in the file.</summary>
    public static IReadOnlyList<string> Names(Type type) => [.. Enum.GetNames(type).Select(n => char.ToLowerInvariant(n[0]) + n[1..])];

    /// <summary>", did you mean …?" when a known name is near, else the list of known names.</summary>
    public string Suggest(string wrong)
    {
        var best = Options.Select(o => (o.Name, Far: Distance(wrong.ToLowerInvariant(), o.Name.ToLowerInvariant()))).OrderBy(c => c.Far).FirstOrDefault();
        return best.Name is not null && best.Far <= Math.Max(2, best.Name.Length / 3)
            ? $", did you mean \"{best.Name}\"?"
            : ", known are " + string.Join(", ", Options.Select(o => o.Name));
    }

    /// <summary>How many letters to change, add or drop to get from one word to the other.</summary>
    static int Distance(string a, string b)
    {
        if (a.Length > 64) return 64;
        var row = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++) row[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(change, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[^1];
    }
}
