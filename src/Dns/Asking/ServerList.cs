using System.Net;
using Microsoft.Extensions.Logging;

namespace Posthorn.Dns.Asking;

/// <summary>The servers to ask: those of the options, or those of resolv.conf as it is now.</summary>
sealed class ServerList
{
    const int Port = 53;
    static readonly TimeSpan s_look = TimeSpan.FromSeconds(5);
    readonly Lock _lock = new();
    readonly DnsResolverOptions _options;
    readonly TimeProvider _time;
    readonly ILogger _log;
    IReadOnlyList<DnsServer> _servers;
    DateTime? _changed;
    long _looked;

    internal ServerList(DnsResolverOptions options, TimeProvider time, ILogger log)
    {
        (_options, _time, _log) = (options, time, log);
        _servers = [.. options.Servers.Select(s => new DnsServer(s, trusted: true, time))];
        if (_servers.Count == 0) Look();
    }

    /// <summary>All of them in the order to ask them: as listed, those that kept silent last.</summary>
    internal IReadOnlyList<DnsServer> InOrder()
    {
        IReadOnlyList<DnsServer> servers;
        lock (_lock)
        {
            if (_options.Servers.Count == 0 && _time.GetElapsedTime(_looked) >= s_look) Look();
            servers = _servers;
        }
        return servers.Count == 1 ? servers : [.. servers.OrderBy(s => s.Silent)];
    }

    void Look()
    {
        _looked = _time.GetTimestamp();
        try
        {
            // A file that is not there has a time too, of long ago.
            var changed = File.GetLastWriteTimeUtc(_options.ResolvConf);
            if (changed == _changed) return;
            var text = File.Exists(_options.ResolvConf) ? File.ReadAllText(_options.ResolvConf) : "";
            _changed = changed;
            Replace(ResolvConf.Parse(text));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (_servers.Count == 0) Replace(ResolvConf.Parse(""));
            DnsLog.Unreadable(_log, _options.ResolvConf, e.Message, Text(_servers));
        }
    }

    void Replace(ResolvConf conf)
    {
        var points = conf.Servers.Select(s => new IPEndPoint(s, Port)).ToList();
        var trusted = (IPEndPoint p) => conf.TrustAd || IPAddress.IsLoopback(p.Address);
        if (points.SequenceEqual(_servers.Select(s => s.EndPoint)) && _servers.All(s => s.Trusted == trusted(s.EndPoint))) return;
        _servers = [.. points.Select(p => new DnsServer(p, trusted(p), _time))];
        DnsLog.Servers(_log, Text(_servers));
    }

    static string Text(IReadOnlyList<DnsServer> servers) => string.Join(", ", servers.Select(s => s.EndPoint));
}
