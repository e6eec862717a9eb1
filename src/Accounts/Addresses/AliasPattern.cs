using System.Diagnostics.CodeAnalysis;
using Posthorn.Wire.Addresses;

namespace Posthorn.Accounts.Addresses;

/// <summary>The five forms of an alias pattern, in the order in which they are asked (docs/addresses.md).</summary>
enum PatternKind
{
    /// <summary><c>local@domain</c></summary>
    Exact,

    /// <summary><c>local@*</c>: this local part in all our domains.</summary>
    EveryDomain,

    /// <summary><c>prefix*@domain</c></summary>
    Prefix,

    /// <summary><c>*@domain</c>: whatever else comes to the domain.</summary>
    CatchAll,

    /// <summary><c>*@*.domain</c>: every address in every subdomain.</summary>
    Subdomains,
}

/// <summary>An alias pattern in its normal form: all lower case, the domain as A-labels.</summary>
/// <param name="Local">The local part or prefix without the star; empty for the catch-alls.</param>
/// <param name="Domain">The domain without "*."; empty for <see cref="PatternKind.EveryDomain"/>.</param>
sealed record AliasPattern(PatternKind Kind, string Local, string Domain)
{
    public override string ToString() => Kind switch
    {
        PatternKind.Exact => new EmailAddress(Local, Domain).ToString(),
        PatternKind.EveryDomain => new EmailAddress(Local, "*").ToString(),
        PatternKind.Prefix => Local + "*@" + Domain,
        PatternKind.CatchAll => "*@" + Domain,
        _ => "*@*." + Domain,
    };

    /// <summary>Reads a pattern; when it is none, <paramref name="reason"/> says why in words.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out AliasPattern? pattern, [NotNullWhen(false)] out string? reason)
    {
        pattern = null;
        reason = null;
        text = text.Trim();
        var at = text.LastIndexOf('@');
        if (at <= 0 || at == text.Length - 1)
        {
            reason = $"\"{text}\" is no alias pattern: write local@domain, local@*, *@domain, *@*.domain or prefix*@domain";
            return false;
        }
        var local = text[..at];
        var host = text[(at + 1)..];
        var star = local[^1] == '*' && local[0] != '"';
        if (star) local = local[..^1];
        if (local.Contains('*'))
        {
            reason = $"\"{text}\": a star may only end the local part";
            return false;
        }
        if (host == "*") return TryEveryDomain(text, local, star, out pattern, out reason);
        var below = host.StartsWith("*.", StringComparison.Ordinal);
        if (below && !(star && local.Length == 0))
        {
            reason = $"\"{text}\": subdomains are only caught whole, as *@{host}";
            return false;
        }
        var domain = EmailAddress.NormalizeDomain(below ? host[2..] : host);
        if (domain is null)
        {
            reason = $"\"{text}\": \"{host}\" is no domain name";
            return false;
        }
        var kind = below ? PatternKind.Subdomains : !star ? PatternKind.Exact : local.Length == 0 ? PatternKind.CatchAll : PatternKind.Prefix;
        if (kind is PatternKind.Exact or PatternKind.Prefix && !TryLocal(ref local, star))
        {
            reason = $"\"{text}\": \"{local}\" is no local part of an address";
            return false;
        }
        pattern = new AliasPattern(kind, local, domain);
        return true;
    }

    static bool TryEveryDomain(string text, string local, bool star, [NotNullWhen(true)] out AliasPattern? pattern, [NotNullWhen(false)] out string? reason)
    {
        pattern = null;
        reason = null;
        if (star) reason = $"\"{text}\" would catch mail in all our domains at once: write it for each domain, as {local}*@domain";
        else if (!TryLocal(ref local, prefix: false)) reason = $"\"{text}\": \"{local}\" is no local part of an address";
        else pattern = new AliasPattern(PatternKind.EveryDomain, local, "");
        return pattern is not null;
    }

    // A prefix may end where a whole local part may not ("info."), so it is tried with a letter after it.
    static bool TryLocal(ref string local, bool prefix)
    {
        if (EmailAddress.TryParse(local + (prefix ? "x" : "") + "@x.invalid") is not { } parsed) return false;
        local = (prefix ? parsed.LocalPart[..^1] : parsed.LocalPart).ToLowerInvariant();
        return true;
    }
}
