using System.Net.Security;
using System.Security.Authentication;

namespace Posthorn.Smtp.Server;

/// <summary>What was negotiated, as logs and trace headers name it: "TLS1.3 TLS_AES_256_GCM_SHA384".</summary>
static class TlsName
{
    internal static string Of(SslStream tls)
    {
#pragma warning disable CA5397, CS0618, SYSLIB0039 // only the name of what was negotiated
        var version = tls.SslProtocol == SslProtocols.Tls13 ? "TLS1.3" : "TLS1.2";
#pragma warning restore CA5397, CS0618, SYSLIB0039
        return $"{version} {tls.NegotiatedCipherSuite}";
    }
}
