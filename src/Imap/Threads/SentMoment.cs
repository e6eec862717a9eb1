using System.Globalization;
using Posthorn.Imap.Search;

namespace Posthorn.Imap.Threads;

/// <summary>The sent date (RFC 5256 §2.2): the Date field as a moment.</summary>
static class SentMoment
{
    /// <summary>Words of a date field that are looked at.</summary>
    const int MostWords = 16;

    /// <summary>
    /// The moment in UTC; null when there is no day in it. A time that cannot be read is midnight, a zone that cannot be read
    /// is UTC.
    /// </summary>
    internal static DateTimeOffset? TryRead(string? date)
    {
        if (!SentDate.TryDay(date, out var day)) return null;
        var words = date!.Split([' ', '\t', ',', '\r', '\n'], MostWords, StringSplitOptions.RemoveEmptyEntries);
        var at = Array.FindIndex(words, static w => w.Contains(':', StringComparison.Ordinal));
        if (at < 0 || !TryTime(words[at], out var time)) return new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero);
        var local = day.ToDateTime(time);
        var zone = at + 1 < words.Length ? Zone(words[at + 1]) : TimeSpan.Zero;
        // At the ends of the calendar there is nothing to shift to.
        return local.Ticks - zone.Ticks is var ticks && ticks >= 0 && ticks <= DateTime.MaxValue.Ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : new DateTimeOffset(local.Ticks, TimeSpan.Zero);
    }

    static bool TryTime(string word, out TimeOnly time)
    {
        time = default;
        var parts = word.Split(':');
        var seconds = 0;
        if (parts.Length is < 2 or > 3 || !TryNumber(parts[0], 23, out var hours) || !TryNumber(parts[1], 59, out var minutes)) return false;
        if (parts.Length == 3 && !TryNumber(parts[2], 60, out seconds)) return false;
        time = new TimeOnly(hours, minutes, Math.Min(seconds, 59)); // a leap second
        return true;
    }

    static bool TryNumber(string text, int most, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= most;

    /// <summary>RFC 5322 §3.3, with the names of §4.3.</summary>
    static TimeSpan Zone(string word)
    {
        if (word.Length == 5 && word[0] is '+' or '-' && TryNumber(word[1..], 9999, out var number) && number % 100 < 60 && number < 2400)
            return new TimeSpan(number / 100, number % 100, 0) * (word[0] == '-' ? -1 : 1);
        return TimeSpan.FromHours(word.ToUpperInvariant() switch
        {
            "EDT" => -4,
            "EST" or "CDT" => -5,
            "CST" or "MDT" => -6,
            "MST" or "PDT" => -7,
            "PST" => -8,
            _ => 0,
        });
    }
}
