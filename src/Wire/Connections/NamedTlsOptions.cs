using System.Net.Security;

namespace Posthorn.Wire.Connections;

/// <summary>TLS options that depend on the host name the client asks for (SNI, RFC 6066 §3).</summary>
/// <param name="select">Gives the options for a name; the name is empty when the client sent none.</param>
public sealed class NamedTlsOptions(Func<string, SslServerAuthenticationOptions> select) : SslServerAuthenticationOptions
{
    internal ServerOptionsSelectionCallback Callback { get; } = (_, hello, _, _) => new(select(hello.ServerName));
}
