using System.Diagnostics.CodeAnalysis;
using Posthorn.Wire.Addresses;

namespace Posthorn.Accounts.Routes;

/// <summary>The forms of a route's pattern, the most specific first.</summary>
enum RoutePatternKind
{
    /// <summary><c>user@example.net</c></summary>
    Address,

    /// <summary><c>example.net</c>, also written <c>*@example.net</c>.</summary>
    Domain,

    /// <summary><c>*.example.net</c>, also written <c>*@*.example.net</c>: all domains below it, not itself.</summary>
    Subdomains,
}

/// <summary>A route's pattern in its one normal form: lower case, the domain as A-labels or as an address literal.</summary>
/// <param name="Local">The local part; empty but for <see cref="RoutePatternKind.Address"/>.</param>
/// <param name="Domain">Without "*.".</param>
sealed record RoutePattern(RoutePatternKind Kind, string Local, string Domain)
{
    public override string ToString() => Kind switch
    {
        RoutePatternKind.Address => new EmailAddress(Local, Domain).ToString(),
        RoutePatternKind.Domain => Domain,
        _ => "*." + Domain,
    };

    /// <summary>Reads a pattern; when it is none, <paramref name="why"/> says so in words.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out RoutePattern? pattern, [NotNullWhen(false)] out string? why)
    {
        pattern = null;
        why = null;
        text = text.Trim();
        if (text is "*" or "*@*" or "") why = "a route for everything is the default: posthorn route default TRANSPORT";
        else if (text.IndexOf('@') < 0 || text.StartsWith("*@", StringComparison.Ordinal)) pattern = OfDomain(text.IndexOf('@') < 0 ? text : text[2..]);
        else if (EmailAddress.TryParse(text) is { } address && !address.LocalPart.Contains('*'))
            pattern = new(RoutePatternKind.Address, address.LocalPart.ToLowerInvariant(), address.Domain);
        if (pattern is null) why ??= $"\"{text}\" is no pattern of a route: write example.net, *.example.net, user@example.net or *@example.net";
        return pattern is not null;
    }

    static RoutePattern? OfDomain(string text)
    {
        var below = text.StartsWith("*.", StringComparison.Ordinal);
        if (EmailAddress.TryParse("x@" + (below ? text[2..] : text)) is not { } parsed || below && parsed.IsLiteral) return null;
        return new(below ? RoutePatternKind.Subdomains : RoutePatternKind.Domain, "", parsed.Domain);
    }
}
