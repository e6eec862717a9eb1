using System.Globalization;

namespace Posthorn.Imap.Search;

/// <summary>The Date field as far as searches look: the day as written, without its time and zone (RFC 9051 §6.4.4, SENTON).</summary>
static class SentDate
{
    const string Months = "JanFebMarAprMayJunJulAugSepOctNovDec";

    /// <summary>Finds <c>day month year</c> (RFC 5322 §3.3, with the years of §4.3), wherever it stands.</summary>
    internal static bool TryDay(string? date, out DateOnly day)
    {
        day = default;
        if (date is null) return false;
        var words = date.Split([' ', '\t', ',', '-'], 16, StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i + 2 < words.Length; i++)
        {
            if (words[i + 1].Length < 3 || !TryNumber(words[i], out var d) || !TryNumber(words[i + 2], out var y)) continue;
            var month = Months.IndexOf(words[i + 1][..3], StringComparison.OrdinalIgnoreCase);
            if (month < 0 || month % 3 != 0) continue;
            // RFC 5322 §4.3
            if (words[i + 2].Length == 2) y += y < 50 ? 2000 : 1900;
            else if (words[i + 2].Length == 3) y += 1900;
            month = month / 3 + 1;
            if (y is < 1 or > 9999 || d < 1 || d > DateTime.DaysInMonth(y, month)) continue;
            day = new DateOnly(y, month, d);
            return true;
        }
        return false;
    }

    /// <summary>
    /// The moment that is meant, in UTC (RFC 5256 §2.2): a zone that cannot be read is UTC, a time that cannot be read is
    /// midnight. Null when there is no day.
    /// </summary>
    internal static DateTimeOffset? Moment(string? date)
    {
        if (!TryDay(date, out var day)) return null;
        var moment = new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
        var colon = date!.IndexOf(':', StringComparison.Ordinal);
        if (colon < 1) return moment;
        var start = date.LastIndexOf(' ', colon) + 1;
        var words = date[start..].Split(' ', 3, StringSplitOptions.RemoveEmptyEntries);
        var parts = words[0].Split(':');
        if (!TryNumber(parts[0], out var hour) || hour > 23 || !TryNumber(parts[1], out var minute) || minute > 59) return moment;
        var second = parts.Length > 2 && TryNumber(parts[2], out var s) && s <= 60 ? Math.Min(s, 59) : 0;
        moment = moment.Add(new TimeSpan(hour, minute, second));
        if (words.Length < 2 || Zone(words[1]) is not { } zone) return moment;
        var ticks = moment.UtcTicks - zone.Ticks;
        return ticks < 0 || ticks > DateTime.MaxValue.Ticks ? moment : new DateTimeOffset(ticks, TimeSpan.Zero);
    }

    static TimeSpan? Zone(string zone)
    {
        if (zone.Length == 5 && zone[0] is '+' or '-' && TryNumber(zone[1..], out var number) && number / 100 <= 14 && number % 100 < 60)
            return new TimeSpan(number / 100, number % 100, 0) * (zone[0] == '-' ? -1 : 1);
        // RFC 5322 §4.3
        return zone.ToUpperInvariant() switch
        {
            "EDT" => TimeSpan.FromHours(-4),
            "EST" or "CDT" => TimeSpan.FromHours(-5),
            "CST" or "MDT" => TimeSpan.FromHours(-6),
            "MST" or "PDT" => TimeSpan.FromHours(-7),
            "PST" => TimeSpan.FromHours(-8),
            _ => null,
        };
    }

    static bool TryNumber(string word, out int number) => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
