namespace Posthorn.Smtp.Server;

/// <summary>
/// The open mail transaction of a session. One object, so that nothing of it can outlive it: it is dropped with every final
/// reply to DATA or BDAT, with RSET, EHLO, STARTTLS and AUTH.
/// </summary>
sealed class Envelope(ISmtpTransaction transaction, MailParameters mail)
{
    internal ISmtpTransaction Transaction { get; } = transaction;
    internal MailParameters Mail { get; } = mail;

    /// <summary>Recipients accepted, and so the number of replies in LMTP (RFC 2033 §4.2).</summary>
    internal int Accepted { get; set; }

    /// <summary>Recipients refused.</summary>
    internal int Refused { get; set; }

    /// <summary>BDAT commands so far.</summary>
    internal int Chunks { get; set; }
}

/// <summary>What the session knows about its client; replaced whole after STARTTLS and XCLIENT.</summary>
sealed class SessionState
{
    internal bool Greeted { get; set; }

    /// <summary>VERB was given: the final reply lists what was done for each recipient.</summary>
    internal bool Verbose { get; set; }

    internal Envelope? Envelope { get; set; }

    /// <summary>A chunk was refused; the rest of its message is swallowed up to LAST (RFC 3030 §2).</summary>
    internal bool SkippingChunks { get; set; }

    internal Stage Stage => Envelope is { } e
        ? e.Chunks > 0 ? Stage.Chunks : e.Accepted > 0 ? Stage.Recipients : e.Refused > 0 ? Stage.AllRefused : Stage.Mail
        : Greeted ? Stage.Greeted : Stage.Connected;
}
