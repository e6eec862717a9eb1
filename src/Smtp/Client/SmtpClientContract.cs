using System.Net;
using System.Net.Security;
using Posthorn.Smtp.Server;
using Posthorn.Wire.Addresses;

namespace Posthorn.Smtp.Client;

/// <summary>Where in a session something happened.</summary>
public enum SmtpStage { Connect, Greeting, Hello, StartTls, Handshake, Auth, Mail, Rcpt, Data, Text, FinalDot, Reset, Quit }

/// <summary>How a stage failed.</summary>
public enum SmtpFailureKind
{
    /// <summary>The peer answered with a reply that is not the good one.</summary>
    Reply,

    /// <summary>No answer in time (RFC 5321 §4.5.3.2).</summary>
    Timeout,

    /// <summary>The connection was refused, reset or closed.</summary>
    Closed,

    /// <summary>What came is no SMTP: a bad code, too long a reply, octets after 220 to STARTTLS.</summary>
    Garbage,

    /// <summary>The TLS handshake failed.</summary>
    Tls,

    /// <summary>The certificate is not what was required; <see cref="SmtpFailure.Text"/> says why.</summary>
    Certificate,

    /// <summary>The peer does not offer what the message or the policy needs (STARTTLS, SMTPUTF8, AUTH, SIZE too small).</summary>
    Missing,

    /// <summary>The message itself cannot be sent: a bare CR, LF or NUL in it, or fewer octets than it was said to have.</summary>
    BadContent,
}

/// <summary>What stopped a session or a transaction.</summary>
/// <param name="Reply">The peer's words when there were any.</param>
/// <param name="Text">What happened in words, on one line, for logs and notices.</param>
public sealed record SmtpFailure(SmtpStage Stage, SmtpFailureKind Kind, SmtpReply? Reply, string Text);

/// <summary>What TLS the session is to have.</summary>
/// <param name="Use">Use STARTTLS when it is offered.</param>
/// <param name="Require">End the session rather than go on in clear.</param>
/// <param name="Verify">The certificate must name <paramref name="ServerName"/> and lead to a trusted root.</param>
/// <param name="Implicit">TLS before the greeting.</param>
/// <param name="ServerName">For SNI and the check; null for an address.</param>
/// <param name="Roots">A PEM file of roots; null for the system's.</param>
public sealed record SmtpClientTls(bool Use, bool Require, bool Verify, bool Implicit, string? ServerName, string? Roots = null);

/// <summary>How to log in. Exactly one of password and token is set.</summary>
/// <param name="Password">SCRAM-SHA-256 where offered, else PLAIN, else LOGIN; PLAIN and LOGIN under TLS only (or on loopback).</param>
/// <param name="Token">XOAUTH2.</param>
/// <param name="Before">The mechanism by which this login was accepted here before (<see cref="SmtpPeer.LoginBy"/>): tried first.</param>
public sealed record SmtpClientLogin(string User, string? Password, string? Token, string? Before = null);

/// <summary>How to talk to a peer.</summary>
/// <param name="Hostname">Our name in EHLO.</param>
/// <param name="Lmtp">LHLO, and one reply for each recipient after the dot (RFC 2033).</param>
public sealed record SmtpClientSettings(string Hostname, SmtpClientTls Tls, SmtpClientLogin? Login = null, bool Lmtp = false)
{
    public SmtpClientTimeouts Timeouts { get; init; } = new();
}

/// <summary>How long each answer may take (RFC 5321 §4.5.3.2). Connecting is the caller's business.</summary>
public sealed record SmtpClientTimeouts
{
    public TimeSpan Greeting { get; init; } = TimeSpan.FromMinutes(5);
    public TimeSpan Hello { get; init; } = TimeSpan.FromMinutes(5);
    public TimeSpan Tls { get; init; } = TimeSpan.FromSeconds(60);
    public TimeSpan Auth { get; init; } = TimeSpan.FromMinutes(2);
    public TimeSpan Mail { get; init; } = TimeSpan.FromMinutes(5);
    public TimeSpan Rcpt { get; init; } = TimeSpan.FromMinutes(5);
    public TimeSpan Data { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>For each block of text to be taken.</summary>
    public TimeSpan Block { get; init; } = TimeSpan.FromMinutes(3);

    public TimeSpan Dot { get; init; } = TimeSpan.FromMinutes(10);
    public TimeSpan Quit { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>What a peer said it can do, after the last EHLO.</summary>
/// <param name="Size">Its limit in octets; null when it names none.</param>
/// <param name="Extended">False when only HELO worked.</param>
/// <param name="Tls">"TLS1.3 TLS_AES_256_GCM_SHA384, verified" or null in clear.</param>
/// <param name="LoginBy">The mechanism by which we are logged in; null when we are not.</param>
public sealed record SmtpPeer(bool Extended, bool Pipelining, bool EightBitMime, bool Chunking, bool BinaryMime, bool SmtpUtf8, bool Dsn, bool StartTls, long? Size, IReadOnlyList<string> AuthMechanisms, string Greeting, string? Tls, string? LoginBy)
{
    public bool LoggedIn => LoginBy is not null;
}

/// <summary>The octets of a message, read as often as attempts need. CRLF line ends; no bare CR, LF or NUL (checked while sending).</summary>
public interface ISmtpContent
{
    long Length { get; }

    /// <summary>The next octets from <paramref name="offset"/> on; empty at the end. Valid until the next call.</summary>
    ValueTask<ReadOnlyMemory<byte>> ReadAsync(long offset, CancellationToken ct);
}

/// <summary>One transaction to be made.</summary>
/// <param name="ReversePath">Null for the null sender.</param>
/// <param name="Body">Of <paramref name="Content"/> as it is; the caller has converted what this peer cannot take.</param>
/// <param name="Return">RET, when the peer speaks DSN.</param>
public sealed record SmtpOutgoing(EmailAddress? ReversePath, IReadOnlyList<SmtpForward> Recipients, ISmtpContent Content, BodyType Body, bool SmtpUtf8, string? Return, string? EnvelopeId)
{
    /// <summary>Called before the final dot or the last chunk goes out, once; not called when it does not come to that.</summary>
    public Action? DotSent { get; init; }
}

/// <summary>A recipient with what is passed on by DSN.</summary>
/// <param name="OriginalRecipient">Decoded "type;address".</param>
public sealed record SmtpForward(EmailAddress Recipient, string? Notify, string? OriginalRecipient);

/// <summary>What became of one recipient.</summary>
/// <param name="Accepted">The peer has taken responsibility.</param>
/// <param name="Reply">The reply that decided (RCPT's, the dot's, or an earlier one that stopped the transaction); null when the session broke.</param>
/// <param name="Stage">Where it was decided.</param>
/// <param name="Failure">What broke, when it was no reply.</param>
public sealed record SmtpForwardResult(bool Accepted, SmtpReply? Reply, SmtpStage Stage, SmtpFailure? Failure);

/// <summary>The end of a transaction.</summary>
/// <param name="Recipients">One for each recipient, in order.</param>
/// <param name="MayHaveTaken">The dot was sent and no answer came: the peer may have the message.</param>
/// <param name="Reusable">The session can take another transaction.</param>
public sealed record SmtpOutcome(IReadOnlyList<SmtpForwardResult> Recipients, bool MayHaveTaken, bool Reusable);
