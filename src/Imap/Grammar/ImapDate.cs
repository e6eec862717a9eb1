using System.Globalization;
using System.Text;

namespace Posthorn.Imap.Grammar;

/// <summary><c>date</c> and <c>date-time</c> (RFC 9051 §9), in and out.</summary>
static class ImapDate
{
    const string Months = "JanFebMarAprMayJunJulAugSepOctNovDec";

    /// <summary><c>date = date-text / DQUOTE date-text DQUOTE</c>, e.g. 1-Feb-1994.</summary>
    internal static DateOnly Date(ref ImapReader r)
    {
        var text = Encoding.ASCII.GetString(r.AString());
        return TryDate(text, out var date) ? date : throw r.Bad("a date like 1-Feb-1994 expected");
    }

    static bool TryDate(ReadOnlySpan<char> text, out DateOnly date)
    {
        date = default;
        text = text.TrimStart(' ');
        var dash = text.IndexOf('-');
        if (dash is not (1 or 2) || text.Length != dash + 9 || text[dash + 4] != '-') return false;
        var month = Months.AsSpan().IndexOf(text.Slice(dash + 1, 3), StringComparison.OrdinalIgnoreCase);
        if (month < 0 || month % 3 != 0 || !Digits(text[..dash], out var day) || !Digits(text[(dash + 5)..], out var year)) return false;
        month = month / 3 + 1;
        if (year == 0 || day == 0 || day > DateTime.DaysInMonth(year, month)) return false;
        date = new DateOnly(year, month, day);
        return true;
    }

    static bool Digits(ReadOnlySpan<char> text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    /// <summary><c>date-time</c>, e.g. "17-Jul-1996 02:44:25 -0700", the day with a space or a zero before a single digit.</summary>
    internal static DateTimeOffset Time(ref ImapReader r)
    {
        if (r.Peek != '"') throw r.Bad("a date and time in quotes expected");
        var text = Encoding.ASCII.GetString(r.String()).AsSpan();
        if (text.Length == 26 && text[11] == ' ' && text[14] == ':' && text[17] == ':' && text[20] == ' ' && text[21] is '+' or '-'
            && TryDate(text[..11], out var date)
            && Digits(text.Slice(12, 2), out var hour) && Digits(text.Slice(15, 2), out var minute) && Digits(text.Slice(18, 2), out var second)
            && Digits(text.Slice(22, 2), out var zoneHour) && Digits(text.Slice(24, 2), out var zoneMinute)
            && hour < 24 && minute < 60 && second <= 60 && zoneHour <= 14 && zoneMinute < 60)
        {
            var zone = new TimeSpan(zoneHour, zoneMinute, 0);
            if (zone > TimeSpan.FromHours(14)) throw r.Bad("a zone within 14 hours expected");
            // A leap second is the last one of its minute: no clock here has a sixty-first.
            var local = date.ToDateTime(new TimeOnly(hour, minute, Math.Min(second, 59)));
            var utc = local.Ticks - (text[21] == '-' ? -zone.Ticks : zone.Ticks);
            if (utc >= 0 && utc <= DateTime.MaxValue.Ticks) return new DateTimeOffset(local, text[21] == '-' ? -zone : zone);
        }
        throw r.Bad("a date and time like \"17-Jul-1996 02:44:25 -0700\" expected");
    }

    /// <summary>Writes a date-time without its quotes: 26 octets.</summary>
    internal static void Write(DateTimeOffset time, Span<byte> into)
    {
        Two(time.Day, into);
        if (into[0] == '0') into[0] = (byte)' ';
        into[2] = into[6] = (byte)'-';
        Encoding.ASCII.GetBytes(Months.AsSpan((time.Month - 1) * 3, 3), into[3..]);
        Two(time.Year / 100, into[7..]);
        Two(time.Year % 100, into[9..]);
        into[11] = into[20] = (byte)' ';
        into[14] = into[17] = (byte)':';
        Two(time.Hour, into[12..]);
        Two(time.Minute, into[15..]);
        Two(time.Second, into[18..]);
        into[21] = time.Offset < TimeSpan.Zero ? (byte)'-' : (byte)'+';
        var zone = time.Offset.Duration();
        Two(zone.Hours, into[22..]);
        Two(zone.Minutes, into[24..]);
    }

    static void Two(int value, Span<byte> into) => (into[0], into[1]) = ((byte)('0' + value / 10), (byte)('0' + value % 10));
}
