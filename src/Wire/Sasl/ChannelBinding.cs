using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Posthorn.Wire.Sasl;

/// <summary>The channel binding that SCRAM-…-PLUS ties a login to.</summary>
public static class ChannelBinding
{
    /// <summary>
    /// The tls-server-end-point data of a certificate (RFC 5929 §4.1): its hash by the hash of its own signature algorithm,
    /// where MD5 and SHA-1 become SHA-256. Null when the algorithm has no single hash, so that no binding is defined.
    /// </summary>
    public static byte[]? ServerEndPoint(X509Certificate2? certificate)
    {
        if (certificate is null) return null;
        var raw = certificate.RawDataMemory;
        return HashOf(certificate.SignatureAlgorithm.Value, raw) switch
        {
            256 => SHA256.HashData(raw.Span),
            384 => SHA384.HashData(raw.Span),
            512 => SHA512.HashData(raw.Span),
            _ => null,
        };
    }

    static int HashOf(string? oid, ReadOnlyMemory<byte> certificate) => oid switch
    {
        "1.2.840.113549.1.1.4" or "1.2.840.113549.1.1.5" or "1.2.840.10045.4.1" => 256, // md5, sha1 with RSA; sha1 with ECDSA
        "1.2.840.113549.1.1.11" or "1.2.840.10045.4.3.2" => 256,
        "1.2.840.113549.1.1.12" or "1.2.840.10045.4.3.3" => 384,
        "1.2.840.113549.1.1.13" or "1.2.840.10045.4.3.4" => 512,
        "1.2.840.113549.1.1.10" => PssHash(certificate),
        _ => 0,
    };

    // RSASSA-PSS names its hash in the parameters (RFC 4055 §3.1); absent means SHA-1, which counts as SHA-256.
    static int PssHash(ReadOnlyMemory<byte> certificate)
    {
        try
        {
            var outer = new AsnReader(certificate, AsnEncodingRules.DER).ReadSequence();
            outer.ReadEncodedValue(); // tbsCertificate
            var algorithm = outer.ReadSequence();
            algorithm.ReadObjectIdentifier();
            if (!algorithm.HasData) return 256;
            var parameters = algorithm.ReadSequence();
            var hash = new Asn1Tag(TagClass.ContextSpecific, 0);
            if (!parameters.HasData || parameters.PeekTag() != hash.AsConstructed()) return 256;
            return parameters.ReadSequence(hash).ReadSequence().ReadObjectIdentifier() switch
            {
                "1.3.14.3.2.26" or "2.16.840.1.101.3.4.2.1" => 256,
                "2.16.840.1.101.3.4.2.2" => 384,
                "2.16.840.1.101.3.4.2.3" => 512,
                _ => 0,
            };
        }
        catch (AsnContentException)
        {
            return 0;
        }
    }
}
