using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Pop3;
using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Posthorn.Tests.Testing.Transport;
using Posthorn.Tests.Unit.Wire.Sasl;
using Posthorn.Wire.Connections;
using Shouldly;

namespace Posthorn.Tests.Unit.Pop3;

/// <summary>A POP3 server over a real store in a directory of its own, with accounts "user" (password "pencil") and "other" ("pen").</summary>
sealed class PostOffice : IAsyncDisposable
{
    static readonly X509Certificate2 Certificate = MakeCertificate();

    readonly TimeProvider _time;

    PostOffice(string directory, MailStore store, TimeProvider time)
    {
        (Directory, Store, _time) = (directory, store, time);
        Server = new Pop3Server(new Pop3Options { Hostname = "mail.example.test" }, store, null, Accounts, time, NullLogger.Instance);
    }

    public string Directory { get; }
    public MailStore Store { get; }
    public FakeAccounts Accounts { get; } = new();
    public Pop3Server Server { get; private set; }
    public Pop3ListenerSettings Listener { get; set; } = new(() => new SslServerAuthenticationOptions { ServerCertificate = Certificate }, true);

    public static async Task<PostOffice> OpenAsync(TimeProvider? time = null)
    {
        var directory = System.IO.Directory.CreateTempSubdirectory("posthorn-pop3-").FullName;
        var store = await MailStore.OpenAsync(new StoreOptions { Directory = directory }, time ?? TimeProvider.System, NullLogger.Instance);
        var office = new PostOffice(directory, store, time ?? TimeProvider.System);
        var (user, other) = await store.WriteAsync(unit =>
        {
            var domain = unit.Directory.AddDomain("example.test", null);
            return (unit.Directory.AddAccount(domain.Id, "user", "User", null, 0, "en").Id, unit.Directory.AddAccount(domain.Id, "other", "Other", null, 0, "en").Id);
        });
        office.Accounts.Users["user"] = (user, "pencil");
        office.Accounts.Users["other"] = (other, "pen");
        return office;
    }

    /// <summary>From here on the server looks into a directory too.</summary>
    public void UseDirectory(Posthorn.Accounts.AccountDirectory directory) =>
        Server = new Pop3Server(new Pop3Options { Hostname = "mail.example.test" }, Store, directory, Accounts, _time, NullLogger.Instance);

    public long User => Accounts.Users["user"].Id;

    public async Task<uint> DeliverAsync(string body, string prefix = "Return-Path: <a@example.test>\r\n", long? account = null) =>
        await DeliverAsync(Encoding.UTF8.GetBytes(body), prefix, account);

    public async Task<uint> DeliverAsync(byte[] body, string prefix, long? account = null)
    {
        var owner = account ?? User;
        await using var blob = Store.NewBlob();
        blob.Write(body);
        var trace = Store.NewTraceId();
        return await Store.WriteAsync(unit =>
        {
            var inbox = unit.Mailboxes.Find(owner, "INBOX")!;
            return unit.Mailboxes.Deliver(owner, inbox.Id, new NewMessage(unit.Store(blob), Encoding.UTF8.GetBytes(prefix), [], DateTimeOffset.UnixEpoch, trace)).Uid;
        });
    }

    public IReadOnlyList<uint> Uids(long? account = null) => Store.Read(unit =>
        unit.Mailboxes.Maildrop(account ?? User, unit.Mailboxes.Find(account ?? User, "INBOX")!.Id).Select(e => e.Uid).ToList());

    /// <summary>Connects; the greeting is read.</summary>
    public async Task<Pop3Client> ConnectAsync(string address = "127.0.0.1", DeadlineWatch? watch = null, int chunk = 0)
    {
        var client = new Pop3Client(new MemoryTransport(_time, watch, address, chunk), this);
        (await client.LineAsync()).ShouldStartWith("+OK");
        return client;
    }

    public async Task<Pop3Client> LoginAsync(string user = "user", string password = "pencil")
    {
        var client = await ConnectAsync();
        (await client.AskAsync("USER " + user)).ShouldStartWith("+OK");
        (await client.AskAsync("PASS " + password)).ShouldStartWith("+OK");
        return client;
    }

    public async ValueTask DisposeAsync()
    {
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

/// <summary>The client's side, octet for octet.</summary>
sealed class Pop3Client : IAsyncDisposable
{
    readonly MemoryTransport _transport;
    Stream _stream;
    byte[] _buffer = [];

    public Pop3Client(MemoryTransport transport, PostOffice office)
    {
        (_transport, _stream) = (transport, transport.Client);
        Session = Task.Run(async () =>
        {
            try { await office.Server.RunAsync(transport.Server, office.Listener, CancellationToken.None); }
            catch (InvalidOperationException e) when (e.StackTrace!.Contains("PipeReader")) { } // a pipe's word for a transport that was aborted
            await transport.Server.DisposeAsync();
        });
    }

    public Task Session { get; }
    public Connection Server => _transport.Server;

    public async Task SendAsync(string text)
    {
        await _stream.WriteAsync(Encoding.UTF8.GetBytes(text));
        await _stream.FlushAsync();
    }

    /// <summary>The next line without CRLF; "" at the end of the connection is told apart by <see cref="EndsAsync"/>.</summary>
    public async Task<string> LineAsync()
    {
        while (true)
        {
            var at = _buffer.AsSpan().IndexOf("\r\n"u8);
            if (at >= 0)
            {
                var line = Encoding.UTF8.GetString(_buffer, 0, at);
                _buffer = _buffer[(at + 2)..];
                return line;
            }
            if (!await MoreAsync()) throw new EndOfStreamException("the server closed; before that: " + Encoding.UTF8.GetString(_buffer));
        }
    }

    async Task<bool> MoreAsync()
    {
        var chunk = new byte[16384];
        var n = await _stream.ReadAsync(chunk).AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        _buffer = [.. _buffer, .. chunk.AsSpan(0, n)];
        return n > 0;
    }

    public async Task<string> AskAsync(string command)
    {
        await SendAsync(command + "\r\n");
        return await LineAsync();
    }

    /// <summary>The lines of a multi-line answer, unstuffed.</summary>
    public async Task<List<string>> LinesAsync()
    {
        var lines = new List<string>();
        while (await LineAsync() is var line && line != ".") lines.Add(line.StartsWith('.') ? line[1..] : line);
        return lines;
    }

    public async Task<string> RetrieveAsync(int number)
    {
        (await AskAsync("RETR " + number)).ShouldStartWith("+OK");
        return string.Concat((await LinesAsync()).Select(l => l + "\r\n"));
    }

    /// <summary>True when the server says nothing more and closes.</summary>
    public async Task<bool> EndsAsync()
    {
        while (await MoreAsync()) { }
        await Session.WaitAsync(TimeSpan.FromSeconds(20));
        return _buffer.Length == 0;
    }

    public async Task StartTlsAsync()
    {
        (await AskAsync("STLS")).ShouldStartWith("+OK");
        var tls = new SslStream(_stream, true, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync("mail.example.test");
        _stream = tls;
        Tls = tls;
    }

    /// <summary>Sends past the TLS layer.</summary>
    public Task SendClearAsync(string text) => _transport.SendAsync(Encoding.UTF8.GetBytes(text));

    public SslStream? Tls { get; private set; }

    public void Drop() => _transport.FinishSending();

    public async ValueTask DisposeAsync()
    {
        _transport.FinishSending();
        await Session.WaitAsync(TimeSpan.FromSeconds(20));
        await _transport.DisposeAsync();
    }
}
