namespace Posthorn.Configuration;

/// <summary>Where a value comes from: a file and line, an environment variable, the command line.</summary>
sealed record Origin(string Source, int Line)
{
    public override string ToString() => Line > 0 ? $"{Source}:{Line}" : Source;
}

/// <summary>One thing that is wrong, with the place and the option.</summary>
/// <param name="Option">The path of the option, as in <c>listeners[1].plaintextLogin</c>.</param>
sealed record ConfigError(Origin At, string Option, string Message)
{
    public override string ToString() => $"{At}: {Option}: {Message}";
}

/// <summary>The configuration cannot be used; nothing was changed.</summary>
sealed class ConfigException(IReadOnlyList<ConfigError> errors) : Exception(string.Join('\n', errors))
{
    public IReadOnlyList<ConfigError> Errors { get; } = errors;
}

/// <summary>What kind of value a node holds. <see cref="Loose"/> is text of the environment or command line: any scalar.</summary>
enum NodeKind { Object, Array, Text, Number, True, False, Null, Loose }

/// <summary>A value as read, before it is known what it should be.</summary>
sealed class ConfigNode(NodeKind kind, Origin at, string text = "")
{
    public NodeKind Kind { get; } = kind;
    public Origin At { get; } = at;
    public string Text { get; } = text;
    public List<(string Name, Origin At, ConfigNode Value)> Members { get; } = [];
    public List<ConfigNode> Items { get; } = [];

    public string KindName => Kind switch
    {
        NodeKind.Object => "an object",
        NodeKind.Array => "a list",
        NodeKind.Number => "a number",
        NodeKind.True or NodeKind.False => "true or false",
        NodeKind.Null => "null",
        _ => "a text",
    };
}
