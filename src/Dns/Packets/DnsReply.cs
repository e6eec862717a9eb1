namespace Posthorn.Dns.Packets;

/// <summary>What an answer says, taken out of its packet.</summary>
/// <param name="Rcode">The response code with its extension (RFC 6891 §6.1.3).</param>
/// <param name="Authoritative">AA.</param>
/// <param name="Recursive">RA.</param>
/// <param name="Authentic">AD, as the packet has it.</param>
/// <param name="Records">Of the answer section, those of the type asked for and the CNAMEs, with their owners, in their order.</param>
/// <param name="NegativeTtl">From the SOA of the authority section (RFC 2308 §5); null without one.</param>
/// <param name="Error">The extended error (RFC 8914); null without one.</param>
sealed record DnsReply(int Rcode, bool Authoritative, bool Recursive, bool Authentic, IReadOnlyList<OwnedRecord> Records, TimeSpan? NegativeTtl, int? Error)
{
    internal const int NoError = 0, FormErr = 1, ServFail = 2, NxDomain = 3, NotImp = 4, Refused = 5, BadVers = 16;

    /// <summary>A validating resolver found the answer forged or its signatures broken (RFC 8914 §4.7 to §4.13).</summary>
    internal bool Bogus => Rcode == ServFail && Error is >= 6 and <= 12;

    /// <summary>The server does not take EDNS (RFC 6891 §7).</summary>
    internal bool RefusesEdns => Rcode is FormErr or NotImp or BadVers;

    /// <summary>The server has an answer, if only that there is none.</summary>
    internal bool Answers => Rcode is NoError or NxDomain && (Records.Count > 0 || Authoritative || Recursive);

    /// <summary>Why this is no answer, in words behind the name of the server.</summary>
    internal string Refusal => (Rcode, Error) switch
    {
        (ServFail, >= 6 and <= 12) => $"says that the signatures of the answer are not valid ({Extended})",
        (ServFail, null) => "could not find it out (SERVFAIL)",
        (ServFail, _) => $"could not find it out (SERVFAIL, {Extended})",
        (Refused, null) => "refuses to answer (REFUSED)",
        (Refused, _) => $"refuses to answer (REFUSED, {Extended})",
        (NoError or NxDomain, _) => "is no resolver: it only points to other servers",
        (FormErr, _) => "does not understand the question (FORMERR)",
        (NotImp, _) => "does not do such questions (NOTIMP)",
        _ => $"answers with the error {Rcode}",
    };

    string Extended => Error switch
    {
        6 => "DNSSEC bogus",
        7 => "signature expired",
        8 => "signature not yet valid",
        9 => "DNSKEY missing",
        10 => "RRSIGs missing",
        11 => "no zone key",
        12 => "NSEC missing",
        15 or 16 or 17 or 18 => "blocked by policy",
        22 => "no server of the domain can be reached",
        23 => "network error",
        _ => $"extended error {Error}",
    };
}

/// <summary>A record and the name it belongs to.</summary>
readonly record struct OwnedRecord(string Owner, DnsRecord Record, bool Alias);
