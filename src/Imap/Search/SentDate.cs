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

    static bool TryNumber(string word, out int number) => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
