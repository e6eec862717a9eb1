using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Posthorn.Cli;
using Posthorn.Verbs;
using Posthorn.Wire.Addresses;
using Posthorn.Wire.Connections;

namespace Posthorn.Sendmail;

/// <summary>A reply of the server.</summary>
/// <param name="Text">Its lines without the code, with spaces between.</param>
readonly record struct LocalReply(int Code, string Text)
{
    public bool Good => Code is >= 200 and < 400;

    /// <summary>The code of sysexits.h that it stands for.</summary>
    public int Exit => Code switch
    {
        >= 400 and < 500 => ExitCode.TemporaryFailure,
        550 when Text.StartsWith("5.1.1 ", StringComparison.Ordinal) => ExitCode.NoUser,
        _ when Text.StartsWith("5.7.", StringComparison.Ordinal) => ExitCode.NoPermission,
        _ => ExitCode.DataError,
    };

    public override string ToString() => $"{Code} {Text}";
}

/// <summary>An SMTP session with the server on this machine over its Unix socket. What breaks it off is told as <see cref="VerbException"/>.</summary>
sealed class LocalSession : IAsyncDisposable
{
    const int LongestLine = 4096, MostLines = 100, Piece = 64 << 10;
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    readonly Connection _connection;

    LocalSession(Connection connection, string host) => (_connection, Host) = (connection, host);

    /// <summary>The name of the server.</summary>
    public string Host { get; }

    /// <summary>Connects to the socket; the exception says whether there is no server or no permission.</summary>
    public static async Task<Socket> ConnectAsync(string path, CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct).ConfigureAwait(false);
            return socket;
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            socket.Dispose();
            throw e is SocketException { SocketErrorCode: SocketError.AccessDenied }
                ? new VerbException(ExitCode.NoPermission, $"no permission to send mail: the socket {path} is not open to you (sendmail.users)")
                : new VerbException(ExitCode.TemporaryFailure, $"the mail server does not run, or not with the socket {path}; try again later");
        }
    }

    public static async Task<LocalSession> OpenAsync(string path, CancellationToken ct)
    {
        var socket = await ConnectAsync(path, ct).ConfigureAwait(false);
        var end = new UnixDomainSocketEndPoint(path);
        var connection = new Connection(new NetworkStream(socket, ownsSocket: true), end, end, () => socket.Shutdown(SocketShutdown.Receive), TimeProvider.System);
        var session = new LocalSession(connection, "");
        try
        {
            var greeting = await session.ReplyAsync().ConfigureAwait(false);
            if (!greeting.Good) throw new VerbException(ExitCode.TemporaryFailure, "the mail server says: " + greeting);
            var hello = await session.CommandAsync("EHLO localhost").ConfigureAwait(false);
            if (!hello.Good) throw new VerbException(ExitCode.TemporaryFailure, "the mail server says: " + hello);
            return new LocalSession(connection, greeting.Text.Split(' ')[0]);
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public Task<LocalReply> MailAsync(EmailAddress? sender, SendmailArguments arguments, long size, bool eightBit, bool utf8)
    {
        var line = new StringBuilder($"MAIL FROM:<{sender}>");
        line.Append(CultureInfo.InvariantCulture, $" SIZE={size}");
        if (eightBit) line.Append(" BODY=8BITMIME");
        if (utf8) line.Append(" SMTPUTF8");
        if (arguments.Return is not null) line.Append(" RET=").Append(arguments.Return);
        if (arguments.EnvelopeId is not null) line.Append(" ENVID=").Append(Xtext(arguments.EnvelopeId));
        return CommandAsync(line.ToString());
    }

    public Task<LocalReply> RecipientAsync(EmailAddress recipient, string? notify) => CommandAsync($"RCPT TO:<{recipient}>{(notify is null ? "" : " NOTIFY=" + notify)}");

    /// <summary>Sends the message as one chunk (RFC 3030): nothing in it can be taken for its end.</summary>
    public async Task<LocalReply> DataAsync(ReadOnlyMemory<byte> message)
    {
        _connection.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"BDAT {message.Length} LAST\r\n")));
        for (; message.Length > 0; message = message[Math.Min(Piece, message.Length)..])
        {
            _connection.Write(message.Span[..Math.Min(Piece, message.Length)]);
            await _connection.FlushAsync().ConfigureAwait(false);
        }
        return await ReplyAsync().ConfigureAwait(false);
    }

    async Task<LocalReply> CommandAsync(string line)
    {
        _connection.Write(Encoding.UTF8.GetBytes(line + "\r\n"));
        return await ReplyAsync().ConfigureAwait(false);
    }

    async Task<LocalReply> ReplyAsync()
    {
        var text = new StringBuilder();
        for (var lines = 0; lines < MostLines; lines++)
        {
            var read = await _connection.ReadLineAsync(LongestLine, Patience).ConfigureAwait(false);
            if (read.Status != LineStatus.Line) break;
            var line = Encoding.UTF8.GetString(read.Text.Span);
            if (line.Length < 3 || !int.TryParse(line.AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var code)) break;
            if (text.Length > 0) text.Append(' ');
            text.Append(line, Math.Min(4, line.Length), Math.Max(0, line.Length - 4));
            if (line.Length == 3 || line[3] == ' ') return new LocalReply(code, text.ToString());
        }
        throw new VerbException(ExitCode.TemporaryFailure, "the mail server broke the conversation off; try again later");
    }

    /// <summary>RFC 3461 §4: what is "+", "=" or a space becomes hexadecimal.</summary>
    static string Xtext(string value)
    {
        var text = new StringBuilder(value.Length);
        foreach (var c in value)
        {
            if (c is '+' or '=' or ' ') text.Append(CultureInfo.InvariantCulture, $"+{(int)c:X2}");
            else text.Append(c);
        }
        return text.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        _connection.Write("QUIT\r\n"u8);
        await _connection.DisposeAsync().ConfigureAwait(false);
    }
}
