using System.Net;

namespace Posthorn.Dns;

/// <summary>
/// A resolver that answers from a table which may change while it is asked: for tests, and for trying things without a
/// network. A name that is not in the table does not exist; one that is there has no data of the other types.
/// </summary>
/// <param name="time">The clock that <see cref="Delay"/> waits on.</param>
public sealed class FakeResolver(TimeProvider? time = null) : IDnsResolver
{
    readonly Lock _lock = new();
    readonly Dictionary<(string Name, DnsType Type), (DnsStatus Status, DnsRecord[] Records)> _answers = [];
    readonly HashSet<string> _names = [];
    readonly Dictionary<(string Name, DnsType Type), int> _asked = [];
    readonly TimeProvider _time = time ?? TimeProvider.System;
    int _questions;

    /// <summary>The life of the records that the short forms make.</summary>
    public static TimeSpan Ttl { get; } = TimeSpan.FromHours(1);

    /// <summary>When set, the end of every question, whatever the table says: <see cref="DnsStatus.Temporary"/> is a DNS that is down.</summary>
    public DnsStatus? Everything { get; set; }

    /// <summary>What answers say of themselves.</summary>
    public bool Authentic { get; set; }

    /// <summary>How long every answer takes.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Questions asked so far.</summary>
    public int Questions => Volatile.Read(ref _questions);

    /// <summary>How often this was asked.</summary>
    public int Asked(string name, DnsType type)
    {
        lock (_lock) return _asked.GetValueOrDefault((Key(name), type));
    }

    /// <summary>Puts records in place of those that were there; none says that there are none (<see cref="DnsStatus.NoData"/>).</summary>
    public void Set(string name, DnsType type, params DnsRecord[] records) => Put(name, type, records.Length == 0 ? DnsStatus.NoData : DnsStatus.Found, records);

    /// <summary>Lets one question end without records.</summary>
    public void Set(string name, DnsType type, DnsStatus status) => Put(name, type, status, []);

    /// <summary>Addresses, each as A or AAAA; the type without an address has no data.</summary>
    public void Host(string name, params string[] addresses)
    {
        var records = addresses.Select(a => new DnsRecord.Host(IPAddress.Parse(a), Ttl)).ToLookup(h => h.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6);
        Set(name, DnsType.A, [.. records[false]]);
        Set(name, DnsType.Aaaa, [.. records[true]]);
    }

    public void Mx(string name, params (int Preference, string Exchange)[] hosts) => Set(name, DnsType.Mx, [.. hosts.Select(h => new DnsRecord.Mx(h.Preference, Key(h.Exchange), Ttl))]);

    public void Txt(string name, params string[] texts) => Set(name, DnsType.Txt, [.. texts.Select(t => new DnsRecord.Txt(t, Ttl))]);

    /// <summary>Another name; questions for other types are answered with what the target has.</summary>
    public void Cname(string name, string target) => Set(name, DnsType.Cname, new DnsRecord.Name(Key(target), Ttl));

    public void Ptr(IPAddress address, string name) => Set(DnsName.Reverse(address), DnsType.Ptr, new DnsRecord.Name(Key(name), Ttl));

    /// <summary>Takes everything about a name away.</summary>
    public void Remove(string name)
    {
        var key = Key(name);
        lock (_lock)
        {
            _names.Remove(key);
            foreach (var type in Enum.GetValues<DnsType>()) _answers.Remove((key, type));
        }
    }

    public async ValueTask<DnsAnswer> LookupAsync(string name, DnsType type, CancellationToken ct = default)
    {
        Interlocked.Increment(ref _questions);
        if (Delay > TimeSpan.Zero) await Task.Delay(Delay, _time, ct).ConfigureAwait(false);
        ct.ThrowIfCancellationRequested();
        if (DnsName.Normalise(name) is not { } asked) return new(DnsStatus.NoSuchDomain, [], "", false, "this is not a name that the DNS can have");
        lock (_lock)
        {
            _asked[(asked, type)] = _asked.GetValueOrDefault((asked, type)) + 1;
            return Answer(asked, type);
        }
    }

    DnsAnswer Answer(string asked, DnsType type)
    {
        if (Everything is { } all && all != DnsStatus.Found) return End(all, asked);
        var name = asked;
        for (var links = 0; links <= 10; links++)
        {
            if (_answers.TryGetValue((name, type), out var answer)) return answer.Status == DnsStatus.Found ? new(DnsStatus.Found, answer.Records, name, Authentic, null) : End(answer.Status, name);
            if (!_answers.TryGetValue((name, DnsType.Cname), out var alias) || alias.Records is not [DnsRecord.Name target]) return End(_names.Contains(name) ? DnsStatus.NoData : DnsStatus.NoSuchDomain, name);
            name = target.Target;
        }
        return End(DnsStatus.Temporary, name);
    }

    DnsAnswer End(DnsStatus status, string name) => new(status, [], name, Authentic && (status is DnsStatus.NoData or DnsStatus.NoSuchDomain), status switch
    {
        DnsStatus.NoData => "the name has no such record",
        DnsStatus.NoSuchDomain => "the name does not exist",
        DnsStatus.Bogus => "the answer was forged or is broken",
        _ => "no answer",
    });

    void Put(string name, DnsType type, DnsStatus status, DnsRecord[] records)
    {
        var key = Key(name);
        lock (_lock)
        {
            _names.Add(key);
            _answers[(key, type)] = (status, records);
        }
    }

    static string Key(string name) => DnsName.Normalise(name) ?? throw new ArgumentException($"\"{name}\" is not a name", nameof(name));
}
