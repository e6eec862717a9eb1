using System.Text;
using Posthorn.Imap.Grammar;
using Posthorn.Storage;
using Posthorn.Storage.Sharing;
using Posthorn.Wire.Sasl;

namespace Posthorn.Imap.Extensions.Acl;

/// <summary>The identifiers of rights (RFC 4314 §2): "anyone", or the address of an account; a name without a domain is one of the client's own domain.</summary>
static class Identifier
{
    internal const string Anyone = "anyone";

    /// <summary>An identifier, prepared (RFC 4314 §3).</summary>
    internal static string Read(ref ImapReader r)
    {
        var prepared = SaslPrep.Prepare(r.AString());
        return prepared is { Length: > 0 } ? Encoding.UTF8.GetString(prepared) : throw r.Bad("an identifier expected");
    }

    /// <summary>The account; null when there is none of that name. Negative rights ("-name") are not kept, and so are nobody's.</summary>
    internal static long? Account(ReadUnit unit, long who, string identifier)
    {
        identifier = identifier.ToLowerInvariant(); // as a login takes it
        if (identifier == Anyone) return RightsTable.Anyone;
        if (identifier.Contains('@', StringComparison.Ordinal)) return unit.Rights.Account(identifier);
        return unit.Rights.Address(who) is { } own ? unit.Rights.Account(identifier + own[own.LastIndexOf('@')..]) : null;
    }

    internal static string? Name(ReadUnit unit, long account) => account == RightsTable.Anyone ? Anyone : unit.Rights.Address(account);
}
