using System.Globalization;

namespace Posthorn.Accounts.Routes;

/// <summary>Times as they are written for a route: a whole number and s, m, h or d.</summary>
static class Durations
{
    static readonly (string Unit, TimeSpan Length)[] Units =
        [("d", TimeSpan.FromDays(1)), ("h", TimeSpan.FromHours(1)), ("m", TimeSpan.FromMinutes(1)), ("s", TimeSpan.FromSeconds(1))];

    /// <summary>The longest that makes sense: mail is not kept for years.</summary>
    static readonly TimeSpan Most = TimeSpan.FromDays(365);

    public static bool TryParse(string text, out TimeSpan time)
    {
        time = default;
        var end = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        if (end <= 0 || !int.TryParse(text.AsSpan(0, end), NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return false;
        var unit = text[end..].Trim();
        if (unit == "min") unit = "m";
        foreach (var (name, length) in Units)
            if (name == unit && number <= Most / length) time = number * length;
        return time > TimeSpan.Zero;
    }

    /// <summary>With the largest unit that fits without a rest: 90 minutes are "90m", 120 are "2h".</summary>
    public static string Text(TimeSpan time)
    {
        foreach (var (unit, length) in Units)
            if (time.Ticks % length.Ticks == 0) return string.Create(CultureInfo.InvariantCulture, $"{time.Ticks / length.Ticks}{unit}");
        return string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(time.TotalSeconds)}s");
    }
}
