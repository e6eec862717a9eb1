using System.Globalization;
using Posthorn.Verbs;

namespace Posthorn.Transfer;

/// <summary>A line on the terminal that says how far a long command is; nothing where the error output is no terminal.</summary>
sealed class Progress(TextWriter? to, TimeProvider time)
{
    static readonly TimeSpan Step = TimeSpan.FromMilliseconds(200);
    const int BarWidth = 24, MostName = 30;

    long _last, _messages, _octets, _done, _total, _count;
    string _what = "";
    int _width;

    /// <summary>Begins a part of the work.</summary>
    /// <param name="total">Octets that it will have; 0 when that is not known.</param>
    /// <param name="count">Messages that it will have; 0 when that is not known.</param>
    public void Begin(string what, long total, long count = 0) => (_what, _total, _count, _octets, _done) = (what, total, count, 0, 0);

    /// <summary>Says that one more message was done, and how many octets of the part's total that were.</summary>
    public void Message(long octets)
    {
        _messages++;
        _done++;
        _octets += octets;
        if (to is null || (_last != 0 && time.GetElapsedTime(_last) < Step)) return;
        _last = time.GetTimestamp();
        var name = new string([.. (_what.Length > MostName ? "…" + _what[^(MostName - 1)..] : _what).Select(static c => char.IsControl(c) ? '?' : c)]);
        var line = $"{name}  {Bar()}{_messages.ToString("N0", CultureInfo.InvariantCulture)} messages, {VerbJson.Size(_octets)}";
        to.Write("\r" + line.PadRight(_width));
        _width = line.Length;
    }

    /// <summary>Takes the line away, before something else is printed.</summary>
    public void End()
    {
        if (_width > 0) to!.Write("\r" + new string(' ', _width) + "\r");
        _width = 0;
    }

    string Bar()
    {
        if (_total <= 0 && _count <= 0) return "";
        var share = Math.Clamp(_total > 0 ? (double)_octets / _total : (double)_done / _count, 0, 1);
        var full = (int)(share * BarWidth);
        return $"[{new string('#', full)}{new string('.', BarWidth - full)}] {(int)(share * 100),3} %  ";
    }
}
