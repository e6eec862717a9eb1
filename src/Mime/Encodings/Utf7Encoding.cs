using System.Text;

namespace Posthorn.Mime.Encodings;

/// <summary>
/// UTF-7 (RFC 2152), for reading only: old mail and nothing else uses it. Kept away from everything but mail text, since a
/// browser that guesses UTF-7 can be led astray.
/// </summary>
sealed class Utf7Encoding : Encoding
{
    public override int GetByteCount(char[] chars, int index, int count) => throw new NotSupportedException("UTF-7 is only read");

    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) => throw new NotSupportedException("UTF-7 is only read");

    public override int GetCharCount(byte[] bytes, int index, int count) => new Reader().GetCharCount(bytes, index, count, flush: true);

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex) =>
        new Reader().GetChars(bytes, byteIndex, byteCount, chars, charIndex, flush: true);

    public override int GetMaxByteCount(int charCount) => throw new NotSupportedException("UTF-7 is only read");

    /// <summary>Never more characters than octets, but one pending at the end.</summary>
    public override int GetMaxCharCount(int byteCount) => byteCount + 1;

    public override Decoder GetDecoder() => new Reader();

    struct Place
    {
        internal bool Shifted;
        internal int Run; // octets since "+"
        internal int Bits;
        internal int Value;
        internal char High;
    }

    sealed class Reader : Decoder
    {
        Place _place;

        public override int GetCharCount(byte[] bytes, int index, int count) => GetCharCount(bytes, index, count, flush: false);

        public override int GetCharCount(byte[] bytes, int index, int count, bool flush)
        {
            var place = _place;
            return Decode(ref place, bytes.AsSpan(index, count), default, count: true, flush);
        }

        public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex) =>
            GetChars(bytes, byteIndex, byteCount, chars, charIndex, flush: false);

        public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex, bool flush) =>
            Decode(ref _place, bytes.AsSpan(byteIndex, byteCount), chars.AsSpan(charIndex), count: false, flush);

        public override void Reset() => _place = default;

        static int Decode(ref Place p, ReadOnlySpan<byte> octets, Span<char> into, bool count, bool flush)
        {
            var n = 0;
            foreach (var c in octets)
            {
                if (!p.Shifted)
                {
                    if (c == '+') p = new Place { Shifted = true };
                    else Put(into, ref n, c < 128 ? (char)c : '\uFFFD', count);
                    continue;
                }
                var six = Base64Decoder.Six(c);
                if (six < 0)
                {
                    EndShift(ref p, into, ref n, count, c);
                    continue;
                }
                p.Run++;
                p.Value = p.Value << 6 | six;
                p.Bits += 6;
                if (p.Bits < 16) continue;
                p.Bits -= 16;
                Unit(ref p, (char)(p.Value >> p.Bits), into, ref n, count);
                p.Value &= (1 << p.Bits) - 1;
            }
            if (flush)
            {
                if (p.High != 0) Put(into, ref n, '\uFFFD', count);
                p = default;
            }
            return n;
        }

        static void EndShift(ref Place p, Span<char> into, ref int n, bool count, byte c)
        {
            if (p.High != 0) Put(into, ref n, '\uFFFD', count);
            // "+-" is the plus sign; a "-" that ends a run is not text.
            if (p.Run == 0) Put(into, ref n, c == '-' ? '+' : '\uFFFD', count);
            p = default;
            if (c != '-') Put(into, ref n, c < 128 ? (char)c : '\uFFFD', count);
        }

        static void Unit(ref Place p, char unit, Span<char> into, ref int n, bool count)
        {
            var high = p.High;
            p.High = '\0';
            if (high != 0)
            {
                if (char.IsLowSurrogate(unit))
                {
                    Put(into, ref n, high, count);
                    Put(into, ref n, unit, count);
                    return;
                }
                Put(into, ref n, '\uFFFD', count);
            }
            if (char.IsHighSurrogate(unit)) p.High = unit;
            else Put(into, ref n, char.IsLowSurrogate(unit) ? '\uFFFD' : unit, count);
        }

        static void Put(Span<char> into, ref int n, char c, bool count)
        {
            if (!count) into[n] = c;
            n++;
        }

    }
}
