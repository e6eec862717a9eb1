using System.Buffers;
using Posthorn.Mime.Envelopes;

namespace Posthorn.Mime.Structure;

/// <summary>
/// IMAP text out of the stored form of a message, by copying: ENVELOPE and BODYSTRUCTURE were written at ingest. The spans
/// point into what is given.
/// </summary>
public static class StoredStructure
{
    /// <summary>
    /// The texts. False for a row of the first version, which has none: the message has to be read again
    /// (<see cref="PartTree.Read(Stream, ReadOnlySpan{byte})"/>). Throws <see cref="FormatException"/> on anything else.
    /// </summary>
    public static bool TryTexts(ReadOnlySpan<byte> stored, out ReadOnlySpan<byte> envelope, out ReadOnlySpan<byte> bodyStructure)
    {
        PartCodec.Texts(stored, out envelope, out bodyStructure);
        return envelope.Length > 0;
    }

    /// <summary>
    /// The text of the References fields, empty for none, with the envelope. False for a row of an older version, and for one
    /// that was too long: the header has to be read. Throws <see cref="FormatException"/> on anything else.
    /// </summary>
    public static bool TryReferences(ReadOnlySpan<byte> stored, out ReadOnlySpan<byte> envelope, out ReadOnlySpan<byte> references) =>
        PartCodec.References(stored, out envelope, out references);

    /// <summary>BODYSTRUCTURE of a tree.</summary>
    public static void WriteBodyStructure(Part root, IBufferWriter<byte> into) => Write(root, extended: true, into);

    /// <summary>BODY of a tree: the structure without the extension data.</summary>
    public static void WriteBody(Part root, IBufferWriter<byte> into) => Write(root, extended: false, into);

    static void Write(Part root, bool extended, IBufferWriter<byte> into)
    {
        var text = new ImapText(512);
        StructureText.Write(root, extended, ref text);
        into.Write(text.Written);
        text.Release();
    }
}
