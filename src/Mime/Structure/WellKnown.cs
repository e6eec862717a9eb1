using System.Buffers;
using System.Text;

namespace Posthorn.Mime.Structure;

/// <summary>
/// The words that nearly all mail uses, so that reading a message makes no strings for them and storing it needs one octet
/// each. The order is on disk: append only.
/// </summary>
static class WellKnown
{
    internal static readonly string[] Words =
    [
        "text", "plain", "html", "multipart", "mixed", "alternative", "related", "message", "rfc822", "application",
        "octet-stream", "image", "jpeg", "png", "gif", "pdf", "audio", "video", "signed", "report", "digest",
        "delivery-status", "pgp-signature", "pkcs7-signature", "calendar", "7bit", "8bit", "binary", "base64",
        "quoted-printable", "charset", "boundary", "name", "format", "delsp", "type", "utf-8", "UTF-8", "us-ascii",
        "iso-8859-1", "ISO-8859-1", "flowed", "yes", "rfc822-headers", "csv", "zip", "micalg", "protocol", "method", "windows-1252",
        "attachment", "inline", "filename", "size", "creation-date", "modification-date", "x-unix-mode", "filename*", "name*", "msword",
        "en", "de", "fr", "report-type", "disposition-notification", "vcard", "x-vcard", "global", "svg+xml", "webp", "US-ASCII",
        "application/pgp-signature", "application/pkcs7-signature", "sha-256", "smime-type", "smime.p7s", "pgp-sha256", "pgp-sha512",
    ];

    static readonly System.Collections.Frozen.FrozenDictionary<string, int> Index = MakeIndex();
    static readonly System.Collections.Frozen.FrozenDictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> Lookup =
        Index.GetAlternateLookup<ReadOnlySpan<char>>();

    static System.Collections.Frozen.FrozenDictionary<string, int> MakeIndex()
    {
        var index = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < Words.Length; i++) index.Add(Words[i], i);
        return System.Collections.Frozen.FrozenDictionary.ToFrozenDictionary(index, StringComparer.Ordinal);
    }

    internal static int IndexOf(string word) => Index.TryGetValue(word, out var i) ? i : -1;

    /// <summary>A token in lower case.</summary>
    internal static string Lower(ReadOnlySpan<byte> token)
    {
        Span<char> lower = stackalloc char[128];
        Ascii.ToLower(token, lower, out var n);
        return Find(lower[..n]) ?? new string(lower[..n]);
    }

    /// <summary>A raw value as text.</summary>
    internal static string Text(ReadOnlySpan<byte> octets)
    {
        Span<char> ascii = stackalloc char[32];
        if (octets.Length <= ascii.Length && Ascii.ToUtf16(octets, ascii, out var n) == OperationStatus.Done && Find(ascii[..n]) is { } known)
            return known;
        return Encodings.Charsets.Guess(octets);
    }

    static string? Find(ReadOnlySpan<char> word) => Lookup.TryGetValue(word, out var i) ? Words[i] : null;
}
