using Posthorn.Wire.Addresses;
using Posthorn.Wire.Sasl;

namespace Posthorn.Smtp.Server;

/// <summary>Which service a listener offers; the sessions differ in what they allow, the backend in what it does with the mail.</summary>
public enum SmtpService
{
    /// <summary>Port 25: mail from other servers.</summary>
    Relay,

    /// <summary>Ports 587 and 465: mail from users (RFC 6409).</summary>
    Submission,

    /// <summary>Local delivery with one reply for each recipient (RFC 2033).</summary>
    Lmtp,
}

/// <summary>A reply: code, enhanced code (RFC 3463; null where none belongs) and one or more lines of text without CR or LF.</summary>
public sealed record SmtpReply(int Code, string? Enhanced, params string[] Lines)
{
    public bool Positive => Code < 400;
    public bool Temporary => Code is >= 400 and < 500;
}

/// <summary>A user of this machine, as the kernel tells it of a Unix socket.</summary>
/// <param name="Name">The login name; the number again when there is none.</param>
public sealed record LocalUser(string Name, int Id)
{
    public override string ToString() => $"{Name} (uid {Id})";
}

/// <summary>The client as the backend sees it; one object for the whole connection, its facts change with EHLO, AUTH, TLS, XCLIENT.</summary>
public sealed class SmtpClientInfo
{
    public required SmtpService Service { get; init; }
    public required System.Net.IPAddress Address { get; set; }
    public int Port { get; set; }

    /// <summary>The argument of HELO/EHLO/LHLO.</summary>
    public string Helo { get; set; } = "";

    /// <summary>True after EHLO (or LHLO): the protocol name in Received starts with E or L.</summary>
    public bool Extended { get; set; }

    /// <summary>The reverse name, when something (XCLIENT) told it.</summary>
    public string? ReverseName { get; set; }

    /// <summary>Who logged in, if anyone.</summary>
    public Principal? Principal { get; set; }

    /// <summary>True when the address is in <c>relay.trustedNetworks</c> (always false once XCLIENT moved it out).</summary>
    public bool Trusted { get; set; }

    /// <summary>The user of this machine whose program connected to the socket for local mail; null elsewhere.</summary>
    public LocalUser? LocalUser { get; init; }

    /// <summary>"TLS1.3 TLS_AES_256_GCM_SHA384" or null in clear.</summary>
    public string? Tls { get; set; }

    /// <summary>A short id of the session for logs.</summary>
    public required string SessionId { get; init; }
}

/// <summary>The BODY parameter of MAIL (RFC 6152, RFC 3030).</summary>
public enum BodyType { SevenBit, EightBitMime, BinaryMime }

/// <summary>The arguments of MAIL FROM (RFC 5321 §4.1.1.2 and its extensions).</summary>
/// <param name="ReversePath">The reverse-path; null is the null sender.</param>
/// <param name="Size">SIZE=, octets; null when not given (RFC 1870).</param>
/// <param name="SmtpUtf8">RFC 6531.</param>
/// <param name="Return">RET=FULL or HDRS, upper case (RFC 3461 §4.3).</param>
/// <param name="EnvelopeId">ENVID= decoded from xtext (RFC 3461 §4.4).</param>
/// <param name="Auth">AUTH= decoded from xtext; "&lt;&gt;" for unknown (RFC 4954 §5).</param>
public sealed record MailParameters(EmailAddress? ReversePath, long? Size, BodyType Body, bool SmtpUtf8, string? Return, string? EnvelopeId, string? Auth);

/// <summary>The arguments of RCPT TO.</summary>
/// <param name="Recipient">The forward-path; source routes are already cut off (RFC 5321 §4.1.1.3).</param>
/// <param name="Notify">NOTIFY= as given, upper case, comma separated; null when absent (RFC 3461 §4.1).</param>
/// <param name="OriginalRecipient">ORCPT= decoded, "type;address" (RFC 3461 §4.2).</param>
public sealed record RcptParameters(EmailAddress Recipient, string? Notify, string? OriginalRecipient);

/// <summary>
/// What stands behind an SMTP or LMTP session. Implemented by Posthorn.Delivery. No method throws for a refusal; what it
/// throws is a fault, answered 451 4.3.0 and logged.
/// </summary>
public interface ISmtpBackend
{
    /// <summary>MAIL: opens a transaction, or says why not. Exactly one of the two results is set.</summary>
    ValueTask<(ISmtpTransaction? Transaction, SmtpReply? Refusal)> MailAsync(SmtpClientInfo client, MailParameters mail, CancellationToken ct);

    /// <summary>VRFY for those who may know (authenticated): null for "no such user".</summary>
    ValueTask<IReadOnlyList<string>> VerifyAsync(SmtpClientInfo client, string argument, CancellationToken ct);

    /// <summary>EXPN for those who may know: the members, empty for "no such list".</summary>
    ValueTask<IReadOnlyList<string>> ExpandAsync(SmtpClientInfo client, string argument, CancellationToken ct);
}

/// <summary>One mail transaction: begin (MAIL), recipients, data, commit or abort. Disposed exactly once, on every way out.</summary>
public interface ISmtpTransaction : IAsyncDisposable
{
    /// <summary>The id that the 250 reply and the Received line carry.</summary>
    string Id { get; }

    /// <summary>RCPT: a positive reply adds the recipient.</summary>
    ValueTask<SmtpReply> RecipientAsync(RcptParameters rcpt, CancellationToken ct);

    /// <summary>Before 354 or the first BDAT: null to go on, or a refusal.</summary>
    SmtpReply? BeginData();

    /// <summary>
    /// Message octets, unstuffed, CRLF line ends, in any chunking. May only take (buffer, spill to disk); the size limit is
    /// enforced by the session before this is called. An I/O error is kept and reported by <see cref="CommitAsync"/>.
    /// </summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> octets, CancellationToken ct);

    /// <summary>
    /// The whole message is there: check, store, and only then answer. One reply for each accepted recipient in order for
    /// LMTP; one reply for all otherwise. <paramref name="verbose"/> (VERB) adds what was done for each recipient.
    /// </summary>
    ValueTask<IReadOnlyList<SmtpReply>> CommitAsync(bool verbose, CancellationToken ct);
}
