using System.Globalization;
using System.Text;

namespace Posthorn.Transfer.Files;

/// <summary>The line before each message of an mbox (RFC 4155): "From sender Sat Nov 21 16:57:28 2026", time in UTC.</summary>
static class Postmark
{
    const int MostOctets = 1000;

    static readonly string[] Days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    static readonly string[] Months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

    /// <summary>How those that are written here begin.</summary>
    public static ReadOnlySpan<byte> Begin => "From MAILER-DAEMON "u8;

    /// <summary>True for a line that has a date as this one has; a sentence that begins with "From" has none.</summary>
    public static bool TryParse(ReadOnlySpan<byte> line, out DateTimeOffset date)
    {
        date = default;
        if (!line.StartsWith("From "u8) || line.Length > MostOctets) return false;
        var words = Encoding.Latin1.GetString(line).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        for (var i = words.Length - 5; i >= 1; i--)
            if (Array.IndexOf(Days, words[i]) >= 0 && TryDate(words.AsSpan(i + 1), out date)) return true;
        return false;
    }

    static bool TryDate(ReadOnlySpan<string> words, out DateTimeOffset date)
    {
        date = default;
        var month = Array.IndexOf(Months, words[0]) + 1;
        if (month == 0 || !int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var day)) return false;
        if (!TimeSpan.TryParseExact(words[2], [@"hh\:mm\:ss", @"hh\:mm", @"h\:mm\:ss"], CultureInfo.InvariantCulture, out var time)) return false;
        // Some write a zone before the year, some behind it; of a name in letters nobody knows what it meant.
        var year = 0;
        var zone = TimeSpan.Zero;
        foreach (var word in words[3..])
        {
            if (word.Length == 4 && int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) year = number;
            else if (word.Length == 5 && word[0] is '+' or '-' && int.TryParse(word.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var hours)) zone = (word[0] == '-' ? -1 : 1) * new TimeSpan(hours / 100, hours % 100, 0);
        }
        if (year < 1970 || day < 1 || day > DateTime.DaysInMonth(year, month) || zone.Duration() > TimeSpan.FromHours(14)) return false;
        date = new DateTimeOffset(new DateTime(year, month, day).Add(time), zone);
        return true;
    }

    /// <summary>The line, without its end.</summary>
    public static string Of(DateTimeOffset date)
    {
        var utc = date.UtcDateTime;
        return string.Create(CultureInfo.InvariantCulture, $"From MAILER-DAEMON {Days[(int)utc.DayOfWeek]} {Months[utc.Month - 1]} {utc.Day,2} {utc:HH:mm:ss} {utc.Year}");
    }
}
