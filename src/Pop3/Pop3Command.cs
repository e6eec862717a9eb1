namespace Posthorn.Pop3;

/// <summary>When a command may come and what it takes; the session loop enforces it.</summary>
[Flags]
enum When
{
    /// <summary>Before login (RFC 1939 §4).</summary>
    Authorization = 1,

    /// <summary>After login (RFC 1939 §5).</summary>
    Transaction = 2,

    /// <summary>An argument may be given; without this flag one is an error.</summary>
    MayHaveArgument = 4,

    /// <summary>An argument must be given.</summary>
    NeedsArgument = 8,

    /// <summary>The line may be as long as a SASL response.</summary>
    LongLine = 16,

    /// <summary>The line may hold UTF-8, twice as long as a plain one (RFC 6856 §2.2).</summary>
    Utf8Line = 32,
}

/// <summary>One command: what it is called, when it may come, what it does. Stateless; state lives in the session.</summary>
abstract class Pop3Command
{
    /// <summary>Three or four characters, upper case (RFC 1939 §3).</summary>
    internal abstract string Verb { get; }

    internal abstract When When { get; }

    /// <summary>Runs the command. <paramref name="argument"/> is all after the space, valid until the next read; empty without one.</summary>
    internal abstract ValueTask RunAsync(Pop3Session session, ReadOnlyMemory<byte> argument, CancellationToken ct);
}

/// <summary>The commands by verb.</summary>
static class Pop3Commands
{
    internal static readonly IReadOnlyList<Pop3Command> All =
    [
        new Commands.AuthCommand(), new Commands.CapaCommand(), new Commands.DeleCommand(), new Commands.ListCommand(),
        new Commands.NoopCommand(), new Commands.PassCommand(), new Commands.QuitCommand(), new Commands.RetrCommand(),
        new Commands.RsetCommand(), new Commands.StatCommand(), new Commands.StlsCommand(), new Commands.TopCommand(),
        new Commands.UidlCommand(), new Commands.UserCommand(), new Commands.Utf8Command(),
    ];

    static readonly Dictionary<ulong, Pop3Command> ByVerb = All.ToDictionary(c => Key(System.Text.Encoding.ASCII.GetBytes(c.Verb)));

    /// <summary>The command of a keyword in any case (RFC 1939 §3), or null.</summary>
    internal static Pop3Command? Find(ReadOnlySpan<byte> keyword) =>
        keyword.Length is 3 or 4 && ByVerb.TryGetValue(Key(keyword), out var command) ? command : null;

    static ulong Key(ReadOnlySpan<byte> keyword)
    {
        var key = (ulong)keyword.Length; // so that a NUL in front is not nothing
        foreach (var c in keyword) key = key << 8 | (c is >= (byte)'a' and <= (byte)'z' ? c - 32ul : c);
        return key;
    }
}
