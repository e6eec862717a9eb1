using System.Collections;
using System.Globalization;
using System.Net;

namespace Posthorn.Configuration;

/// <summary>Makes option records of nodes. Goes on after an error, so that one run names them all.</summary>
sealed class ConfigBinder(string baseDirectory, List<ConfigError> errors)
{
    /// <summary>Where each option that was given came from, by path.</summary>
    public Dictionary<string, Origin> Origins { get; } = new(StringComparer.Ordinal);

    public object Section(Type type, ConfigNode node, string path)
    {
        var record = Activator.CreateInstance(type)!;
        if (node.Kind != NodeKind.Object)
        {
            errors.Add(new(node.At, Shown(path), $"must be an object, not {node.KindName}"));
            return record;
        }
        var table = OptionTable.Of(type);
        foreach (var (name, at, value) in node.Members)
        {
            var inner = path.Length == 0 ? name : path + "." + name;
            if (table.Find(name) is not { } option)
            {
                // A schema reference at the top helps editors and means nothing to us.
                if (path.Length > 0 || name != "$schema") errors.Add(new(at, inner, "unknown option" + table.Suggest(name)));
                continue;
            }
            Origins[inner] = value.At;
            if (Value(option.Type, value, inner, option.Doc) is { } bound) option.Property.SetValue(record, bound);
        }
        foreach (var option in table.Options)
            if (option.Doc.Required && !node.Members.Exists(m => m.Name == option.Name))
                errors.Add(new(node.At, path.Length == 0 ? option.Name : path + "." + option.Name, "is required"));
        return record;
    }

    static string Shown(string path) => path.Length == 0 ? "(whole file)" : path;

    object? Value(Type type, ConfigNode node, string path, OptionAttribute doc)
    {
        if (OptionTable.ItemType(type) is { } item) return List(item, node, path, doc);
        if (!OptionTable.IsScalar(type)) return Section(type, node, path);
        var (value, why) = Scalar(type, node, doc);
        if (value is null) errors.Add(new(node.At, path, why));
        return value;
    }

    IList? List(Type item, ConfigNode node, string path, OptionAttribute doc)
    {
        if (node.Kind != NodeKind.Array)
        {
            errors.Add(new(node.At, path, $"must be a list, not {node.KindName}"));
            return null;
        }
        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(item))!;
        for (var i = 0; i < node.Items.Count; i++)
        {
            var inner = $"{path}[{i}]";
            Origins[inner] = node.Items[i].At;
            if (Value(item, node.Items[i], inner, doc) is { } bound) list.Add(bound);
        }
        return list;
    }

    (object? Value, string Why) Scalar(Type type, ConfigNode node, OptionAttribute doc)
    {
        var isText = node.Kind is NodeKind.Text or NodeKind.Loose;
        if (type == typeof(bool))
            return node.Text is "true" or "false" && node.Kind is NodeKind.True or NodeKind.False or NodeKind.Loose ? (node.Text == "true", "") : (null, "must be true or false");
        if (type == typeof(int) || type == typeof(long)) return Number(type, node, doc);
        if (!isText) return (null, $"must be a text, not {node.KindName}");
        var text = node.Text;
        if (type == typeof(string)) return Text(text, doc);
        if (type.IsEnum)
        {
            var names = OptionTable.Names(type);
            var index = names.ToList().IndexOf(text);
            return index >= 0 ? (Enum.GetValues(type).GetValue(index), "") : (null, "must be " + OneOf(names));
        }
        if (type == typeof(char)) return text.Length == 1 && char.IsAscii(text[0]) && char.IsPunctuation(text[0]) | char.IsSymbol(text[0]) && !"@.\"\\".Contains(text[0]) ? (text[0], "") : (null, "must be one punctuation character, not @ . \" or \\");
        if (type == typeof(TimeSpan)) return Duration(text);
        if (type == typeof(IPNetwork)) return Network(text);
        if (type == typeof(ListenerAddress))
        {
            if (!ListenerAddress.TryParse(text, out var address, out var why)) return (null, why);
            if (address.UnixPath is not { } path) return (address, "");
            path = Path.GetFullPath(path, baseDirectory);
            // sun_path has 108 octets, the last of them NUL.
            return System.Text.Encoding.UTF8.GetByteCount(path) <= 107 ? (address with { UnixPath = path }, "") : (null, "the path of a Unix socket must not be longer than 107 octets");
        }
        return ServerAddress.TryParse(text, 53, out var server) ? (server, "") : (null, "must be \"address\" or \"address:port\"");
    }

    (object? Value, string Why) Text(string text, OptionAttribute doc)
    {
        if (text.Length == 0) return (null, "must not be empty");
        foreach (var c in text)
            if (char.IsControl(c)) return (null, "must not hold control characters");
        return (doc.Path ? Path.GetFullPath(text, baseDirectory) : text, "");
    }

    static (object? Value, string Why) Number(Type type, ConfigNode node, OptionAttribute doc)
    {
        var what = doc.Unit == OptionUnit.Octets ? "must be a size like 52428800 or \"50 MB\"" : "must be a whole number";
        var text = node.Text.AsSpan().Trim();
        long factor = 1;
        if (doc.Unit == OptionUnit.Octets && node.Kind is NodeKind.Text or NodeKind.Loose)
        {
            var end = text.IndexOfAnyExceptInRange('0', '9');
            if (end > 0)
            {
                factor = text[end..].Trim() switch { "kB" or "KB" or "KiB" => 1L << 10, "MB" or "MiB" => 1L << 20, "GB" or "GiB" => 1L << 30, _ => 0 };
                text = text[..end];
            }
        }
        else if (node.Kind is not (NodeKind.Number or NodeKind.Loose)) return (null, what);
        if (factor == 0 || !long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) return (null, what);
        if (Math.Abs(number) > long.MaxValue / factor) return (null, what);
        number *= factor;
        var least = double.IsNaN(doc.Minimum) ? 0 : doc.Minimum;
        var most = double.IsNaN(doc.Maximum) ? type == typeof(int) ? int.MaxValue : long.MaxValue : doc.Maximum;
        if (number < least) return (null, string.Create(CultureInfo.InvariantCulture, $"must be at least {least}"));
        if (number > most) return (null, string.Create(CultureInfo.InvariantCulture, $"must be at most {most}"));
        return (type == typeof(int) ? (object)(int)number : number, "");
    }

    /// <summary>A time with its unit; the value is a <see cref="TimeSpan"/>, or null and why it is none.</summary>
    internal static (object? Value, string Why) Duration(string text)
    {
        const string what = "must be a time like \"30 s\", \"5 min\", \"2 h\" or \"1 d\"";
        var end = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        if (end <= 0 || end > 7 || !int.TryParse(text.AsSpan(0, end), out var number)) return (null, what);
        return text.AsSpan(end).Trim() switch
        {
            "s" => (TimeSpan.FromSeconds(number), ""),
            "m" or "min" => (TimeSpan.FromMinutes(number), ""),
            "h" => (TimeSpan.FromHours(number), ""),
            "d" => (TimeSpan.FromDays(number), ""),
            _ => (null, what),
        };
    }

    static (object? Value, string Why) Network(string text)
    {
        var slash = text.IndexOf('/');
        var address = slash < 0 ? text : text[..slash];
        // Other spellings ("10/8", "0x0a000000") mean something else to other programs.
        if (IPAddress.TryParse(address, out var ip) && (address.Contains(':') || ip.ToString() == address))
        {
            var octets = ip.GetAddressBytes();
            var bits = octets.Length * 8;
            if (slash < 0 || int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, null, out bits) && bits <= octets.Length * 8)
            {
                for (var bit = bits; bit < octets.Length * 8; bit++) octets[bit / 8] &= (byte)~(0x80 >> (bit % 8));
                var start = new IPAddress(octets);
                return start.Equals(ip) ? (new IPNetwork(start, bits), "") : (null, $"has bits set to the right of the prefix; the network is {start}/{bits}");
            }
        }
        return (null, "must be a network like \"192.168.0.0/16\" or \"2001:db8::/32\"");
    }

    /// <summary>"a", "b" or "c".</summary>
    internal static string OneOf(IReadOnlyList<string> names)
    {
        var quoted = names.Select(n => $"\"{n}\"").ToList();
        return quoted.Count == 1 ? quoted[0] : string.Join(", ", quoted[..^1]) + " or " + quoted[^1];
    }
}
