using System.Buffers;
using Posthorn.Storage.Messages;

namespace Posthorn.Transfer;

/// <summary>Flags of one message: those with a bit, and the names of the others.</summary>
/// <param name="Bits">As the store has them.</param>
/// <param name="Keywords">Atoms (RFC 9051 §9) without a bit, each once.</param>
sealed record MailFlags(MessageFlags Bits, IReadOnlyList<string> Keywords)
{
    public static readonly MailFlags None = new(MessageFlags.None, []);

    /// <summary>Of one message no more keywords are kept, and none that is longer: clients make few and short ones.</summary>
    const int MostKeywords = 100, MostLength = 100;

    // RFC 9051 §9: an atom has no specials and no controls. A backslash begins a system flag only.
    static readonly SearchValues<char> AtomChar = SearchValues.Create("!#$&'+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[^_`abcdefghijklmnopqrstuvwxyz|}~");

    static readonly (MessageFlags Bit, string Name)[] Known =
    [
        (MessageFlags.Seen, "\\Seen"), (MessageFlags.Answered, "\\Answered"), (MessageFlags.Flagged, "\\Flagged"), (MessageFlags.Deleted, "\\Deleted"), (MessageFlags.Draft, "\\Draft"),
        (MessageFlags.Forwarded, "$Forwarded"), (MessageFlags.MdnSent, "$MDNSent"), (MessageFlags.Junk, "$Junk"), (MessageFlags.NotJunk, "$NotJunk"), (MessageFlags.Phishing, "$Phishing"),
    ];

    /// <summary>Flags by IMAP's names, in any case. What cannot be a keyword is left out.</summary>
    public static MailFlags Of(IEnumerable<string> names, MessageFlags bits = MessageFlags.None)
    {
        List<string>? keywords = null;
        foreach (var name in names)
        {
            var known = Array.Find(Known, k => k.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
            bits |= known.Bit;
            if (known.Bit != MessageFlags.None || name.Length is 0 or > MostLength || name.AsSpan().ContainsAnyExcept(AtomChar)) continue;
            keywords ??= [];
            if (keywords.Count < MostKeywords && !keywords.Contains(name, StringComparer.OrdinalIgnoreCase)) keywords.Add(name);
        }
        return bits == MessageFlags.None && keywords is null ? None : new MailFlags(bits, keywords ?? (IReadOnlyList<string>)[]);
    }

    /// <summary>Keywords as the store has them: parted by spaces.</summary>
    public static MailFlags OfStored(MessageFlags bits, string? keywords) => new(bits, keywords is null ? [] : keywords.Split(' '));

    /// <summary>The names of what has no letter in a Maildir's or an mbox's own words: keywords, and bits that are keywords to others.</summary>
    /// <param name="without">Bits that are told in another way.</param>
    public IEnumerable<string> Names(MessageFlags without) => Known.Where(k => (Bits & ~without & k.Bit) != 0).Select(static k => k.Name).Concat(Keywords);
}
