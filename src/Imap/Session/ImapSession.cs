using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Posthorn.Imap.Access;
using Posthorn.Imap.Extensions.InProgress;
using Posthorn.Imap.Extensions.MessageLimit;
using Posthorn.Imap.Extensions.Metadata;
using Posthorn.Imap.Extensions.Notify;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Views;
using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Posthorn.Wire.Connections;
using Posthorn.Wire.Sasl;

namespace Posthorn.Imap.Session;

/// <summary>What ENABLE, or a command that implies it, has switched on (RFC 5161).</summary>
[Flags]
enum Enabled
{
    None = 0,

    /// <summary>RFC 7162 §3.1: change numbers are told.</summary>
    CondStore = 1,

    /// <summary>RFC 7162 §3.2: VANISHED in place of EXPUNGE.</summary>
    QResync = 2,

    /// <summary>RFC 6855: UTF-8 in names and quoted strings.</summary>
    Utf8 = 4,

    /// <summary>RFC 9051 in place of RFC 3501.</summary>
    Rev2 = 8,

    /// <summary>RFC 9586: no message numbers.</summary>
    UidOnly = 16,

    /// <summary>RFC 5464 §4.4: changes of annotations are told.</summary>
    Metadata = 32,
}

/// <summary>One connection: the loop, the state, the words. Commands are in Commands/ and Extensions/.</summary>
sealed class ImapSession : IDisposable
{
    static readonly byte[] Star = "*"u8.ToArray();

    readonly ImapListenerSettings _listener;
    readonly CommandReader _reader;
    readonly long _began;
    byte[] _tag = Star;
    string _reason = "connection lost";
    int _failedLogins, _badCommands, _commands;
    bool _over;

    internal ImapSession(ImapServer server, Connection connection, ImapListenerSettings listener)
    {
        (Server, Connection, _listener) = (server, connection, listener);
        _reader = new CommandReader(connection, server.Time);
        Out = new ResponseWriter(connection);
        Progress = new Progress(this);
        _began = server.Time.GetTimestamp();
    }

    internal ImapServer Server { get; }

    internal Connection Connection { get; }

    internal ResponseWriter Out { get; }

    /// <summary>Reads what follows a command that stopped at a literal.</summary>
    internal CommandReader Commands => _reader;

    /// <summary>Who is logged in; null before.</summary>
    internal Principal? Who { get; private set; }

    internal MailStore Store => Server.Store;

    /// <summary>The mailbox that is selected; null for none.</summary>
    internal SelectedMailbox? Selected { get; private set; }

    /// <summary>Name and version that the client has given by ID; empty before.</summary>
    internal string Client { get; set; } = "";

    /// <summary>What NOTIFY has asked for; null before: the selected mailbox, when a command ends.</summary>
    internal NotifyWatch? Notify { get; private set; }

    /// <summary>What tells of annotations since ENABLE METADATA; null before.</summary>
    internal MetadataWatch? Metadata { get; private set; }

    internal Enabled Enabled { get; private set; }

    /// <summary>Names and quoted strings are UTF-8, in both directions.</summary>
    internal bool Utf8 => (Enabled & (Enabled.Utf8 | Enabled.Rev2)) != 0;

    internal bool Rev2 => (Enabled & Enabled.Rev2) != 0;

    internal bool UidOnly => (Enabled & Enabled.UidOnly) != 0;

    internal bool CondStore => (Enabled & Enabled.CondStore) != 0;

    internal bool QResync => (Enabled & Enabled.QResync) != 0;

    /// <summary>The tag of the command at hand.</summary>
    internal ReadOnlyMemory<byte> Tag => _tag;

    internal ImapLimits Limits => _reader.Limits;

    /// <summary>Octets of a literal are on their way out: an error can no longer be said, only the connection be cut.</summary>
    internal bool InLiteral { get; set; }

    /// <summary>Tells how far the command at hand has come.</summary>
    internal Progress Progress { get; }

    /// <summary>The lowest UID that the command at hand has worked on, when there were more than it may work on; else 0 (RFC 9738).</summary>
    internal uint LowestDone { get; set; }

    /// <summary>Set by a command with UID that has named messages by number all the same: they keep it until the command is over.</summary>
    internal bool NumbersStay { get; set; }

    internal bool Encrypted => Connection.Tls is not null;

    /// <summary>Logins are allowed on this connection as it is now.</summary>
    internal bool MayLogIn => Encrypted || (_listener.PlaintextLogin && IPAddress.IsLoopback(Connection.RemoteAddress));

    internal LoginContext LoginContext => new("imap", Connection.RemoteAddress, Encrypted);

    /// <summary>The options for STARTTLS when it can be had now.</summary>
    internal System.Net.Security.SslServerAuthenticationOptions? TlsOptions => Encrypted ? null : _listener.Tls?.Invoke();

    internal byte[]? ChannelBindingData() => !Encrypted ? null
        : ChannelBinding.ServerEndPoint(Connection.ServerCertificate ?? Connection.Tls?.LocalCertificate as X509Certificate2);

    internal async Task RunAsync(CancellationToken ct)
    {
        Connection.SetSessionDeadline(Server.Options.LoginTimeout);
        // RFC 9051 §7.1: the capabilities in the greeting save the client a question.
        Untagged("OK"u8, Capabilities.Code(this), $"{Server.Options.Hostname} Posthorn ready");
        try
        {
            while (!_over) await NextAsync(ct).ConfigureAwait(false);
            await Connection.FlushAsync().ConfigureAwait(false);
        }
        finally
        {
            Dispose();
            if (Who is { } who)
                ImapLog.Ended(Server.Log, who.Address, Connection.Remote, _reason, Server.Time.GetElapsedTime(_began).TotalSeconds, _commands, Connection.BytesIn, Connection.BytesOut);
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
        if (waits && Notify is { } notify && !await notify.WaitAsync().ConfigureAwait(false)) return;
        var frame = await _reader.ReadAsync(Server.Options.IdleTimeout).ConfigureAwait(false);
        switch (frame.Status)
        {
            case FrameStatus.Command or FrameStatus.Literal:
                if (waits && AccountIsGone()) Bye("account disabled", "this account has been closed");
                else await CommandAsync(frame, ct).ConfigureAwait(false);
                break;
            case FrameStatus.TooLong:
                SetTag(frame.Text.Span);
                Answer(Reply.Bad("the command is too long"));
                break;
            case FrameStatus.LiteralTooBig:
                SetTag(frame.Text.Span);
                // The client was not asked for the octets, so none come.
                Answer(IsUnknown(frame) ? Reply.Bad("unknown command") : Who is null ? Reply.Bad("the literal is too large") : Reply.No("TOOBIG", "the literal is too large"));
                break;
            case FrameStatus.Flooded:
                SetTag(frame.Text.Span);
                Tagged("BAD"u8, "TOOBIG", "ask before you send so much");
                Bye("literal too big", "too much was sent unasked");
                break;
            case FrameStatus.Draining:
                Drain();
                break;
            case FrameStatus.TimedOut:
                Bye("autologout", "autologout; idle for too long");
                break;
            default:
                End("connection lost");
                break;
        }
    }

    async ValueTask CommandAsync(CommandFrame frame, CancellationToken ct)
    {
        if (Who is null && IsHttp(frame.Text.Span))
        {
            Bye("HTTP", "this is not a web server");
            return;
        }
        ImapCommand? command = null;
        var arguments = default(Arguments);
        try { (command, arguments) = Parse(frame); }
        catch (BadSyntax e)
        {
            Answer(Reply.Bad($"{e.Message} (column {e.Column})"));
            if (frame.Status == FrameStatus.Literal) await RefuseLiteralAsync(frame.Literal).ConfigureAwait(false);
            return;
        }
        Reply? refused = command is null ? Reply.Bad("unknown command")
            // RFC 9586 §3
            : UidOnly && !arguments.ByUid && (command.When & When.TakesUid) != 0 ? new Reply(ReplyKind.Bad, "UIDREQUIRED", "message numbers are not allowed")
            : Allows(command) ? null
            : Reply.Bad(Who is null ? "log in first" : (command.When & When.Selected) != 0 ? "select a mailbox first" : "not in this state");
        var reply = refused ?? await RunCommandAsync(command!, arguments, ct).ConfigureAwait(false);
        if (reply.Kind != ReplyKind.None && !_over)
        {
            await TellAsync(!NumbersStay && (command is not { } done || arguments.ByUid || (done.When & When.KeepsNumbers) == 0)).ConfigureAwait(false);
            NumbersStay = false;
            Selected?.TellSettled();
            Answer(MessageLimits.Told(this, reply));
        }
        Selected?.Known = null;
        // Nobody has looked at it: its octets would be taken for commands.
        if (refused is not null && frame.Status == FrameStatus.Literal && !_over) await RefuseLiteralAsync(frame.Literal).ConfigureAwait(false);
        if (Connection.ShouldFlush) await Connection.FlushAsync().ConfigureAwait(false);
    }

    (ImapCommand? Command, Arguments Arguments) Parse(CommandFrame frame)
    {
        var text = frame.Text.Span;
        var reader = new ImapReader(text, Limits, Utf8);
        _tag = Star;
        var tag = reader.Tag();
        reader.SP();
        _tag = tag.ToArray();
        var verb = reader.Atom();
        var byUid = Ascii.EqualsIgnoreCase(verb, "UID"u8);
        if (byUid)
        {
            reader.SP();
            verb = reader.Atom();
        }
        _commands++;
        return (ImapCommands.Find(verb, byUid), new Arguments(frame.Text, reader.At, byUid, frame.Status == FrameStatus.Literal ? frame.Literal : null));
    }

    /// <summary>True for a command that could be read as far as its name, which is none (the example of RFC 9051 §7.6).</summary>
    bool IsUnknown(CommandFrame frame)
    {
        try { return Parse(frame).Command is null; }
        catch (BadSyntax) { return false; }
    }

    bool Allows(ImapCommand command) => (command.When & (Who is null ? When.Stranger : Selected is null ? When.User : When.Selected)) != 0;

    async ValueTask<Reply> RunCommandAsync(ImapCommand command, Arguments arguments, CancellationToken ct)
    {
        Progress.Begin();
        LowestDone = 0;
        try
        {
            Selected?.Known = Selected.Shown;
            if ((command.When & When.TakesMessages) != 0 && Notify?.TellsMessages != false) Selected?.Tell(mayExpunge: false);
            return await command.RunAsync(this, arguments, ct).ConfigureAwait(false);
        }
        catch (BadSyntax e)
        {
            return Reply.Bad($"{e.Message} (column {e.Column})");
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            Drain();
        }
        // The wall between a fault and the client: logged here, without detail there.
        catch (Exception e)
        {
            ImapLog.Fault(Server.Log, e, command.Verb, Who?.AccountId ?? 0, Connection.Remote);
            if (InLiteral)
            {
                // Half a literal went out: whatever followed would be taken for its rest.
                Connection.Abort();
                End("fault");
            }
            else if (e is StorePoisonedException) Bye("fault", "server error, try again later");
            else return e is StoreFullException ? Reply.No("UNAVAILABLE", "there is no room at the moment") : Reply.No("SERVERBUG", "server error, try again later");
        }
        return Reply.None;
    }

    /// <summary>Takes or refuses the rest of a command that stopped at a literal and came to nothing.</summary>
    internal async ValueTask RefuseLiteralAsync(LiteralMark mark)
    {
        switch (await _reader.RefuseAsync(mark, Server.Options.UploadTimeout).ConfigureAwait(false))
        {
            case FrameStatus.Command:
                break;
            case FrameStatus.Flooded:
                Bye("literal too big", "too much was sent unasked");
                break;
            default:
                End("connection lost");
                break;
        }
    }

    /// <summary>True for the first word of an HTTP request: a browser was led here (ALPACA, CVE-2021-3618).</summary>
    static bool IsHttp(ReadOnlySpan<byte> text) =>
        text.StartsWith("GET /"u8) || text.StartsWith("POST /"u8) || text.StartsWith("HEAD /"u8) || text.StartsWith("PUT /"u8) || text.StartsWith("DELETE /"u8)
        || text.StartsWith("OPTIONS "u8) || text.StartsWith("CONNECT "u8) || text.StartsWith("PATCH /"u8) || text.StartsWith("TRACE /"u8) || text.StartsWith("PRI * "u8);

    // Disabling an account ends its open sessions too. Looked up when the client comes back from a pause, not per command.
    bool AccountIsGone() => Who is { } who && Server.Directory is { } directory && directory.Account(who.AccountId) is not { Enabled: true };

    /// <summary>The tag of a command that could not be read, or "*".</summary>
    void SetTag(ReadOnlySpan<byte> text)
    {
        _tag = Star;
        try { _tag = new ImapReader(text, Limits).Tag().ToArray(); }
        catch (BadSyntax) { }
    }

    void Answer(Reply reply)
    {
        switch (reply.Kind)
        {
            case ReplyKind.Ok:
                Tagged("OK"u8, reply.Code, reply.Text);
                break;
            case ReplyKind.No:
                Tagged("NO"u8, reply.Code, reply.Text);
                break;
            case ReplyKind.Bad:
                Tagged("BAD"u8, reply.Code, reply.Text);
                if (++_badCommands >= (Who is null ? Server.Options.MaxUnknownBeforeLogin : Server.Options.MaxBadCommands)) Bye("too many bad commands", "too many bad commands");
                break;
        }
    }

    internal void Tagged(ReadOnlySpan<byte> condition, string? code, string text) => Out.Status(_tag, condition, code is null ? default : Encoding.ASCII.GetBytes(code), text);

    internal void Untagged(ReadOnlySpan<byte> condition, string? code, string text) => Out.Status(Star, condition, code is null ? default : Encoding.ASCII.GetBytes(code), text);

    /// <summary>Ends the session because the server stops.</summary>
    internal void Drain() => Bye("server stopping", "server shutting down");

    /// <summary>Ends the session with a word (RFC 9051 §7.1.5).</summary>
    internal void Bye(string reason, string text)
    {
        Untagged("BYE"u8, reason == "server stopping" ? "UNAVAILABLE" : null, text);
        End(reason);
    }

    /// <summary>Ends the session after what is written.</summary>
    internal void End(string reason)
    {
        _reason = reason;
        _over = true;
    }

    internal void Enable(Enabled what)
    {
        if ((what & Enabled.QResync) != 0) what |= Enabled.CondStore; // RFC 7162 §3.2.3
        var knows = CondStore;
        Enabled |= what;
        Out.Utf8 = Utf8;
        if ((what & Enabled.Metadata) != 0) Metadata ??= new MetadataWatch(this);
        // RFC 7162 §3.1: whoever begins to care for change numbers with a mailbox selected has to know where it stands.
        if (!knows && CondStore && Selected is { } selected) Untagged("OK"u8, $"HIGHESTMODSEQ {selected.Shown.HighestModSeq}", "the highest change number");
    }

    /// <summary>A login of any kind went well.</summary>
    internal Reply LogIn(Principal who)
    {
        Who = who;
        _failedLogins = 0;
        _reader.Limits = ImapLimits.User;
        Connection.SetSessionDeadline(null);
        ImapLog.LoggedIn(Server.Log, who.Address, Connection.Remote, who.Mechanism, who.Credential, Encrypted);
        return Reply.Ok(Capabilities.Code(this), "logged in");
    }

    /// <summary>A login was refused; says why as far as that helps an honest client (RFC 5530).</summary>
    internal Reply RefuseLogin(LoginOutcome outcome, string mechanism)
    {
        ImapLog.LoginRefused(Server.Log, Connection.Remote, mechanism, outcome.ToString());
        if (outcome is LoginOutcome.Rejected or LoginOutcome.Throttled && ++_failedLogins >= Server.Options.MaxFailedLogins)
        {
            Tagged("NO"u8, "AUTHENTICATIONFAILED", "too many failed logins");
            Bye("too many failed logins", "too many failed logins");
            return Reply.None;
        }
        return outcome switch
        {
            LoginOutcome.Rejected => Reply.No("AUTHENTICATIONFAILED", "name or password is wrong"),
            LoginOutcome.Throttled => Reply.No("LIMIT", "too many logins, try again later"),
            _ => Reply.No("UNAVAILABLE", "logins cannot be checked now, try again later"),
        };
    }

    /// <summary>Back to before the login (RFC 8437 §3).</summary>
    internal void LogOut()
    {
        Deselect();
        Notify?.Dispose();
        Metadata?.Dispose();
        (Notify, Metadata) = (null, null);
        if (Who is { } who) ImapLog.Ended(Server.Log, who.Address, Connection.Remote, "unauthenticated", Server.Time.GetElapsedTime(_began).TotalSeconds, _commands, Connection.BytesIn, Connection.BytesOut);
        Who = null;
        Enabled = Enabled.None;
        Out.Utf8 = false;
        _reader.Limits = ImapLimits.Stranger;
        Connection.SetSessionDeadline(Server.Options.LoginTimeout);
    }

    /// <summary>Tells what has changed, as far as the client wants to hear of it.</summary>
    internal ValueTask TellAsync(bool mayExpunge)
    {
        Metadata?.Tell();
        if (Notify is { } notify) return notify.TellAsync(mayExpunge);
        Selected?.Tell(mayExpunge);
        return Selected?.Contexts?.FetchAsync() ?? ValueTask.CompletedTask;
    }

    /// <summary>From here on the client is told of other things (RFC 5465 §3.1).</summary>
    internal void Watch(NotifyWatch watch, bool status)
    {
        Notify?.Dispose();
        Notify = watch;
        watch.Begin(status);
    }

    /// <summary>The mailbox of a name as a client wrote it, if he has all the rights that are needed.</summary>
    internal FoundMailbox Find(string name, Rights needed, string absent = "NONEXISTENT") => Store.Read(unit => MailboxAccess.Find(unit, Who!.AccountId, name, needed, absent));

    /// <summary>
    /// Changes the store in the name of this session, which need not be told of that. Once begun it is not cancelled, so that the
    /// client learns what became of it; who waits for long hears that it goes on.
    /// </summary>
    internal ValueTask<T> WriteAsync<T>(Func<WriteUnit, T> work) => Progress.WhileAsync(Store.WriteAsync(unit =>
    {
        unit.By = this;
        return work(unit);
    }, CancellationToken.None).AsTask());

    internal void Select(SelectedMailbox mailbox) => Selected = mailbox;

    internal void Deselect()
    {
        Selected?.Dispose();
        Selected = null;
    }

    public void Dispose()
    {
        Deselect();
        Notify?.Dispose();
        Metadata?.Dispose();
        _reader.Dispose();
    }
}
