using System.Buffers;
using System.Text;

namespace Posthorn.Imap.Views;

/// <summary>
/// The sets of keywords that messages of a mailbox have, each once, by number: 0 is none. Grows only; a number that was given
/// stays good for who has it. Thread-safe.
/// </summary>
sealed class KeywordSets
{
    /// <summary>Sets past which the view makes a new table of those still in use; a row has room for a million numbers.</summary>
    internal const int Most = 50_000;

    static readonly SearchValues<char> AtomChar = SearchValues.Create(
        "!#$&'+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[^_`abcdefghijklmnopqrstuvwxyz|}~");

    readonly Lock _adding = new();
    readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);
    string?[] _texts = new string?[4];
    byte[][] _octets = [[], [], [], []];
    string[] _shown = [];

    internal int Count { get; private set; } = 1;

    /// <summary>All keywords that occur in any set, in the order of their coming.</summary>
    internal IReadOnlyList<string> Names => Volatile.Read(ref _shown);

    /// <summary>The number of a set as the store writes it; null is none.</summary>
    internal int NumberOf(string? keywords)
    {
        if (keywords is null) return 0;
        lock (_adding) return Add(keywords);
    }

    int Add(string keywords)
    {
        if (_numbers.TryGetValue(keywords, out var number)) return number;
        if (Count == _texts.Length)
        {
            Array.Resize(ref _texts, Count * 2);
            Array.Resize(ref _octets, Count * 2);
        }
        // A keyword that came by another way than IMAP and is no atom cannot be said in IMAP.
        var sayable = keywords.Split(' ').Where(static k => k.Length > 0 && !k.AsSpan().ContainsAnyExcept(AtomChar)).ToArray();
        _texts[Count] = keywords;
        _octets[Count] = Encoding.ASCII.GetBytes(string.Join(' ', sayable));
        foreach (var name in sayable)
            if (_names.Add(name)) Volatile.Write(ref _shown, [.. _shown, name]);
        _numbers.Add(keywords, Count);
        return Count++;
    }

    /// <summary>A set as the store writes it.</summary>
    internal string? Text(int number) => Volatile.Read(ref _texts)[number];

    /// <summary>A set as IMAP says it, separated by spaces, without parentheses.</summary>
    internal ReadOnlySpan<byte> Octets(int number) => Volatile.Read(ref _octets)[number];

    /// <summary>True when a keyword, in any case, is in a set.</summary>
    internal bool Has(int number, string keyword)
    {
        if (Text(number) is not { } text) return false;
        foreach (var range in text.AsSpan().Split(' '))
            if (text.AsSpan()[range].Equals(keyword, StringComparison.OrdinalIgnoreCase)) return true;
        return false;
    }
}
