using System.Text;
using Posthorn.Transfer.Link;

namespace Posthorn.Transfer.Files;

/// <summary>Somebody else's file is where ours should be.</summary>
sealed class ForeignFileException(string message) : IOException(message);

/// <summary>
/// Appends messages to an mbox, quoted as mboxrd does. A file of an earlier run is gone on with: what it has is not written
/// again, and a message that was cut off at its end is taken out first.
/// </summary>
sealed class MboxWriter : IDisposable
{
    readonly HashSet<(uint Validity, uint Uid)> _there = [];
    readonly FileStream _file;
    readonly uint _validity;

    /// <param name="path">The file; its directory is there.</param>
    /// <param name="validity">UIDVALIDITY of the mailbox.</param>
    /// <exception cref="ForeignFileException">The file was not made here.</exception>
    public MboxWriter(string path, uint validity)
    {
        (Path, _validity) = (path, validity);
        var end = File.Exists(path) ? Scan(path) : 0;
        _file = new FileStream(path, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, BufferSize = 128 << 10, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
        _file.SetLength(end);
        _file.Position = end;
    }

    public string Path { get; }

    /// <summary>Notes what is whole; the offset behind it.</summary>
    long Scan(string path)
    {
        if (IsCutBeginning(path)) return 0;
        using var reader = new MboxReader(MaildirReader.Open(path));
        (uint, uint)? last = null;
        var (end, any) = (0L, false);
        try
        {
            for (; reader.NextMessage(); any = true)
            {
                if (last is { } whole) _there.Add(whole);
                else if (any) throw Foreign(path);
                end = reader.Start;
                last = reader.Mark is { } mark ? (mark.Validity, mark.Uid) : null;
            }
        }
        catch (InvalidDataException) { throw Foreign(path); }
        // Only the last one can be less than it was to be; of a first one enough was there to know it.
        if (last is null && end == 0 && any) throw Foreign(path);
        if (last is not { } final || reader.Mark is not { } made || reader.Length < made.Size || !reader.EndedByEmptyLine) return end;
        _there.Add(final);
        return new FileInfo(path).Length;
    }

    /// <summary>True for a file that has no more than a part of what stands before a first message of ours.</summary>
    static bool IsCutBeginning(string path)
    {
        using var file = File.OpenRead(path);
        var head = new byte[256];
        var n = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        return n < head.Length && (Postmark.Begin.StartsWith(head.AsSpan(0, n)) || (head.AsSpan(0, n).StartsWith(Postmark.Begin) && head.AsSpan(0, n).Count((byte)'\n') <= 1));
    }

    static ForeignFileException Foreign(string path) => new($"{path} has what was not written by this program, and stays as it is");

    public bool Has(OutgoingMail mail) => _there.Contains((_validity, mail.Uid));

    public void Write(OutgoingMail mail, MailSpool message)
    {
        var fields = MboxStatus.Fields(mail.Flags);
        var mark = new MboxMark(_validity, mail.Uid, message.Length, mail.Date, fields.Count, !message.Canonical);
        Line(Postmark.Of(mail.Date));
        Line(mark.ToString());
        foreach (var field in fields) Line(field);
        using var lines = new LinePieces(message.Open());
        var ended = true;
        while (lines.Next())
        {
            if (lines.Starts && lines.Piece.TrimStart((byte)'>').StartsWith("From "u8)) _file.WriteByte((byte)'>');
            _file.Write(lines.Piece);
            if (lines.End == PieceEnd.CrLf && mark.AsIs) _file.WriteByte((byte)'\r');
            if (lines.End != PieceEnd.None) _file.WriteByte((byte)'\n');
            ended = lines.End != PieceEnd.None;
        }
        if (!ended) _file.WriteByte((byte)'\n');
        _file.WriteByte((byte)'\n');
        _there.Add((_validity, mail.Uid));
    }

    void Line(string text)
    {
        _file.Write(Encoding.UTF8.GetBytes(text));
        _file.WriteByte((byte)'\n');
    }

    /// <summary>Makes all that was written last.</summary>
    public void Finish()
    {
        _file.Flush();
        FileSync.All(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!);
    }

    public void Dispose() => _file.Dispose();
}
