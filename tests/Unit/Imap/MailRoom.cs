using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Imap;
using Posthorn.Mime.Structure;
using Posthorn.Storage;
using Posthorn.Storage.Blobs;
using Posthorn.Storage.Messages;
using Posthorn.Tests.Testing.Transport;
using Posthorn.Tests.Unit.Wire.Sasl;
using Posthorn.Wire.Connections;
using Shouldly;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>An IMAP server over a real store in a directory of its own, with accounts "user" (password "pencil") and "other" ("pen").</summary>
sealed class MailRoom : IAsyncDisposable
{
    static readonly X509Certificate2 Certificate = MakeCertificate();

    readonly TimeProvider _time;

    MailRoom(string directory, MailStore store, TimeProvider time)
    {
        (Directory, Store, _time) = (directory, store, time);
        Server = new ImapServer(new ImapOptions { Hostname = "mail.example.test" }, store, null, Accounts, time, NullLogger.Instance);
    }

    public string Directory { get; }
    public MailStore Store { get; private set; }
    public FakeAccounts Accounts { get; } = new();
    public ImapServer Server { get; private set; }
    public ImapListenerSettings Listener { get; set; } = new(() => new SslServerAuthenticationOptions { ServerCertificate = Certificate }, true);

    /// <param name="inMemory">On a file system in memory where there is one: much is written, and what a sync costs is not the question.</param>
    public static async Task<MailRoom> OpenAsync(TimeProvider? time = null, bool inMemory = false)
    {
        const string Memory = "/dev/shm";
        var directory = inMemory && System.IO.Directory.Exists(Memory)
            ? System.IO.Directory.CreateDirectory($"{Memory}/posthorn-imap-{Guid.NewGuid():N}").FullName
            : System.IO.Directory.CreateTempSubdirectory("posthorn-imap-").FullName;
        var store = await MailStore.OpenAsync(new StoreOptions { Directory = directory }, time ?? TimeProvider.System, NullLogger.Instance);
        var room = new MailRoom(directory, store, time ?? TimeProvider.System);
        var (user, other) = await store.WriteAsync(unit =>
        {
            var domain = unit.Directory.AddDomain("example.test", null);
            return (unit.Directory.AddAccount(domain.Id, "user", "User", null, 0, "en").Id, unit.Directory.AddAccount(domain.Id, "other", "Other", null, 0, "en").Id);
        });
        room.Accounts.Users["user"] = (user, "pencil");
        room.Accounts.Users["other"] = (other, "pen");
        return room;
    }

    /// <summary>Ends server and store and opens them again. No session may be left.</summary>
    public async Task RestartAsync()
    {
        Server.Dispose();
        await Store.DisposeAsync();
        Store = await MailStore.OpenAsync(new StoreOptions { Directory = Directory }, _time, NullLogger.Instance);
        Server = new ImapServer(new ImapOptions { Hostname = "mail.example.test" }, Store, null, Accounts, _time, NullLogger.Instance);
    }

    /// <summary>From here on the server looks into a directory too.</summary>
    public void UseDirectory(Posthorn.Accounts.AccountDirectory directory)
    {
        Server.Dispose();
        Server = new ImapServer(new ImapOptions { Hostname = "mail.example.test" }, Store, directory, Accounts, _time, NullLogger.Instance);
    }

    /// <summary>From here on the server has other options.</summary>
    public void UseOptions(ImapOptions options)
    {
        Server.Dispose();
        Server = new ImapServer(options, Store, null, Accounts, _time, NullLogger.Instance);
    }

    /// <summary>From here on the server asks an index when it searches.</summary>
    public void UseIndex(Posthorn.Search.SearchIndex index)
    {
        Server.Dispose();
        Server = new ImapServer(new ImapOptions { Hostname = "mail.example.test" }, Store, null, Accounts, _time, NullLogger.Instance) { Index = index };
    }

    public long User => Accounts.Users["user"].Id;

    public Mailbox Mailbox(string name, long? account = null) => Store.Read(unit => unit.Mailboxes.Find(account ?? User, name)!);

    public async Task<uint> DeliverAsync(string body, string mailbox = "INBOX", MessageFlags flags = MessageFlags.None)
    {
        await using var blob = Store.NewBlob();
        var octets = Encoding.Latin1.GetBytes(body);
        blob.Write(octets);
        var prefix = "Return-Path: <a@example.test>\r\n"u8.ToArray();
        var structure = PartTree.Encode(PartTree.Read(octets, prefix));
        var trace = Store.NewTraceId();
        var target = Mailbox(mailbox).Id;
        return await Store.WriteAsync(unit => unit.Mailboxes.Deliver(User, target, new NewMessage(unit.Store(blob), prefix, structure, DateTimeOffset.UnixEpoch.AddDays(10000), trace, flags)).Uid);
    }

    /// <summary>Many messages in one unit, numbered from 1.</summary>
    public async Task DeliverAsync(int count, Func<int, string> body, string mailbox = "INBOX")
    {
        var mails = new List<(BlobWriter Blob, byte[] Structure)>(count);
        for (var i = 1; i <= count; i++)
        {
            var octets = Encoding.Latin1.GetBytes(body(i));
            var blob = Store.NewBlob();
            blob.Write(octets);
            mails.Add((blob, PartTree.Encode(PartTree.Read(octets, []))));
        }
        var target = Mailbox(mailbox).Id;
        await Store.WriteAsync(unit =>
        {
            foreach (var (blob, structure) in mails)
                unit.Mailboxes.Deliver(User, target, new NewMessage(unit.Store(blob), [], structure, DateTimeOffset.UnixEpoch.AddDays(10000), Store.NewTraceId(), MessageFlags.None));
            return count;
        });
        foreach (var (blob, _) in mails) await blob.DisposeAsync();
    }

    /// <summary>Connects; the greeting is read.</summary>
    public async Task<ImapClient> ConnectAsync(string address = "127.0.0.1", DeadlineWatch? watch = null, int unread = 0)
    {
        var client = new ImapClient(new MemoryTransport(_time, watch, address, unread: unread), this);
        (await client.LineAsync()).ShouldStartWith("* OK [CAPABILITY ");
        return client;
    }

    public async Task<ImapClient> LoginAsync(string? select = "INBOX")
    {
        var client = await ConnectAsync();
        (await client.AskAsync("LOGIN user pencil")).ShouldStartWith("OK");
        if (select is not null) (await client.AskAsync("SELECT " + select)).ShouldStartWith("OK");
        client.Untagged.Clear();
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        Server.Dispose();
        await Store.DisposeAsync();
        System.IO.Directory.Delete(Directory, true);
    }

    static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest("CN=mail.example.test", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}

/// <summary>The client's side: sends commands, keeps the untagged responses.</summary>
sealed class ImapClient : IAsyncDisposable
{
    readonly MemoryTransport _transport;
    readonly byte[] _chunk = new byte[16384];
    Stream _stream;
    byte[] _buffer = [];
    int _tags;

    public ImapClient(MemoryTransport transport, MailRoom room)
    {
        (_transport, _stream) = (transport, transport.Client);
        Session = Task.Run(async () =>
        {
            try { await room.Server.RunAsync(transport.Server, room.Listener, CancellationToken.None); }
            catch (InvalidOperationException e) when (e.StackTrace!.Contains("PipeReader")) { } // a pipe's word for a transport that was aborted
            await transport.Server.DisposeAsync();
        });
    }

    public Task Session { get; }
    public Connection Server => _transport.Server;

    /// <summary>Responses without a tag since somebody cleared them, literals in their place as Latin 1.</summary>
    public List<string> Untagged { get; } = [];

    public async Task SendAsync(string text)
    {
        await _stream.WriteAsync(Encoding.Latin1.GetBytes(text));
        await _stream.FlushAsync();
    }

    /// <summary>Sends past the TLS layer.</summary>
    public Task SendClearAsync(string text) => _transport.SendAsync(Encoding.UTF8.GetBytes(text));

    /// <summary>The next response, literals inside.</summary>
    public async Task<string> LineAsync()
    {
        var line = new StringBuilder();
        while (true)
        {
            var at = _buffer.AsSpan().IndexOf("\r\n"u8);
            if (at < 0)
            {
                if (!await MoreAsync()) throw new EndOfStreamException("the server closed; before that: " + Encoding.Latin1.GetString(_buffer));
                continue;
            }
            var text = Encoding.Latin1.GetString(_buffer, 0, at);
            line.Append(text);
            _buffer = _buffer[(at + 2)..];
            if (!text.EndsWith('}')) return line.ToString();
            var size = int.Parse(text[(text.LastIndexOf('{') + 1)..^1]);
            while (_buffer.Length < size)
                if (!await MoreAsync()) throw new EndOfStreamException("the server closed inside a literal");
            line.Append("\r\n").Append(Encoding.Latin1.GetString(_buffer, 0, size));
            _buffer = _buffer[size..];
        }
    }

    async Task<bool> MoreAsync()
    {
        var n = await _stream.ReadAsync(_chunk).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
        _buffer = [.. _buffer, .. _chunk.AsSpan(0, n)];
        return n > 0;
    }

    /// <summary>Sends a command and returns its tagged response without the tag.</summary>
    public async Task<string> AskAsync(string command)
    {
        var tag = $"t{++_tags}";
        await SendAsync($"{tag} {command}\r\n");
        return await AnswerAsync(tag);
    }

    public async Task<string> AnswerAsync(string tag)
    {
        while (true)
        {
            var line = await LineAsync();
            if (line.StartsWith(tag + " ", StringComparison.Ordinal)) return line[(tag.Length + 1)..];
            Untagged.Add(line);
        }
    }

    /// <summary>The untagged responses of a command that succeeds.</summary>
    public async Task<List<string>> ListAsync(string command)
    {
        Untagged.Clear();
        (await AskAsync(command)).ShouldStartWith("OK", customMessage: command);
        return [.. Untagged];
    }

    public async Task<string> AppendAsync(string mailbox, string message, string arguments = "")
    {
        var tag = $"t{++_tags}";
        await SendAsync($"{tag} APPEND {mailbox} {arguments}{{{message.Length}}}\r\n");
        (await LineAsync()).ShouldStartWith("+");
        await SendAsync(message + "\r\n");
        return await AnswerAsync(tag);
    }

    /// <summary>True when the server says nothing more and closes.</summary>
    public async Task<bool> EndsAsync()
    {
        while (await MoreAsync()) { }
        await Session.WaitAsync(TimeSpan.FromSeconds(30));
        return _buffer.Length == 0;
    }

    public async Task StartTlsAsync()
    {
        (await AskAsync("STARTTLS")).ShouldStartWith("OK");
        var tls = new SslStream(_stream, true, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync("mail.example.test");
        _stream = tls;
    }

    /// <summary>Compresses from here on, as the client's side of RFC 4978.</summary>
    public async Task CompressAsync()
    {
        (await AskAsync("COMPRESS DEFLATE")).ShouldStartWith("OK");
        _stream = new Deflated(_stream);
    }

    public void Drop() => _transport.FinishSending();

    public async ValueTask DisposeAsync()
    {
        _transport.FinishSending();
        await Session.WaitAsync(TimeSpan.FromSeconds(30));
        await _transport.DisposeAsync();
    }

    sealed class Deflated(Stream inner) : Stream
    {
        readonly System.IO.Compression.DeflateStream _in = new(inner, System.IO.Compression.CompressionMode.Decompress, true), _out = new(inner, System.IO.Compression.CompressionMode.Compress, true);

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken ct = default) => _in.ReadAsync(buffer, ct);
        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken ct = default)
        {
            await _out.WriteAsync(buffer, ct);
            await _out.FlushAsync(ct);
        }
        public override Task FlushAsync(CancellationToken ct) => inner.FlushAsync(ct);
        public override void Flush() => inner.Flush();
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
