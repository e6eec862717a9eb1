using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Posthorn.Smtp.Server;

namespace Posthorn.Smtp.Client;

/// <summary>
/// A session up to its first transaction: TLS where it comes first, greeting, EHLO or what stands for it, STARTTLS and
/// EHLO again, login. One use.
/// </summary>
sealed class ClientOpening(ClientWire wire, SmtpClientSettings settings)
{
    string _greeting = "";
    string? _tls;
    bool _verified;

    bool MustHaveTls => settings.Tls.Require || settings.Tls.Verify;

    /// <summary>What the peer can do; set once <see cref="RunAsync"/> found nothing wrong.</summary>
    internal SmtpPeer Peer { get; private set; } = PeerOffer.Read(new SmtpReply(250, null), extended: false, "", null);

    /// <summary>Null when the session stands, else why not.</summary>
    internal async ValueTask<SmtpFailure?> RunAsync()
    {
        if (settings.Tls.Implicit && await HandshakeAsync().ConfigureAwait(false) is { } noTls) return noTls;
        if (await GreetingAsync().ConfigureAwait(false) is { } notGreeted) return notGreeted;
        if (await HelloAsync().ConfigureAwait(false) is { } noHello) return noHello;
        if (_tls is null && (settings.Tls.Use || MustHaveTls) && await StartTlsAsync().ConfigureAwait(false) is { } notStarted) return notStarted;
        if (settings.Login is not { } login) return null;
        var (by, failure) = await new ClientLogin(wire, login, _verified).RunAsync(Peer.AuthMechanisms).ConfigureAwait(false);
        Peer = Peer with { LoginBy = by };
        return failure;
    }

    async ValueTask<SmtpFailure?> GreetingAsync()
    {
        var (reply, failure) = await wire.ReplyAsync(SmtpStage.Greeting, wire.Timeouts.Greeting).ConfigureAwait(false);
        if (reply is null) return failure;
        // RFC 5321 §3.1: 220, or 554 (and 421, §3.8) for no service here.
        if (reply.Code >= 400) return SmtpWords.Refused(SmtpStage.Greeting, reply);
        if (reply.Code != 220) return wire.Garbage(SmtpStage.Greeting, SmtpWords.Of(reply)).Failure;
        _greeting = reply.Lines[0];
        return null;
    }

    async ValueTask<SmtpFailure?> HelloAsync()
    {
        // RFC 2033 §4.1: LHLO, and no HELO in its place.
        var (reply, failure) = await wire.AskAsync(SmtpStage.Hello, (settings.Lmtp ? "LHLO " : "EHLO ") + settings.Hostname, wire.Timeouts.Hello).ConfigureAwait(false);
        var extended = true;
        if (reply is { Code: >= 500 } && !settings.Lmtp)
        {
            // RFC 5321 §3.2: a server that does not know EHLO may know HELO.
            extended = false;
            (reply, failure) = await wire.AskAsync(SmtpStage.Hello, "HELO " + settings.Hostname, wire.Timeouts.Hello).ConfigureAwait(false);
        }
        if (reply is null) return failure;
        if (reply.Code >= 400) return SmtpWords.Refused(SmtpStage.Hello, reply);
        if (reply.Code >= 300) return wire.Garbage(SmtpStage.Hello, SmtpWords.Of(reply)).Failure;
        Peer = PeerOffer.Read(reply, extended, _greeting, _tls);
        return null;
    }

    async ValueTask<SmtpFailure?> StartTlsAsync()
    {
        if (!Peer.StartTls)
            return MustHaveTls ? new SmtpFailure(SmtpStage.StartTls, SmtpFailureKind.Missing, null, "the server does not offer STARTTLS, and TLS is required") : null;
        var (reply, failure) = await wire.AskAsync(SmtpStage.StartTls, "STARTTLS", wire.Timeouts.Tls).ConfigureAwait(false);
        if (reply is null) return failure;
        if (reply.Code >= 400)
            // RFC 3207 §4: whether to go on without is the client's to decide.
            return MustHaveTls || wire.Broken ? SmtpWords.Refused(SmtpStage.StartTls, reply) : null;
        if (reply.Code != 220) return wire.Garbage(SmtpStage.StartTls, SmtpWords.Of(reply)).Failure;
        // What comes in clear behind the 220 would be read as if it had come under TLS (CVE-2026-41319).
        if (wire.Connection.HasBufferedInput)
            return wire.Break(SmtpStage.StartTls, SmtpFailureKind.Garbage, "the server sent something between its answer to STARTTLS and the handshake");
        if (await HandshakeAsync().ConfigureAwait(false) is { } broken) return broken;
        // RFC 3207 §4.2: what was offered before the handshake could be anybody's offer.
        return await HelloAsync().ConfigureAwait(false);
    }

    async ValueTask<SmtpFailure?> HandshakeAsync()
    {
        X509Certificate2Collection? roots = null;
        if (settings.Tls is { Verify: true, Roots: { } path } && (roots = RootsOf(path)) is null)
            return wire.Break(SmtpStage.Handshake, SmtpFailureKind.Certificate, $"the trusted roots cannot be read from {path}");
        var certificate = new PeerCertificate(settings.Tls.ServerName, roots, settings.Tls.Verify);
        if (await wire.Connection.UpgradeToTlsAsync(certificate.Options(), wire.Timeouts.Tls).ConfigureAwait(false))
        {
            _verified = certificate is { Seen: true, Problem: null };
            _tls = TlsName.Of(wire.Connection.Tls!) + (_verified ? ", verified" : "");
            return null;
        }
        if (wire.Connection.TimedOut)
            return wire.Break(SmtpStage.Handshake, SmtpFailureKind.Timeout, $"no end of the TLS handshake within {wire.Timeouts.Tls.TotalSeconds:0} s");
        return settings.Tls.Verify && certificate.Problem is { } problem
            ? wire.Break(SmtpStage.Handshake, SmtpFailureKind.Certificate, problem)
            : wire.Break(SmtpStage.Handshake, SmtpFailureKind.Tls, "the TLS handshake failed: " + CleanText.Of(wire.Connection.TlsFailure ?? "closed"));
    }

    static X509Certificate2Collection? RootsOf(string path)
    {
        try
        {
            var roots = new X509Certificate2Collection();
            roots.ImportFromPemFile(path);
            return roots.Count > 0 ? roots : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return null;
        }
    }
}
