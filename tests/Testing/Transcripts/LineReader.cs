using System.Text;

namespace Posthorn.Tests.Testing.Transcripts;

/// <summary>The lines that the other side of a transport sends.</summary>
public sealed class LineReader(Stream stream)
{
    readonly List<byte> _buffer = [];
    readonly byte[] _chunk = new byte[4096];

    /// <summary>The next line without its line end; null at the end. A bare LF shows as a sign behind the line.</summary>
    public async Task<string?> NextAsync()
    {
        while (true)
        {
            var at = _buffer.IndexOf((byte)'\n');
            if (at >= 0)
            {
                var line = Encoding.UTF8.GetString(_buffer.GetRange(0, at).ToArray());
                _buffer.RemoveRange(0, at + 1);
                return line.EndsWith('\r') ? line[..^1] : line + "\u240A"; // a bare LF shows in the comparison
            }
            var n = await stream.ReadAsync(_chunk).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
            if (n == 0) return null;
            _buffer.AddRange(_chunk.AsSpan(0, n));
        }
    }
}
