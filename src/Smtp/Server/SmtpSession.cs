using System.Net;
using Microsoft.Extensions.Logging;
using Posthorn.Smtp.Grammar;
using Posthorn.Smtp.Server.Commands;
using Posthorn.Wire.Connections;
using Posthorn.Wire.Lines;

namespace Posthorn.Smtp.Server;

/// <summary>
/// One client from greeting to goodbye: reads a command, checks that it fits, and runs it; its <see cref="Conduct"/> counts
/// what a client may do only so often. Replies are buffered and leave when the session has to wait for input, so that a
/// pipelined group is answered in one segment (RFC 2920 §3.2).
/// </summary>
sealed class SmtpSession
{
    readonly SmtpServer _server;
    readonly string _id;
    long _began;
    int _commands;
    MessageIntake? _intake;
    string _reason = "lost connection";

    internal SmtpSession(SmtpServer server, Connection connection, SmtpListenerSettings listener, string id, CancellationToken stop)
    {
        (_server, Connection, Listener, _id, Stop) = (server, connection, listener, id, stop);
        Client = new SmtpClientInfo { Service = listener.Service, Address = PlainAddress(connection.RemoteAddress), SessionId = id, LocalUser = listener.LocalUser };
        Client.Port = (connection.Remote as IPEndPoint)?.Port ?? 0;
        Client.Trusted = listener.LocalUser is not null || listener.Trusted(Client.Address);
        MayXClient = listener.XClient && Client.Trusted;
        Conduct = new Conduct(this);
    }

    internal SmtpServerOptions Options => _server.Options;
    internal SmtpServer Server => _server;
    internal ISmtpBackend Backend => _server.Backend;
    internal ILogger Logger => _server.Logger;
    internal Connection Connection { get; }
    internal SmtpListenerSettings Listener { get; }
    internal SmtpClientInfo Client { get; }
    internal SessionState State { get; private set; } = new();
    internal Conduct Conduct { get; }
    internal CancellationToken Stop { get; }
    internal bool Ended { get; private set; }
    internal bool LoggedIn => Client.Principal is not null;

    /// <summary>
    /// Neither logged in, nor in a trusted network, nor on our Unix socket, whose mode lets in only whom it should.
    /// </summary>
    internal bool IsStranger => Client.Principal is null && !Client.Trusted && Connection.Remote is IPEndPoint;

    /// <summary>The peer that connected may speak for others, whatever it said with XCLIENT since.</summary>
    internal bool MayXClient { get; }

    /// <summary>True while octets of a message are on the wire: after a fault the place in the stream is lost.</summary>
    internal bool InTransfer { get; set; }

    /// <summary>The reader of message text; most probes never need one.</summary>
    internal MessageIntake Intake => _intake ??= new MessageIntake(this);

    internal async Task RunAsync()
    {
        try
        {
            SmtpLog.Connected(Logger, _id, Client.Address, Client.Service);
            if (Connection.Tls is { } tls) Client.Tls = TlsName.Of(tls);
            SetDeadline();
            _began = _server.Time.GetTimestamp();
            Greet();
            if (await SpeaksSmtpAsync().ConfigureAwait(false))
                while (!Ended) await NextAsync().ConfigureAwait(false);
            await Connection.FlushAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Commands have their own net; what gets here is a fault of the loop itself.
            SmtpLog.Fault(Logger, e, _id, Client.Address, "session");
            _reason = "fault";
        }
        finally
        {
            await DropEnvelopeAsync().ConfigureAwait(false);
            SmtpLog.Disconnected(Logger, _id, Client.Address, Client.Helo, Client.Tls, Client.Principal?.Address, Conduct.Messages, Conduct.Refused, _commands, _reason);
        }
    }

    /// <summary>The greeting of RFC 5321 §3.1; XCLIENT makes a second one.</summary>
    internal void Greet()
    {
        Reply("220 "u8, Options.Hostname, Client.Service == SmtpService.Lmtp ? " LMTP Posthorn\r\n"u8 : " ESMTP Posthorn\r\n"u8);
    }

    // A TLS client on a plaintext port waits for us as we wait for its line: look at the first octet.
    async ValueTask<bool> SpeaksSmtpAsync()
    {
        if (!Connection.HasBufferedInput)
        {
            var status = await WaitAsync().ConfigureAwait(false);
            if (status != LineStatus.Line)
            {
                EndBy(status);
                return false;
            }
        }
        if (!CommandLine.IsTlsHello(Connection.Buffered.Span)) return true;
        LogAbuse("TLS on a plaintext port");
        _reason = "TLS on a plaintext port";
        return false;
    }

    async ValueTask<LineStatus> WaitAsync()
    {
        Connection.IdlePoint(true);
        try { return await Connection.FillAsync(CommandTime()).ConfigureAwait(false); }
        finally { Connection.IdlePoint(false); }
    }

    async ValueTask NextAsync()
    {
        if (Conduct.Penalty > TimeSpan.Zero) await Conduct.ServePenaltyAsync().ConfigureAwait(false);
        // Only AUTH may be longer than a command line (RFC 4954 §4: 12,288 octets of base64), and only where it is offered.
        var limit = Client.Service == SmtpService.Submission && !LoggedIn ? AuthCommand.MaxLine : Options.MaxCommandLine;
        Connection.IdlePoint(true);
        var line = await Connection.ReadLineAsync(limit, CommandTime()).ConfigureAwait(false);
        Connection.IdlePoint(false);
        if (line.Status == LineStatus.TooLong) Refuse("500 5.5.2 Line too long\r\n"u8);
        else if (line.Status != LineStatus.Line) EndBy(line.Status);
        else if (Connection.Drained) EndBy(LineStatus.Draining);
        else if (line.HasBareControl) Conduct.RefuseBareControl("550 5.5.2 Bare CR, LF or NUL in a command\r\n"u8);
        else await HandleAsync(line.Text).ConfigureAwait(false);
    }

    /// <summary>What is left of the time for the greeting, or the time for one command.</summary>
    TimeSpan CommandTime()
    {
        var most = IsStranger && Options.UnderStress() ? Options.StressTimeout : Options.CommandTimeout;
        if (State.Greeted) return most;
        var left = Options.GreetingTimeout - _server.Time.GetElapsedTime(_began);
        return left < TimeSpan.Zero ? TimeSpan.Zero : left < most ? left : most;
    }

    async ValueTask HandleAsync(ReadOnlyMemory<byte> line)
    {
        _commands++;
        var verb = line[..CommandLine.VerbLength(line.Span)];
        var argument = verb.Length < line.Length ? line[(verb.Length + 1)..] : default;
        var command = SmtpCommands.Find(verb.Span);
        if (Logger.IsEnabled(LogLevel.Debug)) SmtpLog.Line(Logger, _id, SmtpLog.Loggable(command, line.Span));
        if (command is null)
        {
            Conduct.RefuseUnknown(verb.Span);
            return;
        }
        if (line.Length + 2 > Options.MaxCommandLine && command is not AuthCommand)
        {
            Refuse("500 5.5.2 Line too long\r\n"u8);
            return;
        }
        if (command.When.HasFlag(When.EndsGroup) && Connection.HasBufferedInput && Conduct.EndsInjection(command)) return;
        if (command.When.HasFlag(When.Junk) && Conduct.EndsJunk()) return;
        try
        {
            var refusal = SmtpGate.Check(command.When, Client.Service, State.Stage, LoggedIn);
            if (refusal.Length > 0) await command.RefuseAsync(this, argument, refusal.ToArray()).ConfigureAwait(false);
            else if (command.When.HasFlag(When.Bare) && argument.Span.TrimEnd((byte)' ').Length > 0) Refuse("501 5.5.4 No argument allowed\r\n"u8);
            else await command.RunAsync(this, argument).ConfigureAwait(false);
        }
        catch (BadSyntax e)
        {
            Refuse(SmtpReplies.Of(e.Reply));
        }
        catch (Exception e)
        {
            await FaultAsync(e, command).ConfigureAwait(false);
        }
    }

    async ValueTask FaultAsync(Exception e, SmtpCommand command)
    {
        await DropEnvelopeAsync().ConfigureAwait(false);
        if (e is OperationCanceledException && Stop.IsCancellationRequested)
        {
            End("421 4.3.2 Shutting down\r\n"u8, "shutting down");
            return;
        }
        SmtpLog.Fault(Logger, e, _id, Client.Address, command.Verb);
        if (InTransfer) End("421 4.3.0 Internal error\r\n"u8, "fault");
        else Reply("451 4.3.0 Internal error, try again later\r\n"u8);
    }

    /// <summary>Opens the transaction of MAIL.</summary>
    internal void Open(Envelope envelope)
    {
        Conduct.CountTransaction();
        State.SkippingChunks = false;
        State.Envelope = envelope;
    }

    /// <summary>Ends the open transaction, if there is one, whatever its state.</summary>
    internal async ValueTask DropEnvelopeAsync()
    {
        if (State.Envelope is not { } envelope) return;
        State.Envelope = null;
        try
        {
            await envelope.Transaction.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            SmtpLog.Fault(Logger, e, _id, Client.Address, "cleanup");
        }
    }

    /// <summary>
    /// Forgets all that was said (RFC 3207 §4.2, XCLIENT): what came before the handshake could be anybody's. The counters of
    /// abuse stay.
    /// </summary>
    internal async ValueTask ForgetAsync()
    {
        await DropEnvelopeAsync().ConfigureAwait(false);
        State = new SessionState();
        Client.Helo = "";
        Client.Extended = false;
        Client.Principal = null;
        _began = _server.Time.GetTimestamp();
        SetDeadline();
    }

    /// <summary>A new HELO, EHLO or LHLO, which is a RSET too (RFC 5321 §4.1.4).</summary>
    internal async ValueTask HelloAsync(string name, bool extended)
    {
        await DropEnvelopeAsync().ConfigureAwait(false);
        State.SkippingChunks = false;
        State.Greeted = true;
        Client.Helo = name;
        Client.Extended = extended;
    }

    /// <summary>Strangers have so long in all; those we know may stay.</summary>
    internal void SetDeadline() => Connection.SetSessionDeadline(IsStranger ? Options.StrangerTimeout : null);

    /// <summary>Writes whole reply lines, CRLF included.</summary>
    internal void Reply(ReadOnlySpan<byte> lines) => Connection.Write(lines);

    /// <summary>Writes one reply line around a text that is checked.</summary>
    internal void Reply(ReadOnlySpan<byte> before, string text, ReadOnlySpan<byte> after)
    {
        Connection.Write(before);
        SmtpLine.Write(Connection, text, utf8: false);
        Connection.Write(after);
    }

    /// <summary>Writes a reply of the backend; in UTF-8 only where the client asked for it (RFC 6531 §3.7.4).</summary>
    internal void Reply(SmtpReply reply, bool utf8 = false) => SmtpReplies.Write(Connection, reply, utf8 || State.Envelope is { Mail.SmtpUtf8: true });

    /// <summary>Refuses a command, and ends the session when it was one too many.</summary>
    internal void Refuse(ReadOnlySpan<byte> line) => Conduct.Refuse(line);

    /// <summary>A refusal of the backend; those we know may be refused any number of times.</summary>
    internal void Refuse(SmtpReply reply) => Conduct.Refuse(reply);

    internal void LogFault(Exception e, string where) => SmtpLog.Fault(Logger, e, _id, Client.Address, where);

    internal void LogLogin(string mechanism, string user) => SmtpLog.LoggedIn(Logger, _id, Client.Address, mechanism, user);

    internal void LogTlsFailure() => SmtpLog.TlsFailed(Logger, _id, Client.Address, Connection.TlsFailure ?? "unknown");

    internal void LogLoginFailed(string mechanism) => SmtpLog.LoginFailed(Logger, _id, Client.Address, mechanism);

    internal void LogAbuse(string what) => SmtpLog.Abuse(Logger, _id, Client.Address, what);

    /// <summary>Writes the last reply; the session ends with it.</summary>
    internal void End(ReadOnlySpan<byte> line, string reason)
    {
        Reply(line);
        Hang(reason);
    }

    /// <summary>Ends the session without a word more.</summary>
    internal void Hang(string reason)
    {
        Ended = true;
        _reason = reason;
    }

    /// <summary>Ends the session for what a read came to.</summary>
    internal void EndBy(LineStatus status)
    {
        switch (status)
        {
            case LineStatus.TimedOut: End("421 4.4.2 Timeout\r\n"u8, "timeout"); break;
            case LineStatus.Draining: End("421 4.3.2 Shutting down\r\n"u8, "shutting down"); break;
            default: Hang("lost connection"); break;
        }
    }

    internal static IPAddress PlainAddress(IPAddress a) => a.IsIPv4MappedToIPv6 ? a.MapToIPv4() : a;
}
