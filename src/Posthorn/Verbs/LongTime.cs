using System.Globalization;

namespace Posthorn.Verbs;

/// <summary>Times of the life of mail as they are written: a whole number and m, h, d, w or y (365 days).</summary>
static class LongTime
{
    static readonly (char Unit, TimeSpan Length)[] Units =
        [('y', TimeSpan.FromDays(365)), ('w', TimeSpan.FromDays(7)), ('d', TimeSpan.FromDays(1)), ('h', TimeSpan.FromHours(1)), ('m', TimeSpan.FromMinutes(1))];

    static readonly TimeSpan Most = TimeSpan.FromDays(100 * 365);

    /// <summary>Null for what is no time of a minute to a hundred years.</summary>
    public static TimeSpan? TryParse(string text)
    {
        if (text.Length < 2 || !int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number == 0) return null;
        foreach (var (unit, length) in Units)
            if (unit == text[^1] && number <= Most / length) return number * length;
        return null;
    }

    /// <summary>In days where it is whole days, else in the smaller units.</summary>
    public static string Text(TimeSpan time)
    {
        foreach (var (unit, length) in Units[2..])
            if (time.Ticks % length.Ticks == 0) return string.Create(CultureInfo.InvariantCulture, $"{time.Ticks / length.Ticks}{unit}");
        return string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(time.TotalMinutes)}m");
    }
}
