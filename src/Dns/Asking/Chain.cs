using Microsoft.Extensions.Logging;
using Posthorn.Dns.Packets;

namespace Posthorn.Dns.Asking;

/// <summary>An answer and how long it may be kept.</summary>
readonly record struct KeptAnswer(DnsAnswer Answer, TimeSpan Life);

/// <summary>
/// One question to its end: rounds of the servers, through CNAMEs (RFC 1034 §3.6.2) within one answer and across several.
/// </summary>
sealed class Chain(DnsQuestion question, ServerList servers, DnsResolverOptions options, TimeProvider time, ILogger log)
{
    const int MaxLinks = 10;
    readonly HashSet<string> _names = [question.Name];
    string _name = question.Name;
    bool _authentic = true;
    TimeSpan _life = options.MaxTtl;

    /// <summary>Ends, with an answer in any case, at the latest when cancelled.</summary>
    internal async Task<KeptAnswer> FollowAsync(CancellationToken budget)
    {
        while (true)
        {
            var asked = _name;
            var (server, reply, why) = await new Round(servers, options, time, log).AskAsync(asked, question.Type, budget).ConfigureAwait(false);
            if (server is null || reply is null) return Unknown(DnsStatus.Temporary, why);
            if (reply.Bogus)
            {
                DnsLog.Bogus(log, question.Type, _name, why);
                return Unknown(DnsStatus.Bogus, why, server);
            }
            // A chain is as trustworthy as its weakest link.
            _authentic &= reply.Authentic && server.Trusted;
            if (!Walk(reply)) return Unknown(DnsStatus.Temporary, _names.Count > MaxLinks + 1 ? $"more than {MaxLinks} CNAMEs in a row" : $"the CNAMEs of {question.Name} lead in a circle", server);
            var records = new List<DnsRecord>();
            foreach (var owned in reply.Records)
                if (!owned.Alias && owned.Owner == _name) records.Add(owned.Record);
            if (records.Count > 0)
            {
                foreach (var record in records) Shorten(record.Ttl);
                return new(Answer(DnsStatus.Found, records, null, server), _life);
            }
            // RFC 2308 §2.1: the code speaks of the last name of the chain.
            if (reply.Rcode == DnsReply.NxDomain) return Nothing(DnsStatus.NoSuchDomain, $"the domain {_name} does not exist", reply, server);
            if (_name == asked || reply.NegativeTtl is not null) return Nothing(DnsStatus.NoData, $"{_name} has no {question.Type.ToString().ToUpperInvariant()} record", reply, server);
            // The server knows only the first part of the chain.
        }
    }

    /// <summary>Goes along the CNAMEs of one answer. False when they are too many or come back to a name that was there.</summary>
    bool Walk(DnsReply reply)
    {
        if (question.Type == DnsType.Cname) return true;
        for (var i = 0; i < reply.Records.Count; i++)
        {
            var (owner, record, alias) = reply.Records[i];
            if (!alias || owner != _name || record is not DnsRecord.Name target) continue;
            if (!_names.Add(target.Target) || _names.Count > MaxLinks + 1) return false;
            Shorten(record.Ttl);
            _name = target.Target;
            // The links need not stand in their order; each step adds a name, so this ends.
            i = -1;
        }
        return true;
    }

    KeptAnswer Unknown(DnsStatus status, string why, DnsServer? server = null) => new(Answer(status, [], why, server), options.TemporaryTtl);

    /// <summary>RFC 2308 §5: as long as the SOA says; without one, not longer than must be.</summary>
    KeptAnswer Nothing(DnsStatus status, string why, DnsReply reply, DnsServer server)
    {
        var life = reply.NegativeTtl is { } said ? Least(said, options.MaxNegativeTtl) : options.MinTtl;
        life = Least(life, _life);
        return new(Answer(status, [], why, server), life < options.MinTtl ? options.MinTtl : life);
    }

    DnsAnswer Answer(DnsStatus status, IReadOnlyList<DnsRecord> records, string? why, DnsServer? server) =>
        new(status, records, _name, _authentic && status is not (DnsStatus.Temporary or DnsStatus.Bogus), why) { Server = server?.EndPoint };

    void Shorten(TimeSpan ttl) => _life = Least(_life, ttl);

    static TimeSpan Least(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
