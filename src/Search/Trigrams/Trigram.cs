using System.Runtime.CompilerServices;

namespace Posthorn.Search.Trigrams;

/// <summary>
/// Three UTF-16 units of folded text as one key. Those of ASCII have a key each; the others share two million, which can only
/// make the index name more messages than it had to.
/// </summary>
static class Trigram
{
    /// <summary>The key under which messages stand that must always be read.</summary>
    internal const int Always = 0;

    /// <summary>Keys are below this.</summary>
    internal const int Keys = 2 << AsciiBits;

    /// <summary>The bits of three units, the last one lowest.</summary>
    internal const ulong Window = 0xFFFF_FFFF_FFFF;

    const int AsciiBits = 21;

    /// <summary>Bits that no unit of an ASCII trigram has.</summary>
    const ulong BeyondAscii = 0xFF80_FF80_FF80;

    /// <param name="units">Three units, the last one in the lowest 16 bits.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Key(ulong units) => (units & BeyondAscii) == 0
        ? Math.Max(1, (int)(units >> 32) << 14 | (int)(units >> 16 & 0x7F) << 7 | (int)(units & 0x7F))
        : 1 << AsciiBits | (int)(units * 0x9E37_79B9_7F4A_7C15 >> 64 - AsciiBits);
}
