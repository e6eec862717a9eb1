using System.Text;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Grammar;

/// <summary>Flags as a client sends them.</summary>
/// <param name="System">Those that the store has a bit for.</param>
/// <param name="Keywords">The others, as written, each once in any case.</param>
sealed record FlagList(MessageFlags System, IReadOnlyList<string> Keywords)
{
    internal static readonly FlagList None = new(MessageFlags.None, []);

    /// <summary>Names of the flags with a bit, in the order of their bits (RFC 9051 §2.3.2).</summary>
    static readonly (MessageFlags Flag, byte[] Name)[] Names =
    [
        (MessageFlags.Seen, "\\Seen"u8.ToArray()), (MessageFlags.Answered, "\\Answered"u8.ToArray()), (MessageFlags.Flagged, "\\Flagged"u8.ToArray()),
        (MessageFlags.Deleted, "\\Deleted"u8.ToArray()), (MessageFlags.Draft, "\\Draft"u8.ToArray()), (MessageFlags.Forwarded, "$Forwarded"u8.ToArray()),
        (MessageFlags.MdnSent, "$MDNSent"u8.ToArray()), (MessageFlags.Junk, "$Junk"u8.ToArray()), (MessageFlags.NotJunk, "$NotJunk"u8.ToArray()),
        (MessageFlags.Phishing, "$Phishing"u8.ToArray()),
    ];

    /// <summary>The flags of a set, each in IMAP's words.</summary>
    internal static IEnumerable<byte[]> NamesOf(MessageFlags flags)
    {
        foreach (var (flag, name) in Names)
            if ((flags & flag) != 0) yield return name;
    }

    /// <summary>The bit of a flag or keyword in any case; false for a keyword without one.</summary>
    internal static bool TryBit(ReadOnlySpan<byte> name, out MessageFlags bit)
    {
        foreach (var (flag, known) in Names)
            if (Ascii.EqualsIgnoreCase(name, known))
            {
                bit = flag;
                return true;
            }
        bit = MessageFlags.None;
        return false;
    }

    /// <summary><c>flag-list = "(" [flag *(SP flag)] ")"</c></summary>
    internal static FlagList Read(ref ImapReader r)
    {
        r.Open();
        var list = new Builder();
        if (r.TryClose()) return None;
        do list.Flag(ref r);
        while (r.TryTake((byte)' '));
        r.Close();
        return list.Build();
    }

    /// <summary>A flag-list, or flags without parentheses as STORE takes them: <c>flag-list / (flag *(SP flag))</c>.</summary>
    internal static FlagList ReadBare(ref ImapReader r)
    {
        if (r.Peek == '(') return Read(ref r);
        var list = new Builder();
        do list.Flag(ref r);
        while (r.TryTake((byte)' '));
        return list.Build();
    }

    struct Builder
    {
        MessageFlags _flags;
        List<string>? _keywords;
        HashSet<string>? _seen;

        internal void Flag(ref ImapReader r)
        {
            var system = r.TryTake((byte)'\\');
            var name = r.Atom();
            if (system)
            {
                Span<byte> full = stackalloc byte[16];
                full[0] = (byte)'\\';
                // RFC 9051 §9, flag-extension: a flag of a standard that is not known cannot be kept, and \Recent cannot be set.
                if (name.Length > 14 || !name.TryCopyTo(full[1..]) || !TryBit(full[..(name.Length + 1)], out var bit)) throw r.Bad("a flag that can be set expected");
                _flags |= bit;
                return;
            }
            if (TryBit(name, out var known))
            {
                _flags |= known;
                return;
            }
            var keyword = Encoding.ASCII.GetString(name);
            if ((_seen ??= new HashSet<string>(StringComparer.OrdinalIgnoreCase)).Add(keyword)) (_keywords ??= []).Add(keyword);
        }

        internal readonly FlagList Build() => new(_flags, _keywords ?? (IReadOnlyList<string>)[]);
    }
}
