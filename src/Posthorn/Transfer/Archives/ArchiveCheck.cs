using System.Security.Cryptography;
using Posthorn.Transfer.Files;

namespace Posthorn.Transfer.Archives;

/// <summary>Reads archived messages again and gives the SHA-256 of what a reader would get.</summary>
static class ArchiveCheck
{
    /// <summary>Of a file of a Maildir.</summary>
    public static byte[] OfMaildir(string path)
    {
        var name = MaildirFileName.Parse(Path.GetFileName(path));
        using var hasher = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var stream = MaildirReader.Open(path);
        if (name.WireSize == name.Size)
        {
            var buffer = new byte[64 << 10];
            for (int n; (n = stream.Read(buffer)) > 0;) hasher.AppendData(buffer, 0, n);
            return hasher.GetHashAndReset();
        }
        using var lines = new LinePieces(stream);
        while (lines.Next())
        {
            hasher.AppendData(lines.Piece);
            if (lines.End != PieceEnd.None) hasher.AppendData("\r\n"u8);
        }
        return hasher.GetHashAndReset();
    }

    /// <summary>Of all messages of an mbox that were written here, by UIDVALIDITY and UID.</summary>
    public static Dictionary<(uint Validity, uint Uid), byte[]> OfMbox(string path, CancellationToken ct)
    {
        var hashes = new Dictionary<(uint, uint), byte[]>();
        using var reader = new MboxReader(MaildirReader.Open(path));
        while (reader.NextMessage())
        {
            ct.ThrowIfCancellationRequested();
            using var hasher = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            while (reader.Next() is { Length: > 0 } piece) hasher.AppendData(piece.Span);
            if (reader.Mark is { } mark) hashes[(mark.Validity, mark.Uid)] = hasher.GetHashAndReset();
        }
        return hashes;
    }
}
