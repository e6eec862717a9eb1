using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Posthorn.Dns.Packets;

namespace Posthorn.Dns.Asking;

/// <summary>How one server took a question.</summary>
/// <param name="Reply">Its answer; null when there is none.</param>
/// <param name="Why">Else in words, behind the name of the server.</param>
/// <param name="Silent">It said nothing until nobody waited any more.</param>
readonly record struct ExchangeResult(DnsServer Server, DnsReply? Reply, string Why, bool Silent);

/// <summary>One question to one server: over UDP, and over TCP where UDP is not enough. Each has a socket, a port and an id of its own.</summary>
sealed class Exchange(DnsServer server, string name, DnsType type, DnsResolverOptions options, TimeProvider time, ILogger log)
{
    // More than UdpSize, for servers that do not keep to it; what is cut off does not parse and is asked for over TCP.
    const int UdpBuffer = 4096;
    const int MaxStrangers = 16;

    /// <summary>Never throws; a cancellation is silence.</summary>
    internal async Task<ExchangeResult> AskAsync(CancellationToken ct)
    {
        try
        {
            var edns = server.Edns;
            var reply = await OnceAsync(edns, ct).ConfigureAwait(false);
            if (edns && reply is { RefusesEdns: true })
            {
                server.RefusedEdns();
                reply = await OnceAsync(edns: false, ct).ConfigureAwait(false);
            }
            return reply is null ? Failed("sends broken answers") : new(server, reply, "", Silent: false);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested) { return new(server, null, "keeps silent", Silent: true); }
        catch (OperationCanceledException) { return Failed($"does not answer over TCP within {options.TcpTimeout.TotalSeconds:0.#} s"); }
        catch (SocketException e) { return Failed($"cannot be reached ({Words(e)})"); }
        catch (EndOfStreamException) { return Failed("closes the connection without an answer"); }
    }

    ExchangeResult Failed(string why) => new(server, null, why, Silent: false);

    static string Words(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "connection refused",
        SocketError.HostUnreachable => "no route to the host",
        SocketError.NetworkUnreachable => "network unreachable",
        SocketError.ConnectionReset => "connection reset",
        var other => other.ToString(),
    };

    /// <summary>The answer, or null when it is broken over TCP too.</summary>
    async Task<DnsReply?> OnceAsync(bool edns, CancellationToken ct) =>
        await UdpAsync(edns, ct).ConfigureAwait(false) ?? await TcpAsync(edns, ct).ConfigureAwait(false);

    /// <summary>The answer, or null when it has to come over TCP.</summary>
    async Task<DnsReply?> UdpAsync(bool edns, CancellationToken ct)
    {
        var query = DnsQuery.Create(name, type, edns);
        // A connected socket takes packets of this server only; the kernel gives each a port at random.
        using var socket = new Socket(server.EndPoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(server.EndPoint, ct).ConfigureAwait(false);
        await socket.SendAsync(query.Octets, SocketFlags.None, ct).ConfigureAwait(false);
        var buffer = ArrayPool<byte>.Shared.Rent(UdpBuffer);
        try
        {
            for (var strangers = 0; strangers < MaxStrangers; strangers++)
            {
                var length = await socket.ReceiveAsync(buffer.AsMemory(0, UdpBuffer), SocketFlags.None, ct).ConfigureAwait(false);
                var packet = buffer.AsSpan(0, length);
                switch (query.Match(packet))
                {
                    // Nothing of a cut answer is used.
                    case QueryMatch.Ours: return ReplyReader.IsTruncated(packet) ? null : Read(packet);
                    // Over TCP nobody answers who has not seen the question.
                    case QueryMatch.OtherCase: return null;
                    // The true answer may still come.
                    default: continue;
                }
            }
        }
        finally { ArrayPool<byte>.Shared.Return(buffer); }
        DnsLog.Strangers(log, MaxStrangers, type, name, server.EndPoint);
        return null;
    }

    async Task<DnsReply?> TcpAsync(bool edns, CancellationToken ct)
    {
        using var late = new CancellationTokenSource(options.TcpTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, late.Token);
        var query = DnsQuery.Create(name, type, edns);
        using var socket = new Socket(server.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server.EndPoint, both.Token).ConfigureAwait(false);
        // RFC 1035 §4.2.2, RFC 7766 §8: the length and the message in one write.
        var framed = new byte[2 + query.Octets.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)query.Octets.Length);
        query.Octets.CopyTo(framed.AsMemory(2));
        for (var sent = 0; sent < framed.Length;) sent += await socket.SendAsync(framed.AsMemory(sent), SocketFlags.None, both.Token).ConfigureAwait(false);
        await FillAsync(socket, framed.AsMemory(0, 2), both.Token).ConfigureAwait(false);
        int length = BinaryPrimitives.ReadUInt16BigEndian(framed);
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            await FillAsync(socket, buffer.AsMemory(0, length), both.Token).ConfigureAwait(false);
            var packet = buffer.AsSpan(0, length);
            return query.Match(packet) == QueryMatch.NotOurs || ReplyReader.IsTruncated(packet) ? null : Read(packet);
        }
        finally { ArrayPool<byte>.Shared.Return(buffer); }
    }

    DnsReply? Read(ReadOnlySpan<byte> packet) => ReplyReader.Read(packet, type, options.MinTtl, options.MaxTtl);

    static async Task FillAsync(Socket socket, Memory<byte> into, CancellationToken ct)
    {
        while (into.Length > 0)
        {
            var read = await socket.ReceiveAsync(into, SocketFlags.None, ct).ConfigureAwait(false);
            if (read == 0) throw new EndOfStreamException();
            into = into[read..];
        }
    }
}
