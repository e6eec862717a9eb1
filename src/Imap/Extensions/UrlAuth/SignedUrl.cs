using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Posthorn.Imap.Extensions.Catenate;

namespace Posthorn.Imap.Extensions.UrlAuth;

/// <summary>Who may use a signed URL (RFC 4467 §3).</summary>
enum UrlAccess
{
    Anonymous,

    /// <summary>Whoever has logged in.</summary>
    AuthUser,

    /// <summary>One user.</summary>
    User,

    /// <summary>A submission server on behalf of a user.</summary>
    Submit,
}

/// <summary>
/// An absolute URL of a message with who may use it and until when (RFC 4467 §3, RFC 5092 §6):
/// <c>imap://user[;AUTH=mechanism]@host/mailbox/;UID=n[/…][;EXPIRE=time];URLAUTH=access[:INTERNAL:token]</c>.
/// </summary>
/// <param name="Rump">All up to and with the access: what is signed.</param>
/// <param name="Token">In hexadecimal; null for a rump alone.</param>
/// <param name="Name">The user of <see cref="UrlAccess.User"/> and <see cref="UrlAccess.Submit"/>.</param>
sealed record SignedUrl(string Rump, string? Token, string Owner, string Host, MessageUrl Message, DateTimeOffset? Expires, UrlAccess Access, string Name)
{
    /// <summary>The one mechanism (RFC 4467 §2.4.1).</summary>
    internal const string Mechanism = "INTERNAL";

    const string Scheme = "imap://", Authorization = ";URLAUTH=", Expiry = ";EXPIRE=", Login = ";AUTH=";

    /// <summary>RFC 3339 §5.6, as RFC 5092 §11 has it.</summary>
    static readonly string[] Times = ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    /// <summary>The first octet of a token says how it was made: this is HMAC with SHA-256.</summary>
    const byte Version = 1;

    internal static bool TryParse(string url, out SignedUrl parsed)
    {
        parsed = null!;
        var at = url.LastIndexOf(Authorization, StringComparison.OrdinalIgnoreCase);
        if (at < 0 || !url.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return false;
        var rump = url;
        string? token = null;
        var parts = url[(at + Authorization.Length)..].Split(':');
        if (parts.Length == 3)
        {
            if (!parts[1].Equals(Mechanism, StringComparison.OrdinalIgnoreCase)) return false;
            (rump, token) = (url[..^(parts[1].Length + parts[2].Length + 2)], parts[2]);
        }
        else if (parts.Length != 1) return false;
        if (!TryAccess(parts[0], out var access, out var name)) return false;
        var rest = url[Scheme.Length..at];
        DateTimeOffset? expires = null;
        if (rest.LastIndexOf(Expiry, StringComparison.OrdinalIgnoreCase) is >= 0 and var expiry)
        {
            if (!DateTimeOffset.TryParseExact(rest[(expiry + Expiry.Length)..], Times, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)) return false;
            (expires, rest) = (time, rest[..expiry]);
        }
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !MessageUrl.TryParse(rest[slash..], out var message) || message.Mailbox is null) return false;
        var server = rest[..slash];
        var host = server.LastIndexOf('@');
        // RFC 5092 §3.2: how its owner would log in is of no use here.
        var user = host <= 0 ? "" : server[..host];
        if (user.IndexOf(Login, StringComparison.OrdinalIgnoreCase) is >= 0 and var login) user = user[..login];
        if (user.Length == 0 || user.Contains(';', StringComparison.Ordinal)) return false;
        parsed = new SignedUrl(rump, token, Uri.UnescapeDataString(user), server[(host + 1)..].Split(':')[0], message, expires, access, name);
        return true;
    }

    static bool TryAccess(string text, out UrlAccess access, out string name)
    {
        var plus = text.IndexOf('+', StringComparison.Ordinal);
        name = plus < 0 ? "" : Uri.UnescapeDataString(text[(plus + 1)..]);
        UrlAccess? known = (plus < 0 ? text : text[..plus]).ToUpperInvariant() switch
        {
            "ANONYMOUS" when plus < 0 => UrlAccess.Anonymous,
            "AUTHUSER" when plus < 0 => UrlAccess.AuthUser,
            "USER" when name.Length > 0 => UrlAccess.User,
            "SUBMIT" when name.Length > 0 => UrlAccess.Submit,
            _ => null,
        };
        access = known ?? default;
        return known is not null;
    }

    /// <summary>The token of a rump under a key.</summary>
    internal static string Sign(string rump, byte[] key) =>
        Convert.ToHexStringLower([Version, .. HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(rump))]);

    /// <summary>True when the token was made of this rump with this key; takes as long for any wrong one.</summary>
    internal bool IsSignedBy(byte[] key) =>
        Token is not null && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Sign(Rump, key)), Encoding.ASCII.GetBytes(Token.ToLowerInvariant()));
}
