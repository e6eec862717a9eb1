using System.Text.Json;

namespace Posthorn.Configuration;

/// <summary>Reads JSON with comments and trailing commas into nodes that know their lines.</summary>
ref struct ConfigReader
{
    const int MaxDepth = 16;

    readonly ReadOnlySpan<byte> _octets;
    readonly string _source;
    Utf8JsonReader _json;
    int _countedTo, _line = 1;
    string _path = "";

    ConfigReader(ReadOnlySpan<byte> octets, string source)
    {
        _octets = octets;
        _source = source;
        _json = new Utf8JsonReader(octets, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = MaxDepth });
    }

    /// <summary>Throws <see cref="ConfigException"/> with line and option when it is not JSON.</summary>
    public static ConfigNode Read(ReadOnlySpan<byte> octets, string source)
    {
        if (octets.StartsWith("\uFEFF"u8)) octets = octets[3..];
        var reader = new ConfigReader(octets, source);
        try
        {
            if (!reader._json.Read()) throw reader.Error(1, "is empty");
            var root = reader.Value();
            if (reader._json.Read()) throw reader.Error(reader.Here().Line, "something follows the end");
            return root;
        }
        catch (JsonException e)
        {
            // The parser counts lines from 0 and adds a position that means nothing to people.
            var text = e.Message;
            var cut = text.IndexOf(" LineNumber:", StringComparison.Ordinal);
            throw reader.Error((int)(e.LineNumber ?? 0) + 1, cut > 0 ? text[..cut] : text);
        }
        catch (InvalidOperationException)
        {
            throw reader.Error(reader.Here().Line, "is not valid UTF-8");
        }
    }

    readonly ConfigException Error(int line, string message) =>
        new([new ConfigError(new Origin(_source, line), _path.Length == 0 ? "(whole file)" : _path, message)]);

    Origin Here()
    {
        var to = (int)Math.Min(_json.TokenStartIndex, _octets.Length);
        if (to > _countedTo)
        {
            _line += _octets[_countedTo..to].Count((byte)'\n');
            _countedTo = to;
        }
        return new Origin(_source, _line);
    }

    ConfigNode Value()
    {
        var at = Here();
        switch (_json.TokenType)
        {
            case JsonTokenType.StartObject: return Object(at);
            case JsonTokenType.StartArray: return Array(at);
            case JsonTokenType.String: return new(NodeKind.Text, at, _json.GetString()!);
            case JsonTokenType.Number: return new(NodeKind.Number, at, System.Text.Encoding.ASCII.GetString(_json.ValueSpan));
            case JsonTokenType.True: return new(NodeKind.True, at, "true");
            case JsonTokenType.False: return new(NodeKind.False, at, "false");
            default: return new(NodeKind.Null, at, "null");
        }
    }

    ConfigNode Object(Origin at)
    {
        var node = new ConfigNode(NodeKind.Object, at);
        var outer = _path;
        while (_json.Read() && _json.TokenType != JsonTokenType.EndObject)
        {
            var nameAt = Here();
            var name = _json.GetString()!;
            _path = outer.Length == 0 ? name : outer + "." + name;
            foreach (var member in node.Members)
                if (member.Name == name) throw Error(nameAt.Line, $"is given twice, first at line {member.At.Line}");
            _json.Read();
            node.Members.Add((name, nameAt, Value()));
        }
        _path = outer;
        return node;
    }

    ConfigNode Array(Origin at)
    {
        var node = new ConfigNode(NodeKind.Array, at);
        var outer = _path;
        while (true)
        {
            _path = $"{outer}[{node.Items.Count}]";
            if (!_json.Read() || _json.TokenType == JsonTokenType.EndArray) break;
            node.Items.Add(Value());
        }
        _path = outer;
        return node;
    }
}
