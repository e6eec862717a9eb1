using System.Buffers;
using System.Text;

namespace Posthorn.Mime.Encodings;

/// <summary>
/// Takes a content transfer encoding off a body (RFC 2045 §6), piece by piece and in bounded memory. Lenient: what cannot be
/// part of the encoding is passed over, nothing throws, and the pieces make no difference. One object serves one body.
/// </summary>
public abstract class TransferDecoder
{
    /// <summary>
    /// The decoder of an encoding in lower case, or null for one that is not known: RFC 3516 §4.3 answers UNKNOWN-CTE then, and
    /// RFC 2045 §6.2 wants the body to be taken for octets.
    /// </summary>
    public static TransferDecoder? For(string encoding) => encoding switch
    {
        "7bit" or "8bit" or "binary" or "" => new IdentityDecoder(),
        "base64" => new Base64Decoder(),
        "quoted-printable" => new QuotedPrintableDecoder(),
        "x-uuencode" or "uuencode" or "x-uue" or "x-uu" => new UuDecoder(),
        _ => null,
    };

    /// <summary>Decodes what can be decoded of the next octets.</summary>
    public abstract void Decode(ReadOnlySpan<byte> octets, IBufferWriter<byte> into);

    /// <summary>Says that the body ends here: what was held back comes out.</summary>
    public virtual void End(IBufferWriter<byte> into) { }

    /// <summary>The whole of a body at once.</summary>
    public static byte[] All(string encoding, ReadOnlySpan<byte> body)
    {
        var into = new ArrayBufferWriter<byte>(Math.Max(body.Length, 1));
        var decoder = For(encoding) ?? new IdentityDecoder();
        decoder.Decode(body, into);
        decoder.End(into);
        return into.WrittenSpan.ToArray();
    }
}

/// <summary>7bit, 8bit and binary: nothing is to be taken off.</summary>
sealed class IdentityDecoder : TransferDecoder
{
    public override void Decode(ReadOnlySpan<byte> octets, IBufferWriter<byte> into) => into.Write(octets);
}

/// <summary>Counts octets instead of keeping them: the decoded size, for BINARY.SIZE (RFC 3516 §4.3).</summary>
public sealed class OctetCounter : IBufferWriter<byte>
{
    byte[] _scratch = new byte[8192];

    /// <summary>How many octets were written so far.</summary>
    public long Count { get; private set; }

    public void Advance(int count) => Count += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (sizeHint > _scratch.Length) _scratch = new byte[sizeHint];
        return _scratch;
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
}
