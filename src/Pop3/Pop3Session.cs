using System.Net;
using System.Security.Cryptography.X509Certificates;
using Posthorn.Storage;
using Posthorn.Wire.Connections;
using Posthorn.Wire.Sasl;

namespace Posthorn.Pop3;

/// <summary>One connection: the loop, the state, the words. Commands are in Commands/.</summary>
sealed class Pop3Session : IDisposable
{
    const int PlainLine = 255; // RFC 2449 §4, CRLF included
    const int Utf8Line = 512;
    const int LongestLine = SaslBase64.MaxEncoded + Utf8Line;

    readonly Pop3ListenerSettings _listener;
    readonly long _began;
    IDisposable? _lock;
    Principal? _principal;
    string _reason = "connection lost";
    int _failedLogins, _badCommands;
    bool _over;

    internal Pop3Session(Pop3Server server, Connection connection, Pop3ListenerSettings listener)
    {
        (Server, Connection, _listener) = (server, connection, listener);
        _began = server.Time.GetTimestamp();
    }

    internal Pop3Server Server { get; }

    internal Connection Connection { get; }

    /// <summary>The name of the last USER command, waiting for its PASS.</summary>
    internal string? UserName { get; set; }

    /// <summary>UTF8 was given (RFC 6856 §2.1).</summary>
    internal bool Utf8 { get; set; }

    /// <summary>The picture of the mailbox; null before login.</summary>
    internal Maildrop? Maildrop { get; private set; }

    internal RowsAhead? Rows { get; private set; }

    internal int Retrieved { get; set; }

    internal int Removed { get; set; }

    /// <summary>A multi-line answer has begun: an error can no longer be said, only the connection be cut.</summary>
    internal bool InAnswer { get; set; }

    internal bool Encrypted => Connection.Tls is not null;

    /// <summary>Logins are allowed on this connection as it is now.</summary>
    internal bool MayLogIn => Encrypted || (_listener.PlaintextLogin && IPAddress.IsLoopback(Connection.RemoteAddress));

    internal LoginContext LoginContext => new("pop3", Connection.RemoteAddress, Encrypted);

    /// <summary>The options for STLS when it can be had now.</summary>
    internal System.Net.Security.SslServerAuthenticationOptions? TlsOptions => Encrypted ? null : _listener.Tls?.Invoke();

    internal byte[]? ChannelBindingData() => !Encrypted ? null
        : ChannelBinding.ServerEndPoint(Connection.ServerCertificate ?? Connection.Tls?.LocalCertificate as X509Certificate2);

    internal async Task RunAsync(CancellationToken ct)
    {
        Connection.SetSessionDeadline(Server.Options.LoginTimeout);
        Ok($"{Server.Options.Hostname} Posthorn POP3 ready");
        try
        {
            while (!_over) await NextAsync(ct).ConfigureAwait(false);
            await Connection.FlushAsync().ConfigureAwait(false);
        }
        finally
        {
            Dispose();
            if (_principal is { } who)
                Pop3Log.Ended(Server.Log, who.Address, Connection.Remote, _reason, Server.Time.GetElapsedTime(_began).TotalSeconds, Retrieved, Removed, Connection.BytesOut);
        }
    }

    async ValueTask NextAsync(CancellationToken ct)
    {
        if (Connection.DrainWanted)
        {
            Drain();
            return;
        }
        var waits = !Connection.HasBufferedInput;
        Connection.IdlePoint(true);
        var line = await Connection.ReadLineAsync(LongestLine, Server.Options.IdleTimeout).ConfigureAwait(false);
        Connection.IdlePoint(false);
        switch (line.Status)
        {
            case LineStatus.Line:
                if (waits && AccountIsGone()) End("account disabled", "-ERR [SYS/PERM] this account has been closed\r\n"u8);
                else await CommandAsync(line, ct).ConfigureAwait(false);
                break;
            case LineStatus.TooLong:
                Bad("line too long");
                break;
            case LineStatus.Draining:
                Drain();
                break;
            case LineStatus.TimedOut:
                // RFC 1939 §3: the autologout closes without a word and without the UPDATE state.
                End("autologout", default);
                break;
            default:
                End("connection lost", default);
                break;
        }
    }

    async ValueTask CommandAsync(ReadLine line, CancellationToken ct)
    {
        Pop3Grammar.Split(line.Text.Span, out var keywordLength, out var hasArgument);
        var keyword = line.Text.Span[..keywordLength];
        if (line.HasBareControl)
        {
            Bad("only CRLF ends a line");
            return;
        }
        if (Maildrop is null && Pop3Grammar.IsHttp(keyword))
        {
            End("HTTP", "-ERR this is not a web server\r\n"u8);
            return;
        }
        if (Pop3Commands.Find(keyword) is not { } command)
        {
            Bad("unknown command");
            return;
        }
        var when = command.When;
        var longest = (when & When.LongLine) != 0 ? LongestLine : Utf8 || (when & When.Utf8Line) != 0 ? Utf8Line : PlainLine;
        if (line.Text.Length + 2 > longest)
        {
            Bad("line too long");
            return;
        }
        if ((when & (Maildrop is null ? When.Authorization : When.Transaction)) == 0)
        {
            Err(Maildrop is null ? "log in first" : "not after login");
            return;
        }
        if (hasArgument ? (when & (When.MayHaveArgument | When.NeedsArgument)) == 0 : (when & When.NeedsArgument) != 0)
        {
            Err(hasArgument ? "this command takes no argument" : "this command needs an argument");
            return;
        }
        var argument = hasArgument ? line.Text[(keywordLength + 1)..] : default;
        if (hasArgument && argument.IsEmpty)
        {
            Err("the argument is missing");
            return;
        }
        await RunCommandAsync(command, argument, ct).ConfigureAwait(false);
    }

    async ValueTask RunCommandAsync(Pop3Command command, ReadOnlyMemory<byte> argument, CancellationToken ct)
    {
        try
        {
            await command.RunAsync(this, argument, ct).ConfigureAwait(false);
        }
        // The wall between a fault and the client: logged here, temporary and without detail there.
        catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
        {
            Pop3Log.Fault(Server.Log, e, command.Verb, Maildrop?.AccountId ?? 0, Connection.Remote);
            Fail(e is StorePoisonedException);
        }
        catch (OperationCanceledException)
        {
            Drain();
        }
        InAnswer = false;
    }

    void Fail(bool final)
    {
        if (InAnswer)
        {
            // Half an answer went out: its terminator would make a short message look whole.
            Connection.Abort();
            End("fault", default);
        }
        else if (final) End("fault", "-ERR [SYS/TEMP] server error, try again later\r\n"u8);
        else Write("-ERR [SYS/TEMP] server error, try again later\r\n"u8);
    }

    // Disabling an account ends its open sessions too. Looked up when the client comes back from a pause, not per line.
    bool AccountIsGone() => Maildrop is { } open && Server.Directory is { } directory && directory.Account(open.AccountId) is not { Enabled: true };

    /// <summary>Ends the session because the server stops: between commands, nothing deleted.</summary>
    internal void Drain() => End("server stopping", "-ERR [SYS/TEMP] server shutting down\r\n"u8);

    /// <summary>Ends the session after what is said; deletions not made by QUIT are forgotten.</summary>
    internal void End(string reason, ReadOnlySpan<byte> lastWords)
    {
        Write(lastWords);
        _reason = reason;
        _over = true;
    }

    /// <summary>An unknown or malformed command; too many end the connection (cross-protocol attacks look like that).</summary>
    internal void Bad(string text)
    {
        Err(text);
        var limit = Maildrop is null ? Server.Options.MaxUnknownBeforeLogin : Server.Options.MaxBadCommands;
        if (++_badCommands >= limit) End("too many bad commands", default);
    }

    internal void Write(ReadOnlySpan<byte> octets) => Connection.Write(octets);

    internal void Ok(string text) => Reply("+OK "u8, text);

    internal void Err(string text) => Reply("-ERR "u8, text);

    void Reply(ReadOnlySpan<byte> status, string text)
    {
        var span = Connection.GetSpan(status.Length + text.Length + 2);
        status.CopyTo(span);
        var length = status.Length + System.Text.Encoding.ASCII.GetBytes(text, span[status.Length..]);
        "\r\n"u8.CopyTo(span[length..]);
        Connection.Advance(length + 2);
    }

    /// <summary>Forgets all that was said in the clear (RFC 2595 §4), as TLS begins.</summary>
    internal void ResetForTls()
    {
        UserName = null;
        Utf8 = false;
    }

    /// <summary>Ends a login of any kind: opens the maildrop, or says why not (RFC 2449 §8, RFC 3206).</summary>
    internal void EndLogin(LoginResult result, string mechanism)
    {
        UserName = null;
        if (result is { Outcome: LoginOutcome.Accepted, Principal: { } who })
        {
            OpenMaildrop(who);
            return;
        }
        Pop3Log.LoginRefused(Server.Log, Connection.Remote, mechanism, result.Outcome.ToString());
        switch (result.Outcome)
        {
            case LoginOutcome.Throttled:
                Err("[LOGIN-DELAY] too many logins, try again later");
                break;
            case LoginOutcome.Rejected:
                Err("[AUTH] name or password is wrong");
                break;
            default:
                Err("[SYS/TEMP] logins cannot be checked now, try again later");
                return;
        }
        if (++_failedLogins >= Server.Options.MaxFailedLogins) End("too many failed logins", default);
    }

    void OpenMaildrop(Principal who)
    {
        if (Server.Locks.TryTake(who.AccountId) is not { } held)
        {
            Err("[IN-USE] another POP3 session has this maildrop");
            return;
        }
        try
        {
            var maildrop = Maildrop.Open(Server.Store, who.AccountId);
            Rows = new RowsAhead(Server.Store, maildrop, Server.Options.RowsAhead);
            Maildrop = maildrop;
            _lock = held;
            _principal = who;
        }
        finally
        {
            if (Maildrop is null) held.Dispose();
        }
        Connection.SetSessionDeadline(null);
        Pop3Log.LoggedIn(Server.Log, who.Address, Connection.Remote, who.Mechanism, who.Credential, Encrypted, Maildrop.Count);
        Ok($"maildrop has {Maildrop.Count} messages ({Maildrop.Octets} octets)");
    }

    /// <summary>The index of the message that a number names; answers and returns -1 when there is none.</summary>
    internal int Message(ReadOnlySpan<byte> argument)
    {
        if (!Pop3Grammar.TryNumber(argument, out var number))
        {
            Err("a message number is one decimal number");
            return -1;
        }
        if (number >= 1 && number <= Maildrop!.Length && !Maildrop.IsDeleted(number - 1)) return number - 1;
        Err("no such message");
        return -1;
    }

    public void Dispose() => _lock?.Dispose();
}
