using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Posthorn.Dns;

namespace Posthorn.Tests.Testing.Dns;

/// <summary>A question as it came.</summary>
/// <param name="Name">In the case it came in.</param>
public sealed record SeenQuestion(string Name, DnsType Type, ushort Id, int Port, bool Edns, bool Tcp, int Flags);

/// <summary>
/// A DNS server in this process, on UDP and TCP of one port that the kernel chose: answers from records that the test gives
/// it, and breaks in the ways that the test wants. Both can be changed while it runs.
/// </summary>
public sealed class ScriptedDnsServer : IAsyncDisposable
{
    const int Cname = (int)DnsType.Cname;
    readonly Lock _lock = new();
    readonly Dictionary<(string Name, DnsType Type), List<(uint Ttl, byte[] Data)>> _records = [];
    readonly Dictionary<string, string> _aliases = [];
    readonly HashSet<string> _names = [];
    readonly Dictionary<string, DnsFault> _faults = [];
    readonly Dictionary<string, int> _turns = [];
    readonly List<SeenQuestion> _seen = [];
    readonly CancellationTokenSource _stop = new();
    readonly Socket _udp;
    readonly Socket _tcp;
    readonly TimeProvider _time;
    readonly Task _running;

    ScriptedDnsServer(Socket udp, Socket tcp, TimeProvider time)
    {
        (_udp, _tcp, _time) = (udp, tcp, time);
        EndPoint = (IPEndPoint)udp.LocalEndPoint!;
        _running = Task.WhenAll(Task.Run(ServeUdpAsync), Task.Run(ServeTcpAsync));
    }

    public IPEndPoint EndPoint { get; }

    /// <summary>Holds for all names that have no fault of their own.</summary>
    public DnsFault Fault { get; set; }

    /// <summary>Of <see cref="DnsFault.Slow"/>, on the clock that the server was started with.</summary>
    public TimeSpan Delay { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The AD bit of every answer.</summary>
    public bool Authentic { get; set; }

    /// <summary>Of <see cref="DnsFault.ExtendedError"/> (RFC 8914 §4).</summary>
    public int ExtendedError { get; set; } = 6;

    /// <summary>The SOA's minimum, in seconds, in answers without records; null leaves the SOA out.</summary>
    public uint? NegativeTtl { get; set; } = 60;

    /// <summary>Answers hold only the first link of a chain of CNAMEs.</summary>
    public bool OneLink { get; set; }

    public IReadOnlyList<SeenQuestion> Seen
    {
        get
        {
            lock (_lock) return [.. _seen];
        }
    }

    public static ScriptedDnsServer Start(IPAddress? address = null, TimeProvider? time = null)
    {
        address ??= IPAddress.Loopback;
        for (var tries = 0; ; tries++)
        {
            var udp = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            var tcp = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                udp.Bind(new IPEndPoint(address, 0));
                tcp.Bind(udp.LocalEndPoint!);
                tcp.Listen();
                return new ScriptedDnsServer(udp, tcp, time ?? TimeProvider.System);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse && tries < 20)
            {
                udp.Dispose();
                tcp.Dispose();
            }
        }
    }

    /// <summary>Adds a record; <paramref name="data"/> as <see cref="DnsWriter.Data"/> takes it.</summary>
    public ScriptedDnsServer Add(string name, DnsType type, string data, uint ttl = 300)
    {
        var key = name.ToLowerInvariant();
        lock (_lock)
        {
            _names.Add(key);
            if (type == DnsType.Cname) _aliases[key] = data;
            if (!_records.TryGetValue((key, type), out var list)) _records[(key, type)] = list = [];
            list.Add((ttl, DnsWriter.Data(type, data)));
        }
        return this;
    }

    /// <summary>Takes everything about a name away.</summary>
    public void Remove(string name)
    {
        lock (_lock)
        {
            _names.Remove(name);
            _aliases.Remove(name);
            foreach (var key in _records.Keys.Where(k => k.Name == name).ToList()) _records.Remove(key);
        }
    }

    public void Break(string name, DnsFault fault)
    {
        lock (_lock) _faults[name.ToLowerInvariant()] = fault;
    }

    /// <summary>How often a name was asked for, in any case.</summary>
    public int Asked(string name) => Seen.Count(s => s.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _udp.Dispose();
        _tcp.Dispose();
        await _running;
        _stop.Dispose();
    }

    async Task ServeUdpAsync()
    {
        var buffer = new byte[4096];
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var from = await _udp.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(_udp.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0), _stop.Token);
                var question = buffer.AsSpan(0, from.ReceivedBytes).ToArray();
                _ = AnswerUdpAsync(question, (IPEndPoint)from.RemoteEndPoint);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The end, or a client that is gone.
            }
        }
    }

    async Task AnswerUdpAsync(byte[] question, IPEndPoint client)
    {
        try
        {
            foreach (var packet in await PacketsAsync(question, client.Port, tcp: false)) await _udp.SendToAsync(packet, SocketFlags.None, client, _stop.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The end, or a client that is gone.
        }
    }

    async Task ServeTcpAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try { _ = AnswerTcpAsync(await _tcp.AcceptAsync(_stop.Token)); }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The end, or a client that is gone.
            }
        }
    }

    async Task AnswerTcpAsync(Socket client)
    {
        try
        {
            await using var stream = new NetworkStream(client, ownsSocket: true);
            var head = new byte[2];
            await stream.ReadExactlyAsync(head, _stop.Token);
            var question = new byte[BinaryPrimitives.ReadUInt16BigEndian(head)];
            await stream.ReadExactlyAsync(question, _stop.Token);
            var fault = FaultOf(DnsWriter.ReadQuestion(question).Name);
            foreach (var packet in await PacketsAsync(question, ((IPEndPoint)client.RemoteEndPoint!).Port, tcp: true))
            {
                if (fault.HasFlag(DnsFault.TcpClosed)) break;
                BinaryPrimitives.WriteUInt16BigEndian(head, (ushort)packet.Length);
                await stream.WriteAsync(head, _stop.Token);
                if (fault.HasFlag(DnsFault.TcpStalls)) await Task.Delay(Timeout.Infinite, _stop.Token);
                await stream.WriteAsync(packet, _stop.Token);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The end, or a client that is gone.
        }
    }

    DnsFault FaultOf(string name)
    {
        lock (_lock) return _faults.TryGetValue(name.ToLowerInvariant(), out var fault) ? fault : Fault;
    }

    async Task<IReadOnlyList<byte[]>> PacketsAsync(byte[] question, int port, bool tcp)
    {
        var (name, type, end) = DnsWriter.ReadQuestion(question);
        var edns = question.Length > end;
        var id = BinaryPrimitives.ReadUInt16BigEndian(question);
        var turn = 0;
        lock (_lock)
        {
            _seen.Add(new(name, type, id, port, edns, tcp, BinaryPrimitives.ReadUInt16BigEndian(question.AsSpan(2))));
            _turns[name.ToLowerInvariant()] = turn = _turns.GetValueOrDefault(name.ToLowerInvariant()) + 1;
        }
        var fault = FaultOf(name);
        if (fault.HasFlag(DnsFault.Silence)) await Task.Delay(Timeout.Infinite, _stop.Token);
        if (fault.HasFlag(DnsFault.Slow)) await Task.Delay(Delay, _time, _stop.Token);
        if (fault.HasFlag(DnsFault.NoEdns) && edns) return [DnsWriter.Answer(id, 0x8181, questions: 0).ToArray()];
        if (fault.HasFlag(DnsFault.ServFail)) return [DnsWriter.Answer(id, 0x8182).Question(name, type).ToArray()];
        if (fault.HasFlag(DnsFault.Refused)) return [DnsWriter.Answer(id, 0x8185).Question(name, type).ToArray()];
        if (fault.HasFlag(DnsFault.ExtendedError)) return [DnsWriter.Answer(id, 0x8182, additionals: 1).Question(name, type).Opt(ExtendedError).ToArray()];
        if (fault.HasFlag(DnsFault.Referral)) return [DnsWriter.Answer(id, 0x8000, authorities: 1).Question(name, type).Record("test", 2, 300, DnsWriter.Data(DnsType.Ptr, "ns.test")).ToArray()];
        if (fault.HasFlag(DnsFault.Garbage)) return [DnsWriter.Answer(id, 0x8180, answers: 3).Question(name, type).Raw([0xC0, 0xFF, 1, 2, 3]).ToArray()];
        if (fault.HasFlag(DnsFault.Truncated) && !tcp) return [DnsWriter.Answer(id, 0x8380).Question(name, type).ToArray()];
        if (fault.HasFlag(DnsFault.WrongId)) id ^= 0x5555;
        if (fault.HasFlag(DnsFault.WrongQuestion)) name = "other.test";
        if (fault.HasFlag(DnsFault.LowerCase)) name = name.ToLowerInvariant();
        var right = Right(id, name, type, edns, nothing: fault.HasFlag(DnsFault.Flapping) && turn % 2 == 0);
        if (!tcp && fault.HasFlag(DnsFault.Flood)) return [.. Enumerable.Range(1, 30).Select(i => Right((ushort)(id + i), name, type, edns, nothing: false))];
        if (!tcp && fault.HasFlag(DnsFault.Forged)) return [DnsWriter.Answer((ushort)(id + 1), 0x8180, answers: 1).Question(name, type).Record(name, 1, 300, [203, 0, 113, 66]).ToArray(), right];
        // What does not fit into a datagram goes over TCP.
        return right.Length > 1232 && !tcp ? [DnsWriter.Answer(id, 0x8380).Question(name, type).ToArray()] : [right];
    }

    byte[] Right(ushort id, string asked, DnsType type, bool edns, bool nothing)
    {
        var records = new List<(string Owner, int Type, uint Ttl, byte[] Data)>();
        bool exists;
        lock (_lock)
        {
            var owner = asked;
            var links = 0;
            while (!nothing && links < 12 && type != DnsType.Cname && _aliases.TryGetValue(owner.ToLowerInvariant(), out var target))
            {
                links++;
                var (ttl, data) = _records[(owner.ToLowerInvariant(), DnsType.Cname)][0];
                records.Add((owner, Cname, ttl, data));
                owner = target;
                if (OneLink) break;
            }
            exists = !nothing && (_names.Contains(owner.ToLowerInvariant()) || (OneLink && links > 0));
            if (exists && !(OneLink && links > 0) && _records.TryGetValue((owner.ToLowerInvariant(), type), out var found)) records.AddRange(found.Select(f => (owner, (int)type, f.Ttl, f.Data)));
        }
        var answered = records.Count > 0 && (records[^1].Type == (int)type || OneLink);
        var soa = !answered && NegativeTtl is not null;
        var flags = 0x8180 | (Authentic ? 0x20 : 0) | (exists || records.Count > 0 && OneLink ? 0 : 3);
        var writer = DnsWriter.Answer(id, flags, answers: records.Count, authorities: soa ? 1 : 0, additionals: edns ? 1 : 0).Question(asked, type);
        foreach (var (owner, recordType, ttl, data) in records)
        {
            // The owner of most records is the name asked for, right behind the header.
            if (owner == asked) writer.Pointer(12).Rest(recordType, ttl, data);
            else writer.Record(owner, recordType, ttl, data);
        }
        if (soa) writer.Record("test", 6, 3600, DnsWriter.Soa(NegativeTtl!.Value));
        if (edns) writer.Opt();
        return writer.ToArray();
    }
}
