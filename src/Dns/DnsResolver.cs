using Microsoft.Extensions.Logging;

namespace Posthorn.Dns;

/// <summary>A stub resolver: asks recursive resolvers over UDP and TCP, and keeps what they say for as long as it holds.</summary>
public sealed class DnsResolver(DnsResolverOptions options, TimeProvider time, ILogger logger) : IDnsResolver
{
    public ValueTask<DnsAnswer> LookupAsync(string name, DnsType type, CancellationToken ct = default) => throw new NotImplementedException($"{options} {time} {logger}");
}
