using System.Text.Json.Nodes;
using Posthorn.Cli;
using Posthorn.Imap.Administration;
using Posthorn.Transfer.Files;
using Posthorn.Transfer.Link;
using Posthorn.Verbs;

namespace Posthorn.Transfer;

/// <summary>Brings mail from files into an account. A file that cannot be read is told of, and the others go on.</summary>
sealed class FileImport(LocalWork work, CancellationToken ct)
{
    /// <summary>So often what was sent is waited for, so that a server that refuses is noticed.</summary>
    const int FlushEvery = 2000;

    readonly Dictionary<string, RemoteMailbox> _mailboxes = [];
    readonly byte[] _buffer = new byte[2 * LinePieces.Whole + 2];
    int _sinceFlush;

    /// <summary>The mailbox that all goes into, or under; empty for the names that the source has.</summary>
    string Into => work.Arguments.Optional("mailbox") is { } into ? MailboxAdmin.Normal(into) : "";

    public async Task<JsonObject> RunAsync(string kind, Func<FileImport, string, Task> source)
    {
        var account = await work.Client.OpenAsync(work.Arguments.Text("account"), kind, ct).ConfigureAwait(false);
        foreach (var path in work.Arguments.Texts("paths"))
        {
            if (!Path.Exists(path)) work.Fail(path, "it is not there", io: true);
            else await GuardedAsync(path, () => source(this, path)).ConfigureAwait(false);
        }
        var tally = await work.FlushAsync(ct).ConfigureAwait(false);
        return work.Finish(new JsonObject { ["account"] = account, ["added"] = tally.Added, ["known"] = tally.Known, ["octets"] = tally.Octets, ["mailboxes"] = _mailboxes.Count });
    }

    public async Task MaildirAsync(string root)
    {
        if (File.Exists(root)) throw new InvalidDataException("it is a file, and a Maildir is a directory");
        var folders = MaildirReader.Folders(root, (name, why) => work.Fail(name, why));
        if (folders.Count == 0) work.Fail(root, "there is no Maildir in it: neither \"cur\" nor \"new\"");
        var subscriptions = MaildirReader.Subscriptions(root);
        foreach (var folder in folders) await GuardedAsync(folder.Directory, () => FolderAsync(folder, subscriptions)).ConfigureAwait(false);
    }

    async Task FolderAsync(MaildirFolder folder, HashSet<string>? subscriptions)
    {
        if (await MailboxAsync(folder.Mailbox, subscriptions?.Contains(folder.Mailbox) ?? true).ConfigureAwait(false) is not { } mailbox) return;
        var keywords = MaildirReader.Keywords(folder.Directory);
        var files = MaildirReader.Files(folder.Directory);
        work.Progress.Begin(mailbox.Name, 0, files.Count);
        foreach (var file in files)
            await GuardedAsync(file, async () =>
            {
                var name = MaildirFileName.Parse(Path.GetFileName(file));
                var path = File.Exists(file) ? file : Renamed(folder.Directory, name.Unique) ?? file;
                using var stream = MaildirReader.Open(path);
                var mail = new IncomingMail(mailbox.Id, path, name.Flags(keywords), File.GetLastWriteTimeUtc(path));
                await SendAsync(mail, stream, asIs: name.WireSize is { } wire && wire == name.Size).ConfigureAwait(false);
            }).ConfigureAwait(false);
    }

    /// <summary>A server that still works on the Maildir has given the file other flags.</summary>
    static string? Renamed(string directory, string unique) => Directory.EnumerateFiles(Path.Combine(directory, "cur"), unique + "*").FirstOrDefault();

    public async Task MboxAsync(string path)
    {
        var files = Directory.Exists(path) ? MboxNames.Files(path) : [(Into.Length > 0 ? "" : "INBOX", path)];
        foreach (var (name, file) in files)
            await GuardedAsync(file, async () =>
            {
                using var reader = new MboxReader(MaildirReader.Open(file));
                var any = reader.NextMessage();
                if (await MailboxAsync(name, subscribed: true).ConfigureAwait(false) is not { } mailbox || !any) return;
                work.Progress.Begin(mailbox.Name, new FileInfo(file).Length);
                var count = 0;
                do
                {
                    if (reader.IsServerData || reader.IsDeleted) continue;
                    work.Client.Begin(new IncomingMail(mailbox.Id, $"{file}, message {++count}", reader.Flags, reader.Date));
                    var whole = false;
                    try
                    {
                        while (reader.Next() is { Length: > 0 } piece) await work.Client.WriteAsync(piece.Span, ct).ConfigureAwait(false);
                        whole = true;
                    }
                    finally { await work.Client.EndAsync(whole, ct).ConfigureAwait(false); }
                    await CountAsync(reader.Length).ConfigureAwait(false);
                }
                while (reader.NextMessage());
            }).ConfigureAwait(false);
    }

    public async Task EmlAsync(string path)
    {
        if (await MailboxAsync(Into.Length > 0 ? "" : "INBOX", subscribed: true).ConfigureAwait(false) is not { } mailbox) return;
        var files = Directory.Exists(path) ? MessageFiles(path) : [path];
        var flags = MailFlags.Of(work.Arguments.Flag("seen") ? ["\\Seen"] : []);
        work.Progress.Begin(mailbox.Name, 0, files.Length);
        foreach (var file in files)
            await GuardedAsync(file, async () =>
            {
                using var stream = MaildirReader.Open(file);
                var head = new byte[32 << 10];
                var n = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
                if (head.AsSpan(0, n).IndexOf((byte)'\n') is > 0 and var end && Postmark.TryParse(head.AsSpan(0, end).TrimEnd((byte)'\r'), out _)) throw new InvalidDataException("it begins as an mbox does; try: import mbox");
                using var whole = new Concatenated(head.AsMemory(0, n), stream);
                await SendAsync(new IncomingMail(mailbox.Id, file, flags, MailDate.Of(head.AsSpan(0, n)) ?? File.GetLastWriteTimeUtc(file)), whole, asIs: false).ConfigureAwait(false);
            }).ConfigureAwait(false);
    }

    static string[] MessageFiles(string directory) =>
    [
        .. Directory.EnumerateFiles(directory, "*", new EnumerationOptions { RecurseSubdirectories = true })
            .Where(static f => Path.GetExtension(f).Equals(".eml", StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal),
    ];

    /// <param name="asIs">False: each line end becomes CRLF.</param>
    async Task SendAsync(IncomingMail mail, Stream stream, bool asIs)
    {
        var octets = 0L;
        var whole = false;
        work.Client.Begin(mail);
        try
        {
            if (asIs)
                for (int n; (n = stream.Read(_buffer)) > 0; octets += n) await work.Client.WriteAsync(_buffer.AsSpan(0, n), ct).ConfigureAwait(false);
            else
            {
                using var lines = new LinePieces(stream);
                var filled = 0;
                while (lines.Next())
                {
                    if (_buffer.Length - filled < lines.Piece.Length + 2)
                    {
                        await work.Client.WriteAsync(_buffer.AsSpan(0, filled), ct).ConfigureAwait(false);
                        octets += filled;
                        filled = 0;
                    }
                    lines.Piece.CopyTo(_buffer.AsSpan(filled));
                    filled += lines.Piece.Length;
                    if (lines.End == PieceEnd.None) continue;
                    _buffer[filled++] = (byte)'\r';
                    _buffer[filled++] = (byte)'\n';
                }
                await work.Client.WriteAsync(_buffer.AsSpan(0, filled), ct).ConfigureAwait(false);
                octets += filled;
            }
            whole = true;
        }
        finally { await work.Client.EndAsync(whole, ct).ConfigureAwait(false); }
        await CountAsync(octets).ConfigureAwait(false);
    }

    async ValueTask CountAsync(long octets)
    {
        work.Progress.Message(octets);
        if (++_sinceFlush < FlushEvery) return;
        _sinceFlush = 0;
        await work.FlushAsync(ct).ConfigureAwait(false);
    }

    /// <summary>The mailbox for a name of the source; null when it cannot be made.</summary>
    async ValueTask<RemoteMailbox?> MailboxAsync(string name, bool subscribed)
    {
        var target = Into.Length == 0 ? name : name.Length == 0 || name == "INBOX" ? Into : Into + MailboxAdmin.Delimiter + name;
        if (_mailboxes.TryGetValue(target, out var known)) return known;
        try { return _mailboxes[target] = await work.Client.EnsureAsync(target, MaildirNames.UseOf(target), subscribed, ct).ConfigureAwait(false); }
        catch (VerbException e) when (e.Exit == ExitCode.DataError)
        {
            work.Fail(target, e.Message);
            return null;
        }
    }

    async Task GuardedAsync(string name, Func<Task> action)
    {
        try { await action().ConfigureAwait(false); }
        catch (InvalidDataException e) { work.Fail(name, e.Message); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && e.InnerException is not System.Net.Sockets.SocketException) { work.Fail(name, e.Message, io: true); }
    }

    /// <summary>What was read ahead, then the rest.</summary>
    sealed class Concatenated(ReadOnlyMemory<byte> first, Stream rest) : Stream
    {
        ReadOnlyMemory<byte> _first = first;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            if (_first.Length == 0) return rest.Read(buffer);
            var n = Math.Min(buffer.Length, _first.Length);
            _first.Span[..n].CopyTo(buffer);
            _first = _first[n..];
            return n;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
