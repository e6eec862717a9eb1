namespace Posthorn.Storage;

/// <summary>Where a body is: enough to read and to check it.</summary>
/// <param name="BlobId">Row id.</param>
/// <param name="Pack">Pack number, or 0 for a file of its own.</param>
/// <param name="Offset">Offset of the body in the pack.</param>
/// <param name="Length">Octets.</param>
/// <param name="Hash">SHA-256, 32 octets.</param>
public sealed record BlobLocation(long BlobId, int Pack, long Offset, long Length, byte[] Hash)
{
    /// <summary>For messages to the administrator.</summary>
    public override string ToString() =>
        $"blob {BlobId} ({Length} octets, sha256 {Convert.ToHexStringLower(Hash)}) in {(Pack == 0 ? "a file of its own" : $"pack-{Pack:00000000} at {Offset}")}";
}
