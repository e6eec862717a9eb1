using System.Collections;

namespace Posthorn.Configuration;

/// <summary>Lays values of the environment and the command line over those of the file.</summary>
static class ConfigOverlay
{
    const string Prefix = "POSTHORN_";

    /// <summary>
    /// Applies POSTHORN_SECTION__KEY variables (list items by number: POSTHORN_LISTENERS__0__ADDRESS). A variable with "__"
    /// that names no option is an error; one without is left alone when it names none, since others may use the prefix.
    /// </summary>
    public static void Environment(ConfigNode root, IDictionary variables, List<ConfigError> errors)
    {
        var names = variables.Keys.OfType<string>().Where(n => n.StartsWith(Prefix, StringComparison.Ordinal) && n != "POSTHORN_CONFIG");
        foreach (var name in names.Order(StringComparer.Ordinal))
        {
            var steps = name[Prefix.Length..].Split("__");
            if (steps.Length == 1 && OptionTable.Of(typeof(ServerOptions)).Find(steps[0], StringComparison.OrdinalIgnoreCase) is null) continue;
            Set(root, steps, (string?)variables[name] ?? "", new Origin("environment " + name, 0), errors);
        }
    }

    /// <summary>Applies <c>path.to.option=value</c> settings, with <c>[n]</c> or <c>.n</c> for list items.</summary>
    public static void CommandLine(ConfigNode root, IEnumerable<string> settings, List<ConfigError> errors)
    {
        foreach (var setting in settings)
        {
            var at = new Origin("command line", 0);
            var equals = setting.IndexOf('=');
            if (equals <= 0) errors.Add(new(at, setting, "must be OPTION=VALUE"));
            else Set(root, setting[..equals].Replace("[", ".").Replace("]", "").Split('.'), setting[(equals + 1)..], at, errors);
        }
    }

    static void Set(ConfigNode root, string[] steps, string value, Origin at, List<ConfigError> errors)
    {
        var node = root;
        var type = typeof(ServerOptions);
        var path = "";
        for (var i = 0; i < steps.Length; i++)
        {
            var last = i == steps.Length - 1;
            if (OptionTable.ItemType(type) is { } itemType)
            {
                if (!int.TryParse(steps[i], out var index) || index < 0 || index > node.Items.Count || node.Kind != NodeKind.Array)
                {
                    errors.Add(new(at, path, $"\"{steps[i]}\" is not the number of an item or of the next one"));
                    return;
                }
                path += $"[{index}]";
                type = itemType;
                var child = last ? Parse(value, type, path, at, errors) : index < node.Items.Count ? node.Items[index] : Empty(type, at);
                if (child is null) return;
                if (index < node.Items.Count) node.Items[index] = child;
                else node.Items.Add(child);
                node = child;
                continue;
            }
            var option = OptionTable.IsSection(type) ? OptionTable.Of(type).Find(steps[i], StringComparison.OrdinalIgnoreCase) : null;
            path = path.Length == 0 ? option?.Name ?? steps[i] : $"{path}.{option?.Name ?? steps[i]}";
            if (option is null || node.Kind != NodeKind.Object)
            {
                errors.Add(new(at, path, "unknown option" + (OptionTable.IsSection(type) ? OptionTable.Of(type).Suggest(steps[i]) : "")));
                return;
            }
            type = option.Type;
            var where = node.Members.FindIndex(m => m.Name == option.Name);
            var next = last ? Parse(value, type, path, at, errors) : where >= 0 ? node.Members[where].Value : Empty(type, at);
            if (next is null) return;
            if (where >= 0) node.Members[where] = (option.Name, at, next);
            else node.Members.Add((option.Name, at, next));
            node = next;
        }
    }

    static ConfigNode Empty(Type type, Origin at) => new(OptionTable.ItemType(type) is null ? NodeKind.Object : NodeKind.Array, at);

    /// <summary>A value that begins with [ or { is JSON; a list of simple values may be written with commas.</summary>
    static ConfigNode? Parse(string value, Type type, string path, Origin at, List<ConfigError> errors)
    {
        var text = value.AsSpan().TrimStart();
        if (text.StartsWith("[") || text.StartsWith("{") && !OptionTable.IsScalar(type))
        {
            // An address like [::1]:25 begins with a bracket too.
            if (OptionTable.IsScalar(type)) return new(NodeKind.Loose, at, value);
            try { return Relocate(ConfigReader.Read(System.Text.Encoding.UTF8.GetBytes(value), ""), at); }
            catch (ConfigException e)
            {
                errors.Add(new(at, path, e.Errors[0].Message));
                return null;
            }
        }
        if (OptionTable.ItemType(type) is not { } item || !OptionTable.IsScalar(item)) return new(NodeKind.Loose, at, value);
        var list = new ConfigNode(NodeKind.Array, at);
        foreach (var part in value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            list.Items.Add(new(NodeKind.Loose, at, part));
        return list;
    }

    static ConfigNode Relocate(ConfigNode node, Origin at)
    {
        var copy = new ConfigNode(node.Kind, at, node.Text);
        copy.Members.AddRange(node.Members.Select(m => (m.Name, at, Relocate(m.Value, at))));
        copy.Items.AddRange(node.Items.Select(i => Relocate(i, at)));
        return copy;
    }
}
