using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Posthorn.Configuration;

/// <summary>The reference page and the JSON schema, both made from the option records.</summary>
static class ConfigReference
{
    /// <summary>docs/configuration.md.</summary>
    public static string Markdown()
    {
        var text = new StringBuilder("""
            # posthorn.json

            Made by `posthorn config reference` from the declarations in `src/Posthorn/Configuration/ServerOptions.cs`; a test compares the two.

            The file is JSON in which comments and trailing commas are allowed. It is looked for at `--config FILE`, else at
            `POSTHORN_CONFIG`, else at `/etc/posthorn/posthorn.json`. Relative paths are taken from the directory of the file.
            A later source wins over an earlier one: built-in value, file, environment (`POSTHORN_LIMITS__MESSAGESIZE=10MB`,
            list items by number: `POSTHORN_LISTENERS__0__ADDRESS=127.0.0.1:25`), command line (`--set limits.messageSize=10MB`).
            Sizes are numbers of octets or texts like `"50 MB"`; times are texts like `"30 s"`, `"5 min"`, `"2 h"`, `"1 d"`.
            `posthorn check config` names file, line and option of everything that is wrong, and changes nothing.
            `posthorn config schema` prints a JSON schema for editors. After SIGHUP the options marked "reload" take effect at
            once; the others need a restart, and the log says so.

            """);
        Section(text, typeof(ServerOptions), "", "The whole file");
        return text.ToString();
    }

    static void Section(StringBuilder text, Type type, string path, string title)
    {
        text.Append('\n').Append("## ").Append(title).Append("\n\n| option | type | default | reload | |\n|---|---|---|---|---|\n");
        var defaults = Activator.CreateInstance(type)!;
        var inner = new List<(Type, string, string)>();
        foreach (var option in OptionTable.Of(type).Options)
        {
            var name = path.Length == 0 ? option.Name : path + "." + option.Name;
            var item = OptionTable.ItemType(option.Type);
            if (OptionTable.IsSection(option.Type)) inner.Add((option.Type, name, $"`{name}`"));
            else if (item is not null && !OptionTable.IsScalar(item)) inner.Add((item, name + "[]", $"`{name}[]`"));
            var standard = option.Doc.Required ? "(required)" : option.Doc.Default ?? Shown(option.Property.GetValue(defaults), option);
            var note = option.Doc.Text.Replace("|", "\\|") + (option.Doc.Example is { } e ? $" Example: `{e}`." : "") + Bounds(option);
            text.Append(CultureInfo.InvariantCulture, $"| `{name}` | {TypeName(option)} | {standard} | {(option.Doc.Reloads ? "yes" : "")} | {note} |\n");
        }
        foreach (var (t, p, heading) in inner) Section(text, t, p, heading);
    }

    static string Bounds(OptionInfo option)
    {
        var (least, most) = (option.Doc.Minimum, option.Doc.Maximum);
        if (double.IsNaN(least) && double.IsNaN(most)) return "";
        return double.IsNaN(most) ? string.Create(CultureInfo.InvariantCulture, $" At least {least}.")
            : string.Create(CultureInfo.InvariantCulture, $" From {least} to {most}.");
    }

    static string TypeName(OptionInfo option)
    {
        var type = OptionTable.ItemType(option.Type) ?? option.Type;
        var name = type.IsEnum ? string.Join(", ", OptionTable.Names(type).Select(n => $"`{n}`"))
            : type == typeof(int) || type == typeof(long) ? option.Doc.Unit switch { OptionUnit.Octets => "size", OptionUnit.PerMinute => "number a minute", _ => "number" }
            : type == typeof(bool) ? "true or false"
            : type == typeof(char) ? "character"
            : type == typeof(TimeSpan) ? "time"
            : type == typeof(System.Net.IPNetwork) ? "network"
            : type == typeof(ListenerAddress) || type == typeof(ServerAddress) ? "address"
            : type == typeof(string) ? option.Doc.Path ? "path" : "text"
            : "object";
        return OptionTable.ItemType(option.Type) is null ? name : "list of " + name;
    }

    static string Shown(object? value, OptionInfo option) => value switch
    {
        null => "",
        long n when option.Doc.Unit == OptionUnit.Octets => n % (1 << 20) == 0 ? $"`\"{n >> 20} MB\"`" : $"`{n}`",
        TimeSpan t => $"`\"{(int)t.TotalSeconds} s\"`",
        Enum e => $"`\"{char.ToLowerInvariant(e.ToString()[0])}{e.ToString()[1..]}\"`",
        char c => $"`\"{c}\"`",
        string s => $"`\"{s}\"`",
        IFormattable f => $"`{f.ToString(null, CultureInfo.InvariantCulture)}`",
        IList { Count: 0 } => "`[]`",
        _ => "",
    };

    /// <summary>A JSON schema (draft 2020-12) of the file.</summary>
    public static JsonObject Schema()
    {
        var root = new JsonObject { ["$schema"] = "https://json-schema.org/draft/2020-12/schema", ["title"] = "posthorn.json" };
        foreach (var (name, value) in Schema(typeof(ServerOptions), null).ToList())
        {
            root[name] = value?.DeepClone();
        }
        ((JsonObject)root["properties"]!)["$schema"] = new JsonObject { ["type"] = "string" };
        return root;
    }

    static JsonObject Schema(Type type, OptionAttribute? doc)
    {
        if (OptionTable.ItemType(type) is { } item) return new JsonObject { ["type"] = "array", ["items"] = Schema(item, doc) };
        if (type.IsEnum) return new JsonObject { ["enum"] = new JsonArray([.. OptionTable.Names(type).Select(n => (JsonNode)n)]) };
        if (type == typeof(bool)) return new JsonObject { ["type"] = "boolean" };
        if (type == typeof(int) || type == typeof(long))
        {
            var number = new JsonObject { ["type"] = doc?.Unit == OptionUnit.Octets ? new JsonArray("integer", "string") : "integer" };
            if (doc is { } d && !double.IsNaN(d.Minimum)) number["minimum"] = d.Minimum;
            if (doc is { } m && !double.IsNaN(m.Maximum)) number["maximum"] = m.Maximum;
            return number;
        }
        if (type == typeof(char)) return new JsonObject { ["type"] = "string", ["minLength"] = 1, ["maxLength"] = 1 };
        if (OptionTable.IsScalar(type)) return new JsonObject { ["type"] = "string" };
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var option in OptionTable.Of(type).Options)
        {
            var schema = Schema(option.Type, option.Doc);
            schema["description"] = option.Doc.Text;
            properties[option.Name] = schema;
            if (option.Doc.Required) required.Add(option.Name);
        }
        var section = new JsonObject { ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false };
        if (required.Count > 0) section["required"] = required;
        return section;
    }
}
