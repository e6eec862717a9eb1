using System.Globalization;

namespace Posthorn.Logging;

/// <summary>
/// Takes finished log lines from any thread and writes them on one thread of its own, many at a time. Nobody who logs
/// waits for the disk or a full pipe: past the bound, lines are dropped and counted, and the count is itself a line.
/// </summary>
sealed class LogOutput : IDisposable
{
    const int Bound = 4 << 20;

    readonly object _lock = new();
    readonly Thread _writer;
    readonly string? _file;
    Stream _stream;
    byte[] _filling = new byte[16 << 10];
    byte[] _writing = new byte[16 << 10];
    int _filled;
    long _dropped;
    bool _busy, _closed, _reopen, _held;

    /// <param name="file">A file to append to, or null for the standard error stream.</param>
    public LogOutput(string? file)
    {
        _file = file;
        _stream = Open(file);
        _writer = new Thread(WriteLoop) { IsBackground = true, Name = "log" };
        _writer.Start();
    }

    LogOutput(Stream stream)
    {
        _stream = stream;
        _writer = new Thread(WriteLoop) { IsBackground = true, Name = "log" };
        _writer.Start();
    }

    /// <summary>Writes to any stream; owned.</summary>
    public static LogOutput To(Stream stream) => new(stream);

    static Stream Open(string? file) => file is null
        ? Console.OpenStandardError()
        : new FileStream(file, new FileStreamOptions
        {
            Mode = FileMode.Append,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });

    /// <summary>Queues one line, its line end included.</summary>
    public void Write(ReadOnlySpan<byte> line)
    {
        lock (_lock)
        {
            if (_closed) return;
            if (_filled + line.Length > Bound)
            {
                _dropped++;
                return;
            }
            if (_filled + line.Length > _filling.Length) Array.Resize(ref _filling, Math.Max(_filling.Length * 2, _filled + line.Length));
            line.CopyTo(_filling.AsSpan(_filled));
            _filled += line.Length;
            if (!_busy) Monitor.Pulse(_lock);
        }
    }

    /// <summary>Opens the file anew before the next line, so that a rotated one is let go.</summary>
    public void Reopen()
    {
        if (_file is null) return;
        lock (_lock)
        {
            _reopen = true;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Keeps lines back until <see cref="Release"/> (or the end).</summary>
    public void Hold()
    {
        lock (_lock) _held = true;
    }

    /// <summary>Lets lines out again.</summary>
    public void Release()
    {
        lock (_lock)
        {
            _held = false;
            Monitor.PulseAll(_lock);
        }
    }

    void WriteLoop()
    {
        while (true)
        {
            int length;
            bool reopen;
            lock (_lock)
            {
                _busy = false;
                Monitor.PulseAll(_lock); // whoever waits in Flush
                while ((_filled == 0 || _held) && !_closed && !_reopen) Monitor.Wait(_lock);
                if (_filled == 0 && _closed) return;
                _busy = true;
                (reopen, _reopen) = (_reopen, false);
                if (_dropped > 0)
                {
                    var note = System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"({_dropped} log lines dropped: the log cannot keep up)\n"));
                    Array.Resize(ref _filling, Math.Max(_filling.Length, _filled + note.Length));
                    note.CopyTo(_filling, _filled);
                    _filled += note.Length;
                    _dropped = 0;
                }
                (_filling, _writing) = (_writing, _filling);
                (length, _filled) = (_filled, 0);
            }
            try
            {
                if (reopen)
                {
                    var fresh = Open(_file);
                    _stream.Dispose();
                    _stream = fresh;
                }
                _stream.Write(_writing, 0, length);
                _stream.Flush();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
            {
                // There is nowhere left to say that the log is broken; mail must go on.
            }
            if (_writing.Length > 1 << 20) _writing = new byte[16 << 10];
        }
    }

    /// <summary>Waits until everything queued so far is written.</summary>
    public void Flush()
    {
        Release();
        lock (_lock)
            while ((_filled > 0 || _busy) && _writer.IsAlive) Monitor.Wait(_lock, 100);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_closed) return;
            _closed = true;
            Monitor.PulseAll(_lock);
        }
        // A reader that stopped reading our pipe must not keep the process alive.
        _writer.Join(TimeSpan.FromSeconds(2));
        _stream.Dispose();
    }
}
