using System.Globalization;
using Posthorn.Storage.Messages;

namespace Posthorn.Transfer.Files;

/// <summary>
/// The name of a message's file: a unique part, then ",S=octets" and ",W=octets with CRLF line ends" as Dovecot writes them,
/// then ":2," and a letter for each flag; small letters are keywords by their place in "dovecot-keywords".
/// </summary>
readonly record struct MaildirFileName(string Unique, long? Size, long? WireSize, string Letters)
{
    const string Info = ":2,";

    /// <summary>The most keywords that have a letter.</summary>
    public const int MostKeywords = 26;

    static readonly (char Letter, MessageFlags Flag)[] Letter =
    [
        ('D', MessageFlags.Draft), ('F', MessageFlags.Flagged), ('P', MessageFlags.Forwarded), ('R', MessageFlags.Answered), ('S', MessageFlags.Seen), ('T', MessageFlags.Deleted),
    ];

    /// <summary>Flags that have a letter of their own.</summary>
    public const MessageFlags WithLetter = MessageFlags.Draft | MessageFlags.Flagged | MessageFlags.Forwarded | MessageFlags.Answered | MessageFlags.Seen | MessageFlags.Deleted;

    /// <summary>Takes a name apart. Some systems have no colon in names and write another character.</summary>
    public static MaildirFileName Parse(string name)
    {
        var info = name.LastIndexOf("2,", StringComparison.Ordinal);
        var letters = "";
        if (info > 0 && name[info - 1] is ':' or ';' or '!') (letters, name) = (name[(info + 2)..], name[..(info - 1)]);
        long? size = null, wire = null;
        var parts = name.Split(',');
        foreach (var part in parts.AsSpan(1))
        {
            if (part.Length < 3 || part[1] != '=' || !long.TryParse(part.AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out var number)) continue;
            if (part[0] == 'S') size = number;
            else if (part[0] == 'W') wire = number;
        }
        return new MaildirFileName(parts[0], size, wire, letters);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Unique},S={Size},W={WireSize}{Info}{Letters}");

    /// <param name="keywords">Those of the directory, by their place.</param>
    public MailFlags Flags(IReadOnlyList<string> keywords)
    {
        var (flags, names) = (MessageFlags.None, new List<string>());
        foreach (var c in Letters)
        {
            flags |= Array.Find(Letter, l => l.Letter == c).Flag;
            if (c is >= 'a' and <= 'z' && c - 'a' < keywords.Count) names.Add(keywords[c - 'a']);
        }
        return MailFlags.Of(names, flags);
    }

    /// <param name="place">The place of a keyword in the directory; negative when there is none left.</param>
    public static string LettersOf(MailFlags flags, Func<string, int> place)
    {
        var letters = new List<char>();
        foreach (var (letter, flag) in Letter)
            if ((flags.Bits & flag) != 0) letters.Add(letter);
        foreach (var name in flags.Names(WithLetter))
            if (place(name) is >= 0 and var at) letters.Add((char)('a' + at));
        letters.Sort();
        return new string([.. letters]);
    }
}
