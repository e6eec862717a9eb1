using System.Security.Cryptography;

namespace Posthorn.Transfer.Files;

/// <summary>
/// One message on its way into a file: how its lines end has to be known before the first octet is written. Small ones wait
/// in memory, larger ones in a file beside the target.
/// </summary>
sealed class MailSpool : IDisposable
{
    const int MostInMemory = 4 << 20;

    readonly string _directory;
    readonly IncrementalHash _hasher = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    MemoryStream? _memory = new();
    FileStream? _file;
    bool _lastWasReturn, _alone;

    MailSpool(string directory) => _directory = directory;

    /// <summary>Octets.</summary>
    public long Length { get; private set; }

    /// <summary>Line feeds.</summary>
    public long Lines { get; private set; }

    /// <summary>SHA-256 of all octets.</summary>
    public byte[] Hash { get; private set; } = [];

    /// <summary>True when each line feed follows a carriage return and no carriage return stands elsewhere: LF alone says as much.</summary>
    public bool Canonical => !_alone && !_lastWasReturn;

    /// <summary>Reads a message to its end; null when that fails.</summary>
    /// <param name="directory">Where a file may be made; it has no name.</param>
    public static async ValueTask<MailSpool?> ReadAsync(IMailContent content, string directory, CancellationToken ct)
    {
        var spool = new MailSpool(directory);
        try
        {
            while (await content.NextAsync(ct).ConfigureAwait(false) is { } piece)
            {
                if (piece.Length == 0)
                {
                    spool.Hash = spool._hasher.GetHashAndReset();
                    return spool;
                }
                spool.Add(piece.Span);
            }
            spool.Dispose();
            return null;
        }
        catch
        {
            spool.Dispose();
            throw;
        }
    }

    /// <summary>The message from its start; valid until this is disposed.</summary>
    public Stream Open()
    {
        Stream all = _file is { } file ? file : _memory!;
        all.Position = 0;
        return new Borrowed(all);
    }

    void Add(ReadOnlySpan<byte> piece)
    {
        _hasher.AppendData(piece);
        Length += piece.Length;
        for (var rest = piece; rest.Length > 0;)
        {
            if (_lastWasReturn)
            {
                _alone |= rest[0] != '\n';
                Lines += rest[0] == '\n' ? 1 : 0;
                _lastWasReturn = false;
                if (rest[0] == '\n')
                {
                    rest = rest[1..];
                    continue;
                }
            }
            var at = rest.IndexOfAny((byte)'\r', (byte)'\n');
            if (at < 0) break;
            if (rest[at] == '\n') (_alone, Lines) = (true, Lines + 1);
            else _lastWasReturn = true;
            rest = rest[(at + 1)..];
        }
        if (_memory is not null && _memory.Length + piece.Length > MostInMemory)
        {
            _file = new FileStream(Path.Combine(_directory, $".posthorn-{Guid.NewGuid():N}"), new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Options = FileOptions.DeleteOnClose });
            _memory.Position = 0;
            _memory.CopyTo(_file);
            _memory = null;
        }
        if (_memory is not null) _memory.Write(piece);
        else _file!.Write(piece);
    }

    public void Dispose()
    {
        _hasher.Dispose();
        _memory?.Dispose();
        _file?.Dispose();
    }

    /// <summary>Reads what somebody else closes.</summary>
    sealed class Borrowed(Stream inner) : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => inner.Length;
        public override long Position { get => inner.Position; set => throw new NotSupportedException(); }
        public override int Read(Span<byte> buffer) => inner.Read(buffer);
        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
