namespace Posthorn.Smtp.Grammar;

/// <summary>A command that does not follow the grammar; caught once for each command and answered with its reply.</summary>
sealed class BadSyntax(SmtpFault reply) : Exception
{
    internal SmtpFault Reply { get; } = reply;
}

/// <summary>What can be wrong with the words of a command.</summary>
enum SmtpFault
{
    /// <summary>501 5.5.4: the arguments are not those of the command.</summary>
    Arguments,

    /// <summary>555 5.5.4: a parameter we do not have (RFC 5321 §4.1.1.11).</summary>
    UnknownParameter,

    /// <summary>501 5.1.7: the reverse-path is none.</summary>
    SenderSyntax,

    /// <summary>501 5.1.3: the forward-path is none.</summary>
    RecipientSyntax,

    /// <summary>553 5.1.3: a control character in an address, quoted or not.</summary>
    ControlInAddress,

    /// <summary>553 5.6.7: an address beyond ASCII without SMTPUTF8 (RFC 6531 §3.5).</summary>
    NeedsSmtpUtf8,
}
