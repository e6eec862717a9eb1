using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Posthorn.Wire.Connections;

/// <summary>Why a connection may not come in.</summary>
public enum Admission
{
    Admitted,

    /// <summary>The server has as many connections as it may.</summary>
    ServerFull,

    /// <summary>This address (IPv6: /64) has as many connections as it may.</summary>
    AddressFull,

    /// <summary>This network (IPv4 /26, IPv6 /48) has as many connections as it may.</summary>
    NetworkFull,

    /// <summary>This address opened more connections in this minute than it may.</summary>
    TooFast,
}

/// <summary>How many connections may be open, and how fast they may come.</summary>
public sealed record GateLimits
{
    /// <summary>Open connections in all.</summary>
    public int Total { get; init; } = 20_000;

    /// <summary>Open connections of one IPv4 address or IPv6 /64.</summary>
    public int PerAddress { get; init; } = 30;

    /// <summary>Open connections of one IPv4 /26 or IPv6 /48.</summary>
    public int PerNetwork { get; init; } = 90;

    /// <summary>New connections of one address in one minute.</summary>
    public int PerMinute { get; init; } = 300;
}

/// <summary>
/// Counts connections by address and network before anything is allocated for them. Memory is bounded by the number of
/// open connections and, for the rate, by the addresses seen in the running minute (at most <see cref="RateEntries"/>).
/// </summary>
public sealed class ConnectionGate(GateLimits limits, Func<IPAddress, bool> exempt, TimeProvider time)
{
    const int RateEntries = 100_000;
    readonly Lock _lock = new();
    readonly Dictionary<UInt128, int> _addresses = [];
    readonly Dictionary<UInt128, int> _networks = [];
    readonly Dictionary<UInt128, int> _rates = [];
    long _minute;
    int _total;

    /// <summary>The limits in force; may be replaced while running.</summary>
    public GateLimits Limits { get; set; } = limits;

    /// <summary>Open connections now.</summary>
    public int Total { get { lock (_lock) return _total; } }

    /// <summary>True when more than four fifths of the places are taken: those who only hold theirs should make room.</summary>
    public bool NearlyFull => Volatile.Read(ref _total) > Limits.Total / 5 * 4;

    /// <summary>
    /// Counts one connection in, or says why not. An admitted one must <see cref="Leave"/>. Without an address (a Unix
    /// socket) only the total counts.
    /// </summary>
    public Admission Enter(IPAddress? remote)
    {
        if (remote is null)
        {
            lock (_lock)
            {
                if (_total >= Limits.Total) return Admission.ServerFull;
                _total++;
                return Admission.Admitted;
            }
        }
        var free = exempt(remote);
        var (address, network) = Keys(remote);
        lock (_lock)
        {
            if (_total >= Limits.Total) return Admission.ServerFull;
            if (!free)
            {
                if (Rate(address) > Limits.PerMinute) return Admission.TooFast;
                if (_addresses.GetValueOrDefault(address) >= Limits.PerAddress) return Admission.AddressFull;
                if (_networks.GetValueOrDefault(network) >= Limits.PerNetwork) return Admission.NetworkFull;
            }
            _total++;
            CollectionsMarshal.GetValueRefOrAddDefault(_addresses, address, out _)++;
            CollectionsMarshal.GetValueRefOrAddDefault(_networks, network, out _)++;
            return Admission.Admitted;
        }
    }

    /// <summary>Counts one connection out.</summary>
    public void Leave(IPAddress? remote)
    {
        var (address, network) = remote is null ? default : Keys(remote);
        lock (_lock)
        {
            _total--;
            if (remote is null) return;
            Drop(_addresses, address);
            Drop(_networks, network);
        }
    }

    int Rate(UInt128 address)
    {
        var minute = time.GetTimestamp() / (time.TimestampFrequency * 60);
        if (minute != _minute)
        {
            _minute = minute;
            _rates.Clear();
        }
        if (_rates.Count >= RateEntries && !_rates.ContainsKey(address)) return 0; // a flood from so many is for Total to stop
        return ++CollectionsMarshal.GetValueRefOrAddDefault(_rates, address, out _);
    }

    static void Drop(Dictionary<UInt128, int> counts, UInt128 key)
    {
        ref var n = ref CollectionsMarshal.GetValueRefOrNullRef(counts, key);
        if (--n == 0) counts.Remove(key);
    }

    static (UInt128 Address, UInt128 Network) Keys(IPAddress remote)
    {
        if (remote.IsIPv4MappedToIPv6) remote = remote.MapToIPv4();
        Span<byte> octets = stackalloc byte[16];
        remote.TryWriteBytes(octets, out var n);
        if (remote.AddressFamily == AddressFamily.InterNetwork)
        {
            var v4 = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(octets[..n]);
            return (v4, v4 & ~0x3Fu);
        }
        var v6 = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(octets);
        return (v6 & (UInt128.MaxValue << 64), v6 & (UInt128.MaxValue << 80));
    }
}
