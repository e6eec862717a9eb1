using System.Buffers;
using System.Text;

namespace Posthorn.Wire.Sasl;

/// <summary>The client's first message, taken apart (RFC 5802 §7: client-first-message).</summary>
/// <param name="Flag">'n', 'y' or 'p': what the client says about channel binding.</param>
/// <param name="BindingName">The cb-name after "p=".</param>
/// <param name="AuthorizationId">The prepared authzid, or empty.</param>
/// <param name="User">The prepared name.</param>
/// <param name="Nonce">The client's nonce.</param>
/// <param name="HeaderLength">Octets of the gs2-header; the rest is client-first-message-bare.</param>
readonly record struct ScramClientFirst(char Flag, string BindingName, string AuthorizationId, string User, string Nonce, int HeaderLength);

/// <summary>The client's final message, taken apart.</summary>
/// <param name="Binding">The decoded cbind-input.</param>
/// <param name="Nonce">The whole nonce.</param>
/// <param name="Proof">ClientProof, 32 octets.</param>
/// <param name="WithoutProof">Octets of client-final-message-without-proof.</param>
readonly record struct ScramClientFinal(byte[] Binding, string Nonce, byte[] Proof, int WithoutProof);

/// <summary>The grammar of SCRAM's client messages (RFC 5802 §7): pure, bounded by the response's size, never throws.</summary>
static class ScramMessages
{
    const int MaxNonce = 512;
    const int MaxName = 1024;

    // printable = %x21-2B / %x2D-7E: all of printable ASCII but ","
    static readonly SearchValues<byte> Printable = SearchValues.Create(PrintableSet());
    static readonly SearchValues<byte> BindingNameSet = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-"u8);

    internal static bool TryFirst(ReadOnlySpan<byte> message, out ScramClientFirst first)
    {
        first = default;
        if (message.IsEmpty) return false;
        // gs2-header = gs2-cbind-flag "," [ authzid ] ","
        var rest = message;
        if (!NextPart(ref rest, out var flag) || !NextPart(ref rest, out var authzid)) return false;
        var bindingName = "";
        if (flag.StartsWith("p="u8))
        {
            var name = flag[2..];
            if (name.IsEmpty || name.Length > 64 || name.IndexOfAnyExcept(BindingNameSet) >= 0) return false;
            bindingName = Encoding.ASCII.GetString(name);
        }
        else if (flag is not [(byte)'n'] and not [(byte)'y']) return false;
        string? authorizationId = "";
        if (!authzid.IsEmpty && (!authzid.StartsWith("a="u8) || (authorizationId = Name(authzid[2..])) is null)) return false;
        var headerLength = message.Length - rest.Length;

        // client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]; an "m=" must fail (§5.1).
        if (!NextPart(ref rest, out var user) || !user.StartsWith("n="u8) || Name(user[2..]) is not { } userName) return false;
        var comma = rest.IndexOf((byte)',');
        var nonce = comma < 0 ? rest : rest[..comma];
        if (!nonce.StartsWith("r="u8) || !IsNonce(nonce[2..])) return false;
        first = new((char)flag[0], bindingName, authorizationId, userName, Encoding.ASCII.GetString(nonce[2..]), headerLength);
        return true;
    }

    internal static bool TryFinal(ReadOnlySpan<byte> message, out ScramClientFinal final)
    {
        final = default;
        // client-final-message = channel-binding "," nonce ["," extensions] "," proof
        var withoutProof = message.LastIndexOf(",p="u8);
        if (withoutProof < 0) return false;
        var rest = message[..withoutProof];
        var comma = rest.IndexOf((byte)',');
        if (comma < 0 || !rest.StartsWith("c="u8)) return false;
        var binding = SaslBase64.Decode(rest[2..comma]);
        rest = rest[(comma + 1)..];
        comma = rest.IndexOf((byte)',');
        var nonce = comma < 0 ? rest : rest[..comma];
        if (binding is null || !nonce.StartsWith("r="u8) || nonce.Length > 2 * MaxNonce || nonce.Length < 3 || nonce[2..].IndexOfAnyExcept(Printable) >= 0) return false;
        if (SaslBase64.Decode(message[(withoutProof + 3)..]) is not { Length: 32 } proof) return false;
        final = new(binding, Encoding.ASCII.GetString(nonce[2..]), proof, withoutProof);
        return true;
    }

    static bool IsNonce(ReadOnlySpan<byte> nonce) => nonce.Length is > 0 and <= MaxNonce && nonce.IndexOfAnyExcept(Printable) < 0;

    static bool NextPart(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> part)
    {
        var comma = rest.IndexOf((byte)',');
        part = comma < 0 ? default : rest[..comma];
        if (comma < 0) return false;
        rest = rest[(comma + 1)..];
        return true;
    }

    // saslname: "," as "=2C" and "=" as "=3D"; any other use of "=" must fail (§5.1).
    static string? Name(ReadOnlySpan<byte> encoded)
    {
        if (encoded.IsEmpty || encoded.Length > MaxName) return null;
        var plain = new byte[encoded.Length];
        var length = 0;
        while (encoded.Length > 0)
        {
            if (encoded[0] != '=')
            {
                plain[length++] = encoded[0];
                encoded = encoded[1..];
                continue;
            }
            if (encoded.StartsWith("=2C"u8)) plain[length++] = (byte)',';
            else if (encoded.StartsWith("=3D"u8)) plain[length++] = (byte)'=';
            else return null;
            encoded = encoded[3..];
        }
        return SaslPrep.Prepare(plain.AsSpan(0, length)) is { Length: > 0 } prepared ? Encoding.UTF8.GetString(prepared) : null;
    }

    static byte[] PrintableSet()
    {
        var set = new List<byte>();
        for (var c = 0x21; c <= 0x7E; c++)
            if (c != ',') set.Add((byte)c);
        return [.. set];
    }
}
