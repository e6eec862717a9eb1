namespace Posthorn.Smtp.Server;

/// <summary>Where and when a command may be given, and what it does to a pipelined group.</summary>
[Flags]
enum When
{
    OnRelay = 1,
    OnSubmission = 2,
    OnLmtp = 4,
    Everywhere = OnRelay | OnSubmission | OnLmtp,

    /// <summary>After EHLO, HELO or LHLO (RFC 5321 §4.1.4).</summary>
    Greeted = 8,

    /// <summary>On a submission port only after login (RFC 6409 §4.3).</summary>
    LoggedIn = 16,

    /// <summary>Inside a mail transaction.</summary>
    InMail = 32,

    /// <summary>Inside a mail transaction with a recipient.</summary>
    HasRecipients = 64,

    /// <summary>Outside of a mail transaction.</summary>
    NotInMail = 128,

    /// <summary>Not once the message is coming in chunks (RFC 3030 §2).</summary>
    NotInChunks = 256,

    /// <summary>The client must wait for the reply before it sends on (RFC 2920 §3.1): what follows at once is an injection.</summary>
    EndsGroup = 512,

    /// <summary>Does nothing for the mail; the session may have only so many.</summary>
    Junk = 1024,

    /// <summary>Takes no argument.</summary>
    Bare = 2048,
}

/// <summary>How far the session is.</summary>
enum Stage
{
    Connected,
    Greeted,
    Mail,
    AllRefused,
    Recipients,
    Chunks,
}

/// <summary>The one place that knows which command fits which state.</summary>
static class SmtpGate
{
    /// <summary>Why a command cannot be given now, as a whole reply line; empty when it can.</summary>
    internal static ReadOnlySpan<byte> Check(When when, SmtpService service, Stage stage, bool loggedIn)
    {
        var here = service switch { SmtpService.Relay => When.OnRelay, SmtpService.Submission => When.OnSubmission, _ => When.OnLmtp };
        if ((when & here) == 0) return "502 5.5.1 Not on this port\r\n"u8;
        if (when.HasFlag(When.Greeted) && stage == Stage.Connected)
            return service == SmtpService.Lmtp ? "503 5.5.1 LHLO first\r\n"u8 : "503 5.5.1 EHLO or HELO first\r\n"u8;
        if (when.HasFlag(When.LoggedIn) && service == SmtpService.Submission && !loggedIn) return "530 5.7.0 Authentication required\r\n"u8;
        if (when.HasFlag(When.NotInMail) && stage >= Stage.Mail) return "503 5.5.1 Not inside a mail transaction\r\n"u8;
        if ((when & (When.InMail | When.HasRecipients)) != 0 && stage < Stage.Mail) return "503 5.5.1 MAIL first\r\n"u8;
        if (when.HasFlag(When.HasRecipients))
        {
            if (stage == Stage.Mail) return "503 5.5.1 RCPT first\r\n"u8;
            // RFC 5321 §3.3 allows 503 and 554 when every RCPT was refused; RFC 2033 §4.2 wants 503.
            if (stage == Stage.AllRefused) return "503 5.5.1 No valid recipients\r\n"u8;
        }
        if (when.HasFlag(When.NotInChunks) && stage == Stage.Chunks) return "503 5.5.1 BDAT LAST or RSET first\r\n"u8;
        return default;
    }
}
