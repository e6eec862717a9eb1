using System.Collections;

namespace Posthorn.Configuration;

/// <summary>What a reload cannot bring into force.</summary>
static class ConfigDifference
{
    /// <summary>The options that differ and need a restart.</summary>
    public static IReadOnlyList<string> NeedRestart(ServerOptions old, ServerOptions fresh)
    {
        var found = new List<string>();
        Compare(typeof(ServerOptions), old, fresh, "", found);
        return found;
    }

    static void Compare(Type type, object old, object fresh, string path, List<string> found)
    {
        foreach (var option in OptionTable.Of(type).Options)
        {
            if (option.Doc.Reloads) continue;
            var name = path.Length == 0 ? option.Name : path + "." + option.Name;
            var (a, b) = (option.Property.GetValue(old), option.Property.GetValue(fresh));
            if (OptionTable.IsSection(option.Type)) Compare(option.Type, a!, b!, name, found);
            else if (!Same(option.Type, a, b)) found.Add(name);
        }
    }

    static bool Same(Type type, object? a, object? b)
    {
        if (OptionTable.ItemType(type) is not { } item)
        {
            if (!OptionTable.IsSection(type) || a is null || b is null) return Equals(a, b);
            foreach (var option in OptionTable.Of(type).Options)
                if (!Same(option.Type, option.Property.GetValue(a), option.Property.GetValue(b))) return false;
            return true;
        }
        var (x, y) = ((IList)a!, (IList)b!);
        if (x.Count != y.Count) return false;
        for (var i = 0; i < x.Count; i++)
            if (!Same(item, x[i], y[i])) return false;
        return true;
    }
}
