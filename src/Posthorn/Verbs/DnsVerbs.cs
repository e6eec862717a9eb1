using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Cli;
using Posthorn.Configuration;
using Posthorn.Dns;
using Posthorn.Serving;

namespace Posthorn.Verbs;

/// <summary><c>dns …</c></summary>
static class DnsVerbs
{
    const int Port = 53;

    public static IReadOnlyList<Verb> All { get; } =
    [
        new("dns lookup", "Asks the DNS as the server does, with nothing kept from before.",
            [new("type", ParameterKind.Word, "A, AAAA, MX, TXT, PTR, CNAME, TLSA or SRV."), new("name", ParameterKind.Word, "The name; for PTR also an address."), new("server", ParameterKind.Option, "Asks this resolver: \"address\" or \"address:port\".")],
            (context, arguments, ct) => LookupAsync(() => context.Config, arguments, ct), Print)
        {
            Alone = LookupAsync,
            Exit = static r => (string?)r["status"] switch { "found" => ExitCode.Ok, "noData" or "noSuchDomain" => ExitCode.NoHost, _ => ExitCode.TemporaryFailure },
        },
    ];

    static async Task<JsonObject> LookupAsync(Func<LoadedConfig?> config, VerbArguments arguments, CancellationToken ct)
    {
        var (typeName, name) = (arguments.Text("type"), arguments.Text("name"));
        if (!TryType(typeName, out var type)) throw new VerbException(ExitCode.Usage, $"type: \"{typeName}\" is none of {string.Join(", ", Enum.GetNames<DnsType>().Select(n => n.ToUpperInvariant()))}");
        if (type == DnsType.Ptr && IPAddress.TryParse(name, out var address)) name = DnsName.Reverse(address);
        var options = Options(config, arguments.Optional("server"));
        var time = TimeProvider.System;
        var begin = time.GetTimestamp();
        var answer = await new DnsResolver(options, time, NullLogger.Instance).LookupAsync(name, type.Value, ct).ConfigureAwait(false);
        return new JsonObject
        {
            ["name"] = name,
            ["type"] = type.Value.ToString().ToUpperInvariant(),
            ["status"] = char.ToLowerInvariant(answer.Status.ToString()[0]) + answer.Status.ToString()[1..],
            ["reason"] = answer.Reason,
            ["answeredName"] = answer.Name,
            ["records"] = VerbJson.List(answer.Records.Select(r => new JsonObject { ["ttl"] = (long)r.Ttl.TotalSeconds, ["data"] = Data(r) })),
            ["authentic"] = answer.Authentic,
            ["server"] = answer.Server?.ToString(),
            ["milliseconds"] = (long)time.GetElapsedTime(begin).TotalMilliseconds,
        };
    }

    // Only the names of the types: a number is none.
    static bool TryType(string text, [NotNullWhen(true)] out DnsType? type)
    {
        type = Enum.GetValues<DnsType>().Cast<DnsType?>().FirstOrDefault(t => t.ToString()!.Equals(text, StringComparison.OrdinalIgnoreCase));
        return type is not null;
    }

    static DnsResolverOptions Options(Func<LoadedConfig?> config, string? server)
    {
        if (server is null) return config() is { } loaded ? Deployment.Dns(loaded.Options) : new DnsResolverOptions();
        if (!ServerAddress.TryParse(server, Port, out var named)) throw new VerbException(ExitCode.Usage, $"--server: \"{server}\" is not \"address\" or \"address:port\"");
        return new DnsResolverOptions { Servers = [named.EndPoint] };
    }

    /// <summary>The data as in a zone file (RFC 1035 §5.1).</summary>
    static string Data(DnsRecord record) => record switch
    {
        DnsRecord.Host h => h.Address.ToString(),
        DnsRecord.Mx m => string.Create(CultureInfo.InvariantCulture, $"{m.Preference} {Dotted(m.Exchange)}"),
        DnsRecord.Txt t => Quoted(t.Text),
        DnsRecord.Name n => Dotted(n.Target),
        DnsRecord.Tlsa t => string.Create(CultureInfo.InvariantCulture, $"{t.Usage} {t.Selector} {t.MatchingType} {Convert.ToHexStringLower(t.Data)}"),
        DnsRecord.Srv s => string.Create(CultureInfo.InvariantCulture, $"{s.Priority} {s.Weight} {s.Port} {Dotted(s.Target)}"),
        _ => "",
    };

    static string Dotted(string name) => name.Length == 0 ? "." : name;

    static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            if (c is '"' or '\\') quoted.Append('\\').Append(c);
            else if (c is < ' ' or > '~') quoted.Append(CultureInfo.InvariantCulture, $"\\{(int)c:000}");
            else quoted.Append(c);
        }
        return quoted.Append('"').ToString();
    }

    static void Print(JsonObject result, TextWriter to)
    {
        var owner = Dotted((string)result["answeredName"]!);
        VerbJson.Table(to, [.. VerbJson.Items(result, "records").Select(r => new[] { owner, $"{r["ttl"]}", (string)result["type"]!, (string)r["data"]! })]);
        if ((string?)result["reason"] is { } reason) to.WriteLine($"{(string?)result["status"] switch { "noData" => "no data", "noSuchDomain" => "no such domain", var other => other }}: {reason}");
        var server = (string?)result["server"] is { } said ? $"{said} answered" : "nobody answered";
        to.WriteLine($"{server} after {result["milliseconds"]} ms{((bool)result["authentic"]! ? "; authentic (AD)" : "")}");
    }
}
