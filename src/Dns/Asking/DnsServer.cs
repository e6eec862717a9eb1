using System.Net;

namespace Posthorn.Dns.Asking;

/// <summary>A resolver that can be asked, and what was learned about it. Thread-safe; a lost race only repeats a lesson.</summary>
/// <param name="trusted">Its AD bit is believed.</param>
sealed class DnsServer(IPEndPoint endPoint, bool trusted, TimeProvider time)
{
    static readonly TimeSpan s_plainFor = TimeSpan.FromMinutes(10);
    readonly long _start = time.GetTimestamp();
    long _silentUntil = -1;
    long _plainUntil = -1;
    bool _toldSilent;

    internal IPEndPoint EndPoint { get; } = endPoint;

    internal bool Trusted { get; } = trusted;

    /// <summary>It kept silent a short while ago, so others go first.</summary>
    internal bool Silent => Now < Volatile.Read(ref _silentUntil);

    /// <summary>It takes EDNS, as far as is known. A server that refused it is asked with it again after 10 minutes.</summary>
    internal bool Edns => Now >= Volatile.Read(ref _plainUntil);

    long Now => time.GetElapsedTime(_start).Ticks;

    internal void RefusedEdns() => Volatile.Write(ref _plainUntil, Now + s_plainFor.Ticks);

    /// <summary>True when this is news.</summary>
    internal bool KeptSilent(TimeSpan cooldown)
    {
        Volatile.Write(ref _silentUntil, Now + cooldown.Ticks);
        return !Interlocked.Exchange(ref _toldSilent, true);
    }

    /// <summary>True when it had been silent.</summary>
    internal bool Answered()
    {
        if (!Volatile.Read(ref _toldSilent)) return false;
        Volatile.Write(ref _silentUntil, -1);
        return Interlocked.Exchange(ref _toldSilent, false);
    }
}
