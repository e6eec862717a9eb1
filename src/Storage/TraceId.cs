namespace Posthorn.Storage;

/// <summary>The id of a message's story: in the 250 reply, the Received line, the log. 13 characters of base32 (Crockford, lower case).</summary>
public readonly record struct TraceId(long Value)
{
    const int Characters = 13;
    const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

    public override string ToString() => string.Create(Characters, (ulong)Value, static (text, value) =>
    {
        for (var i = Characters - 1; i >= 0; i--, value >>= 5)
            text[i] = Alphabet[(int)(value & 31)];
    });

    /// <summary>Reads what <see cref="ToString"/> wrote, in either case, with Crockford's look-alikes (i, l, o).</summary>
    public static bool TryParse(string text, out TraceId id)
    {
        id = default;
        // The first of 13 characters carries the upper four of 64 bits.
        if (text is not { Length: Characters } || Digit(text[0]) is < 0 or > 15)
            return false;
        var value = 0UL;
        foreach (var c in text)
        {
            if (Digit(c) is var digit && digit < 0)
                return false;
            value = value << 5 | (uint)digit;
        }
        id = new TraceId((long)value);
        return true;
    }

    static int Digit(char c) => char.ToLowerInvariant(c) switch
    {
        'o' => 0,
        'i' or 'l' => 1,
        var lower => Alphabet.IndexOf(lower),
    };
}

/// <summary>
/// Makes ids that rise and never repeat: milliseconds since 2020 above 20 bits that start at random in each millisecond and
/// count on from there. The first id lies above the highest one stored, should the clock have gone back.
/// </summary>
sealed class TraceClock(TimeProvider time, long last)
{
    static readonly DateTimeOffset Epoch = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
    long _last = last;

    internal TraceId Next()
    {
        var milliseconds = Math.Max(0, (long)(time.GetUtcNow() - Epoch).TotalMilliseconds);
        // Half of the range, so that counting on from there seldom runs into the next millisecond.
        var fresh = milliseconds << 20 | (uint)Random.Shared.Next(1 << 19);
        while (true)
        {
            var last = Volatile.Read(ref _last);
            var next = last >> 20 >= milliseconds ? last + 1 : fresh;
            if (Interlocked.CompareExchange(ref _last, next, last) == last)
                return new TraceId(next);
        }
    }
}
