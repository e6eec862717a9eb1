using Posthorn.Mime.Sections;
using Posthorn.Mime.Structure;
using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Search.Reading;

/// <summary>
/// One stored message as clients see it: the prefix, then the body. The structure comes from the row; the body is opened, and
/// checked, when the first octet of it is asked for. One object serves one message.
/// </summary>
public sealed class MessageSource : IDisposable
{
    readonly MailStore _store;
    readonly byte[] _structure;
    readonly StoredMessage? _row;
    readonly byte[] _prefix;
    BlobReader? _body;
    Part? _root;

    /// <param name="row">All of the message.</param>
    public MessageSource(MailStore store, StoredMessage row) => (_store, _row, _structure, _prefix) = (store, row, row.Structure, row.Prefix);

    /// <param name="structure">The structure alone: the body cannot be read.</param>
    public MessageSource(MailStore store, in PlacedStructure structure) => (_store, _structure, _prefix) = (store, structure.Structure, structure.Prefix);

    public int PrefixLength => _prefix.Length;

    /// <summary>Octets of prefix and body.</summary>
    public long Length => _prefix.Length + Row.Blob.Length;

    StoredMessage Row => _row ?? throw new InvalidOperationException("only the structure was read");

    public long MessageId => Row.MessageId;

    BlobReader Body => _body ??= _store.OpenBlob(Row.Blob);

    /// <summary>The part tree.</summary>
    public Part Root => _root ??= Tree();

    Part Tree()
    {
        // A row that is older than structures, or that cannot be read: the body tells.
        if (_structure.Length > 0)
            try { return PartTree.Decode(_structure); }
            catch (FormatException) when (_row is not null) { }
        return PartTree.Read(Body.AsStream(), _prefix);
    }

    /// <summary>True when ENVELOPE and BODYSTRUCTURE are at hand as text.</summary>
    public bool TryTexts(out ReadOnlySpan<byte> envelope, out ReadOnlySpan<byte> bodyStructure)
    {
        envelope = bodyStructure = default;
        try { return _structure.Length > 0 && StoredStructure.TryTexts(_structure, out envelope, out bodyStructure); }
        catch (FormatException) { return false; }
    }

    /// <summary>True when the References of the header are at hand, and the envelope with them.</summary>
    public bool TryReferences(out ReadOnlySpan<byte> envelope, out ReadOnlySpan<byte> references)
    {
        envelope = references = default;
        try { return _structure.Length > 0 && StoredStructure.TryReferences(_structure, out envelope, out references); }
        catch (FormatException) { return false; }
    }

    /// <summary>Fills a span from an offset on; what is asked for must be there.</summary>
    public void Read(long offset, Span<byte> into)
    {
        if (offset < _prefix.Length)
        {
            var piece = _prefix.AsSpan((int)offset, (int)Math.Min(into.Length, _prefix.Length - offset));
            piece.CopyTo(into);
            into = into[piece.Length..];
            offset += piece.Length;
        }
        while (into.Length > 0)
        {
            var n = Body.Read(offset - _prefix.Length, into);
            if (n <= 0) throw new StoreDamageException($"message ends at {offset} of {Length} octets");
            offset += n;
            into = into[n..];
        }
    }

    /// <summary>All octets of a range; for parts that are known to be small.</summary>
    public byte[] Octets(OctetRange range)
    {
        var octets = new byte[range.Length];
        Read(range.Start, octets);
        return octets;
    }

    /// <summary>Opens the body, so that damage shows before anything is said of it.</summary>
    public void Check() => _ = Body;

    public void Dispose() => _body?.Dispose();
}
