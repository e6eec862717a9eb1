using System.Net;
using System.Net.Sockets;
using Posthorn.Delivery.Queue;
using Posthorn.Dns;

namespace Posthorn.Delivery.Outbound;

/// <summary>
/// From a domain to the hosts that take its mail (RFC 5321 §5.1, RFC 7505). What the DNS cannot tell now defers; what it
/// tells with authority fails at the second attempt that hears it, but for a null MX, which nobody writes by mistake.
/// </summary>
sealed class HostFinder(IDnsResolver resolver, IConnector network, QueueOptions options, Random random)
{
    /// <summary>MX hosts whose addresses are asked for: a zone with a thousand must not make a thousand questions.</summary>
    const int MostAsked = 10;

    /// <summary>Addresses of one host that are looked at.</summary>
    const int MostAddresses = 8;

    /// <summary>The hosts of a recipient's domain, or of an address literal.</summary>
    internal async ValueTask<HostPlan> ForDomainAsync(string domain, CancellationToken ct)
    {
        if (domain.StartsWith('[')) return ForLiteral(domain);
        var answer = await resolver.LookupAsync(domain, DnsType.Mx, ct).ConfigureAwait(false);
        return answer.Status switch
        {
            DnsStatus.Found => await ForExchangesAsync(domain, answer, ct).ConfigureAwait(false),
            // RFC 5321 §5.1: without MX records the domain itself is the host ("implicit MX").
            DnsStatus.NoData => await ForRankedAsync(domain, [new(0, domain)], ct).ConfigureAwait(false),
            DnsStatus.NoSuchDomain => Deferred("1.2", $"the domain {domain} does not exist", whenRepeated: true),
            _ => Unknown(domain, answer),
        };
    }

    /// <summary>The one host of a route. An administrator wrote it, so it may be anywhere, on this machine too.</summary>
    internal async ValueTask<HostPlan> ForHostAsync(string host, int port, CancellationToken ct)
    {
        if (IPAddress.TryParse(host, out var literal)) return new([new(host, [new IPEndPoint(literal, port)], null)], null);
        var found = await AddressesAsync(host, ct).ConfigureAwait(false);
        if (found.Addresses.Count > 0) return new([new(host, EndPoints(found.Addresses, port), host)], null);
        return found.Unknown is { } why ? Unknown(host, why) : Deferred("4.4", $"the host {host} of the route has no address");
    }

    async ValueTask<HostPlan> ForExchangesAsync(string domain, DnsAnswer answer, CancellationToken ct)
    {
        var exchanges = answer.Records.OfType<DnsRecord.Mx>().ToList();
        // RFC 7505 §3: a null MX stands alone; beside others "." is a mistake, and the others are meant.
        var named = exchanges.Where(x => x.Exchange.Length > 0).Select(x => new Ranked(x.Preference, x.Exchange)).ToList();
        if (named.Count > 0) return await ForRankedAsync(domain, Sorted(named), ct).ConfigureAwait(false);
        return exchanges.Count == 0
            ? await ForRankedAsync(domain, [new(0, domain)], ct).ConfigureAwait(false)
            : new(null, new Verdict(AttemptStatus.Failed, "1.10", $"556 5.1.10 the domain {domain} takes no mail (null MX)", DestinationHealth.Good)); // RFC 7505 §5
    }

    /// <summary>Best first; equals in random order, so that they share the load (RFC 5321 §5.1).</summary>
    List<Ranked> Sorted(List<Ranked> hosts)
    {
        var order = hosts.DistinctBy(h => h.Name).ToArray();
        lock (random) random.Shuffle(order);
        return [.. order.OrderBy(h => h.Preference)];
    }

    async ValueTask<HostPlan> ForRankedAsync(string domain, List<Ranked> hosts, CancellationToken ct)
    {
        if (hosts.Count > MostAsked) hosts.RemoveRange(MostAsked, hosts.Count - MostAsked);
        var asked = hosts.Select(h => IsOwnName(h.Name) ? Task.FromResult(new Resolved([], null)) : AddressesAsync(h.Name, ct).AsTask()).ToArray();
        var found = await Task.WhenAll(asked).ConfigureAwait(false);

        // RFC 5321 §5.1: with ourselves among the hosts, only those better than us are left; mail would come back else.
        var cut = int.MaxValue;
        for (var i = 0; i < hosts.Count; i++)
            if (IsOwnName(hosts[i].Name) || found[i].Addresses.Any(IsOurs)) cut = Math.Min(cut, hosts[i].Preference);
        if (hosts.All(h => h.Preference >= cut))
            return new(null, new Verdict(AttemptStatus.Failed, "4.6", $"mail for {domain} loops back to myself", DestinationHealth.Good));

        var usable = new List<MailHost>();
        var refused = default(string);
        var unknown = default(DnsAnswer);
        for (var i = 0; i < hosts.Count; i++)
        {
            if (hosts[i].Preference >= cut) continue;
            unknown ??= found[i].Unknown;
            var allowed = found[i].Addresses.Where(a => !IsForbidden(a)).ToList();
            if (allowed.Count > 0) usable.Add(new(hosts[i].Name, EndPoints(allowed, options.Port), hosts[i].Name));
            else if (found[i].Addresses.Count > 0) refused ??= $"{hosts[i].Name}[{found[i].Addresses[0]}]";
        }
        if (usable.Count > 0) return new(usable, null);
        if (unknown is not null) return Unknown(domain, unknown);
        return refused is not null
            ? Deferred("4.4", $"the mail host of {domain} has an address of a private network: {refused}", whenRepeated: true)
            : Deferred("4.4", $"no mail host of {domain} has an address", whenRepeated: true);
    }

    HostPlan ForLiteral(string domain)
    {
        var inside = domain.AsSpan(1, domain.Length - 2);
        if (inside.StartsWith("IPv6:", StringComparison.OrdinalIgnoreCase)) inside = inside[5..];
        if (!IPAddress.TryParse(inside, out var address)) return new(null, new Verdict(AttemptStatus.Failed, "1.3", $"{domain} is no address", DestinationHealth.Good));
        if (IsOurs(address)) return new(null, new Verdict(AttemptStatus.Failed, "4.6", $"mail for {domain} loops back to myself", DestinationHealth.Good));
        return IsForbidden(address)
            ? Deferred("4.4", $"{domain} is an address of a private network", whenRepeated: true)
            : new([new(address.ToString(), [new IPEndPoint(address, options.Port)], null)], null);
    }

    /// <summary>AAAA and A, asked at once, in turn (RFC 8305 §4).</summary>
    async ValueTask<Resolved> AddressesAsync(string name, CancellationToken ct)
    {
        var asked = resolver.LookupAsync(name, DnsType.Aaaa, ct).AsTask();
        var four = await resolver.LookupAsync(name, DnsType.A, ct).ConfigureAwait(false);
        var six = await asked.ConfigureAwait(false);
        var (a, b) = (Hosts(six), Hosts(four));
        var turns = new List<IPAddress>(a.Count + b.Count);
        for (var i = 0; i < Math.Max(a.Count, b.Count); i++)
        {
            if (i < a.Count) turns.Add(a[i]);
            if (i < b.Count) turns.Add(b[i]);
        }
        if (turns.Count > MostAddresses) turns.RemoveRange(MostAddresses, turns.Count - MostAddresses);
        return new(turns, four.Unknown ? four : six.Unknown ? six : null);

        static List<IPAddress> Hosts(DnsAnswer answer) => [.. answer.Records.OfType<DnsRecord.Host>().Select(h => h.Address)];
    }

    bool IsOwnName(string name) => string.Equals(name, options.Hostname, StringComparison.OrdinalIgnoreCase);

    /// <summary>Loopback is ours too, unless an administrator says that others live there (several servers on one machine).</summary>
    bool IsOurs(IPAddress address)
    {
        var bare = AddressKinds.Bare(address);
        if (AddressKinds.IsIn(options.OwnNetworks, bare)) return true;
        return AddressKinds.IsLoopback(bare) ? !AddressKinds.IsIn(options.PrivateNetworks, bare) : network.IsOwn(bare);
    }

    bool IsForbidden(IPAddress address) =>
        AddressKinds.IsPrivate(address) && !AddressKinds.IsIn(options.PrivateNetworks, AddressKinds.Bare(address));

    static IPEndPoint[] EndPoints(List<IPAddress> addresses, int port) =>
        [.. addresses.Select(a => new IPEndPoint(a.IsIPv4MappedToIPv6 ? a.MapToIPv4() : a, port))];

    static HostPlan Unknown(string name, DnsAnswer answer) =>
        Deferred("4.3", ReplyWords.Clean($"the DNS does not tell about {name} now: {answer.Reason ?? "no answer"}"));

    static HostPlan Deferred(string detail, string text, bool whenRepeated = false) =>
        new(null, new Verdict(AttemptStatus.Deferred, detail, text, DestinationHealth.Down, whenRepeated));

    readonly record struct Ranked(int Preference, string Name);

    /// <param name="Unknown">An answer that was none, when there was one.</param>
    readonly record struct Resolved(List<IPAddress> Addresses, DnsAnswer? Unknown);
}
