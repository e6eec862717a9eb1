using System.Text;

namespace Posthorn.Imap.Grammar;

/// <summary>
/// Net-Unicode as names of mailboxes have to be (RFC 9051 §5.1, RFC 5198 §3): composed, so that what looks the same is the same.
/// </summary>
static class NetUnicode
{
    const int Lead = 0x1100, Vowel = 0x1161, Trail = 0x11A7, Syllable = 0xAC00; // of Hangul
    const int Leads = 19, Vowels = 21, Trails = 28;

    /// <summary>
    /// True for text in Normalization Form C; also for a composed letter with a mark behind it that would have to be taken into it
    /// before the one that it has. Linear in its length.
    /// </summary>
    internal static bool IsComposed(string text)
    {
        var starter = -1; // the character that marks are about
        var last = 0; // the class of the mark before
        foreach (var rune in text.EnumerateRunes())
        {
            var c = rune.Value;
            if (c < 0xC0)
            {
                (starter, last) = (c, 0);
                continue;
            }
            if (Find(NetUnicodeTable.Never, 2, c) >= 0) return false;
            var mark = ClassOf(c);
            if (mark != 0 && mark < last) return false;
            // Nothing of the same class stands between.
            if (starter >= 0 && (last == 0 || last < mark) && Composes(starter, c)) return false;
            if (mark == 0) starter = c;
            last = mark;
        }
        return true;
    }

    static int ClassOf(int c) => Find(NetUnicodeTable.Classes, 3, c) is >= 0 and var at ? NetUnicodeTable.Classes[at + 2] : 0;

    /// <summary>Where the range begins that has a character, or -1.</summary>
    /// <param name="width">How many numbers stand for a range; the first two are its ends.</param>
    static int Find(ReadOnlySpan<int> ranges, int width, int c)
    {
        int low = 0, high = ranges.Length / width - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (c < ranges[middle * width]) high = middle - 1;
            else if (c > ranges[middle * width + 1]) low = middle + 1;
            else return middle * width;
        }
        return -1;
    }

    static bool Composes(int first, int second)
    {
        if (second is >= Vowel and < Vowel + Vowels) return first is >= Lead and < Lead + Leads;
        if (second is > Trail and < Trail + Trails) return first >= Syllable && first < Syllable + Leads * Vowels * Trails && (first - Syllable) % Trails == 0;
        var table = NetUnicodeTable.Composing;
        for (var at = 0; at < table.Length && table[at] <= second; at += 2 + 2 * table[at + 1])
            if (table[at] == second) return Find(table.Slice(at + 2, 2 * table[at + 1]), 2, first) >= 0;
        return false;
    }
}
