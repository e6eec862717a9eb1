using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Posthorn.Imap.Access;
using Posthorn.Imap.Extensions.InProgress;
using Posthorn.Imap.Extensions.Metadata;
using Posthorn.Imap.Extensions.Notify;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Views;
using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Posthorn.Wire.Connections;
using Posthorn.Wire.Sasl;

namespace Posthorn.Imap.Session;

/// <summary>One connection: its state and its words. Commands are in Commands/ and Extensions/, <see cref="SessionLoop"/> runs them.</summary>
sealed class ImapSession : IDisposable
{
    internal static readonly byte[] Star = "*"u8.ToArray();

    readonly ImapListenerSettings _listener;
    readonly CommandReader _reader;
    readonly long _began;
    string _reason = "connection lost";
    readonly SessionLoop _loop;
    int _failedLogins;

    internal ImapSession(ImapServer server, Connection connection, ImapListenerSettings listener)
    {
        (Server, Connection, _listener) = (server, connection, listener);
        _reader = new CommandReader(connection, server.Time);
        _loop = new SessionLoop(this);
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

    /// <summary>The tag of the command at hand; "*" when it could not be read.</summary>
    internal ReadOnlyMemory<byte> Tag { get; set; } = Star;

    /// <summary>True once nothing more is to be read.</summary>
    internal bool Over { get; private set; }

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
            await _loop.RunAsync(ct).ConfigureAwait(false);
            await Connection.FlushAsync().ConfigureAwait(false);
        }
        finally
        {
            Dispose();
            if (Who is { } who)
                ImapLog.Ended(Server.Log, who.Address, Connection.Remote, _reason, Server.Time.GetElapsedTime(_began).TotalSeconds, _loop.Count, Connection.BytesIn, Connection.BytesOut);
        }
    }

    /// <summary>Ends the session, since something else came than a command or the rest of one.</summary>
    internal void EndFor(FrameStatus status)
    {
        switch (status)
        {
            case FrameStatus.Flooded:
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

    internal void Tagged(ReadOnlySpan<byte> condition, string? code, string text) => Out.Status(Tag.Span, condition, code is null ? default : Encoding.ASCII.GetBytes(code), text);

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
        Over = true;
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
        (_reader.Limits, _reader.MostUnasked) = (ImapLimits.User, Server.Options.MaxMessageSize);
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
        if (Who is { } who) ImapLog.Ended(Server.Log, who.Address, Connection.Remote, "unauthenticated", Server.Time.GetElapsedTime(_began).TotalSeconds, _loop.Count, Connection.BytesIn, Connection.BytesOut);
        Who = null;
        Enabled = Enabled.None;
        Out.Utf8 = false;
        (_reader.Limits, _reader.MostUnasked) = (ImapLimits.Stranger, ImapLimits.NonSynchronizing);
        Connection.SetSessionDeadline(Server.Options.LoginTimeout);
    }

    /// <summary>Tells what has changed, as far as the client wants to hear of it.</summary>
    internal ValueTask TellAsync(bool mayExpunge)
    {
        Metadata?.Tell();
        if (Notify is { } notify) notify.Tell(mayExpunge);
        else Selected?.Tell(mayExpunge);
        return Selected is { News: { Any: true } news } selected ? news.TellAsync(this, selected) : ValueTask.CompletedTask;
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

    /// <summary>Changes the store. Once begun it is not cancelled, so that the client learns what became of it; who waits for long hears that it goes on.</summary>
    internal ValueTask<T> WriteAsync<T>(Func<WriteUnit, T> work) => Progress.WhileAsync(Store.WriteAsync(unit =>
    {
        unit.By = this; // so that it is not told of what it did itself
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
