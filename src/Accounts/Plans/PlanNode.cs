using System.Text.Json;

namespace Posthorn.Accounts.Plans;

/// <summary>A JSON value that knows where it stands, so that what is wrong with it can be named.</summary>
sealed class PlanNode
{
    const int MaxDepth = 8;

    public required JsonTokenType Kind { get; init; }
    public required string Path { get; init; }
    public required int Line { get; init; }

    /// <summary>The text of a string or number.</summary>
    public string Text { get; private set; } = "";

    public List<(string Name, PlanNode Value)> Members { get; } = [];
    public List<PlanNode> Items { get; } = [];

    public AccountRefusal Wrong(string reason) => new("plan", $"line {Line}, {(Path == "" ? "the document" : Path)}: {reason}");

    public static PlanNode Read(ReadOnlySpan<byte> text)
    {
        if (text.StartsWith("\uFEFF"u8)) text = text[3..];
        var json = new Utf8JsonReader(text, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = MaxDepth });
        var lines = new LineCounter(text);
        try
        {
            json.Read();
            var node = Value(ref json, ref lines, "");
            json.Read(); // whatever follows is an error of the reader
            return node;
        }
        catch (JsonException e)
        {
            throw new AccountRefusal("plan", $"line {e.LineNumber + 1}: this is no JSON: {e.Message.Split(" LineNumber")[0].TrimEnd('.')}");
        }
        catch (InvalidOperationException) // a string of halves of surrogates or of octets that are no UTF-8
        {
            throw new AccountRefusal("plan", $"line {lines.At(json.TokenStartIndex)}: this is no text");
        }
    }

    static PlanNode Value(ref Utf8JsonReader json, ref LineCounter lines, string path)
    {
        var node = new PlanNode { Kind = json.TokenType, Path = path, Line = lines.At(json.TokenStartIndex) };
        switch (json.TokenType)
        {
            case JsonTokenType.StartObject:
                while (json.Read() && json.TokenType != JsonTokenType.EndObject)
                {
                    var name = json.GetString()!;
                    var place = path == "" ? name : path + "." + name;
                    json.Read();
                    var value = Value(ref json, ref lines, place);
                    if (node.Members.Exists(m => m.Name == name)) throw value.Wrong("this is there twice");
                    node.Members.Add((name, value));
                }
                break;
            case JsonTokenType.StartArray:
                while (json.Read() && json.TokenType != JsonTokenType.EndArray)
                    node.Items.Add(Value(ref json, ref lines, $"{path}[{node.Items.Count}]"));
                break;
            case JsonTokenType.String:
                node.Text = json.GetString()!;
                break;
            case JsonTokenType.Number:
                node.Text = System.Text.Encoding.ASCII.GetString(json.ValueSpan);
                break;
        }
        return node;
    }

    ref struct LineCounter(ReadOnlySpan<byte> text)
    {
        readonly ReadOnlySpan<byte> _text = text;
        int _line = 1;
        int _at;

        public int At(long offset)
        {
            for (; _at < offset; _at++)
                if (_text[_at] == '\n') _line++;
            return _line;
        }
    }
}
