using Posthorn.Imap.Grammar;

namespace Posthorn.Imap.Extensions.Metadata;

/// <summary>The name of an annotation (RFC 5464 §3.2).</summary>
/// <param name="Private">The client's own; else shared.</param>
/// <param name="Name">Behind the scope, in lower case; begins with "/".</param>
readonly record struct EntryName(bool Private, string Name)
{
    const int Longest = 255;

    internal string Text => (Private ? "/private" : "/shared") + Name;

    /// <summary>Reads an entry, or with <paramref name="scope"/> also a scope alone, for DEPTH.</summary>
    internal static EntryName Read(ref ImapReader r, bool scope = false)
    {
        var text = r.AStringText();
        return TryParse(text, scope, out var name) ? name : throw r.Bad("the name of an entry expected");
    }

    internal static bool TryParse(string text, bool scope, out EntryName name)
    {
        name = default;
        // RFC 5464 §3.2: names are case-insensitive, and neither controls, wildcards nor empty components are in them.
        text = text.ToLowerInvariant();
        if (text.Length > Longest || text.EndsWith('/') || text.Contains("//", StringComparison.Ordinal)) return false;
        foreach (var c in text)
            if (c is < ' ' or > '~' or '*' or '%') return false;
        var isPrivate = text.StartsWith("/private", StringComparison.Ordinal);
        if (!isPrivate && !text.StartsWith("/shared", StringComparison.Ordinal)) return false;
        name = new EntryName(isPrivate, text[(isPrivate ? 8 : 7)..]);
        // RFC 5464 §3.2: a vendor's entries stand below the vendor.
        if (!scope && (name.Name == "/vendor" || name.Name.StartsWith("/vendor/", StringComparison.Ordinal) && name.Name.AsSpan(8).IndexOf('/') < 0)) return false;
        return name.Name.Length == 0 ? scope : name.Name[0] == '/';
    }
}
