namespace Posthorn.Imap.Grammar;

/// <summary>How much one command may be. Literals that are streamed (APPEND) count for none of it.</summary>
/// <param name="Line">Octets of all lines of the command together, literals not counted.</param>
/// <param name="Literal">Octets of one literal.</param>
/// <param name="Literals">Octets of all literals of the command.</param>
/// <param name="Depth">Parentheses inside parentheses.</param>
/// <param name="Atoms">Atoms, numbers and strings.</param>
sealed record ImapLimits(int Line, int Literal, int Literals, int Depth, int Atoms)
{
    /// <summary>A literal that a stranger sends without asking has at most so many octets (RFC 7888 §5, LITERAL-).</summary>
    internal const int NonSynchronizing = 4096;

    /// <summary>Until somebody has logged in.</summary>
    internal static readonly ImapLimits Stranger = new(8 << 10, 4 << 10, 16 << 10, 4, 1000);

    /// <summary>ID comes before login and may be 30 pairs of up to 1,024 octets (RFC 2971 §3.3), about 40 kB with what is around them.</summary>
    internal static readonly ImapLimits StrangerId = new(40 << 10, 1 << 10, 40 << 10, 4, 1000);

    /// <summary>AUTHENTICATE with an initial response (RFC 4959 §3) as long as any other response of a mechanism.</summary>
    internal static readonly ImapLimits StrangerLogin = new(Wire.Sasl.SaslBase64.MaxEncoded + 256, 0, 0, 1, 10);

    /// <summary>After login.</summary>
    internal static readonly ImapLimits User = new(64 << 10, 64 << 10, 256 << 10, 32, 10_000);
}
