using System.Buffers;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Posthorn.Delivery.Outbound.Files;

/// <summary>
/// A message as local files have it: LF line ends, without Return-Path fields of others (RFC 5321 §4.4: final delivery makes
/// the only one), and for mbox each line that looks like a separator, or like a quoted one, with one more "&gt;" (mboxrd), so
/// that readers can undo it exactly.
/// </summary>
sealed class LocalLines(SafeFileHandle file, long offset, bool quoteFrom) : IDisposable
{
    const int Window = 64 << 10;

    byte[] _in = ArrayPool<byte>.Shared.Rent(Window);
    byte[] _out = ArrayPool<byte>.Shared.Rent(Window);
    int _length;
    bool _header = true, _skipping, _lineStart = true;

    /// <summary>Where the next octet goes; after <see cref="Flush"/> the end of what was written.</summary>
    internal long End => offset + _length;

    internal void Write(string text) => Add(Encoding.UTF8.GetBytes(text));

    /// <summary>Writes all of the message; ends with a line end.</summary>
    internal void Write(Stream message)
    {
        for (int filled = 0, n; ;)
        {
            n = message.ReadAtLeast(_in.AsSpan(filled, Window - filled), Window - filled, throwOnEndOfStream: false);
            var last = n < Window - filled;
            var window = _in.AsSpan(0, filled + n);
            var used = Lines(window, last);
            if (last) break;
            window[used..].CopyTo(_in);
            filled = window.Length - used;
        }
        if (!_lineStart) Add("\n"u8);
    }

    /// <summary>Writes the whole lines of a window; a line that is larger than the window goes in pieces. Returns how much was used.</summary>
    int Lines(ReadOnlySpan<byte> window, bool last)
    {
        var at = 0;
        while (at < window.Length)
        {
            var rest = window[at..];
            var eol = rest.IndexOf((byte)'\n');
            if (eol < 0 && !last && at > 0) return at;
            var line = eol < 0 ? rest : rest[..eol];
            at += eol < 0 ? line.Length : eol + 1;
            if (eol >= 0 && line.EndsWith("\r"u8)) line = line[..^1];
            Line(line, ended: eol >= 0);
        }
        return at;
    }

    void Line(ReadOnlySpan<byte> line, bool ended)
    {
        if (_lineStart)
        {
            if (_header && line.IsEmpty) _header = _skipping = false;
            if (_header && line[0] is not ((byte)' ' or (byte)'\t')) _skipping = IsReturnPath(line);
            if (quoteFrom && !_skipping && line.TrimStart((byte)'>').StartsWith("From "u8)) Add(">"u8);
        }
        if (!_skipping)
        {
            Add(line);
            if (ended) Add("\n"u8);
        }
        _lineStart = ended;
    }

    static bool IsReturnPath(ReadOnlySpan<byte> line)
    {
        var colon = line.IndexOf((byte)':');
        return colon > 0 && Ascii.EqualsIgnoreCase(line[..colon].TrimEnd(" \t"u8), "return-path"u8);
    }

    void Add(ReadOnlySpan<byte> octets)
    {
        while (octets.Length > 0)
        {
            if (_length == _out.Length) Flush();
            var n = Math.Min(octets.Length, _out.Length - _length);
            octets[..n].CopyTo(_out.AsSpan(_length));
            _length += n;
            octets = octets[n..];
        }
    }

    /// <summary>Throws <see cref="IOException"/> when the disk does not take it.</summary>
    internal void Flush()
    {
        RandomAccess.Write(file, _out.AsSpan(0, _length), offset);
        offset += _length;
        _length = 0;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_in);
        ArrayPool<byte>.Shared.Return(_out);
        (_in, _out) = ([], []);
    }
}
