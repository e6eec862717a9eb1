namespace Posthorn.Smtp.Server.Commands;

/// <summary>One SMTP verb: where it fits, and what it does. Stateless; one object for the whole program.</summary>
abstract class SmtpCommand
{
    /// <summary>The verb in capitals.</summary>
    internal abstract string Verb { get; }

    /// <summary>Where and when; the session loop enforces it before <see cref="RunAsync"/>.</summary>
    internal abstract When When { get; }

    /// <summary>For HELP: the command's form in a few words.</summary>
    internal abstract string Form { get; }

    /// <summary>
    /// Does it. <paramref name="argument"/> is what follows the verb and one space; it is valid until the next read. Throws
    /// <see cref="Grammar.BadSyntax"/> for a wrong argument.
    /// </summary>
    internal abstract ValueTask RunAsync(SmtpSession session, ReadOnlyMemory<byte> argument);

    /// <summary>Answers a command that does not fit now. Commands that bring octets with them take those off the wire first.</summary>
    internal virtual ValueTask RefuseAsync(SmtpSession session, ReadOnlyMemory<byte> argument, ReadOnlyMemory<byte> reply)
    {
        session.Refuse(reply.Span);
        return default;
    }
}

/// <summary>The closed set of verbs.</summary>
static class SmtpCommands
{
    static readonly HeloCommand Helo = new();
    static readonly EhloCommand Ehlo = new();
    static readonly LhloCommand Lhlo = new();
    static readonly MailCommand Mail = new();
    static readonly RcptCommand Rcpt = new();
    static readonly DataCommand Data = new();
    static readonly BdatCommand Bdat = new();
    static readonly RsetCommand Rset = new();
    static readonly NoopCommand Noop = new();
    static readonly QuitCommand Quit = new();
    static readonly HelpCommand Help = new();
    static readonly VrfyCommand Vrfy = new();
    static readonly ExpnCommand Expn = new();
    static readonly VerbCommand Verb = new();
    static readonly AuthCommand Auth = new();
    static readonly StartTlsCommand StartTls = new();
    static readonly XClientCommand XClient = new();

    internal static readonly SmtpCommand[] All = [Helo, Ehlo, Lhlo, Mail, Rcpt, Data, Bdat, Rset, Noop, Quit, Help, Vrfy, Expn, Verb, Auth, StartTls, XClient];

    /// <summary>The command of a verb in any case, or null.</summary>
    internal static SmtpCommand? Find(ReadOnlySpan<byte> verb)
    {
        if (verb.Length == 4)
        {
            // Four letters at once; clearing bit 5 makes them capitals and cannot turn anything but a letter into one that matches.
            return (System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(verb) & 0xDFDFDFDF) switch
            {
                0x4D41494C => Mail,
                0x52435054 => Rcpt,
                0x44415441 => Data,
                0x42444154 => Bdat,
                0x52534554 => Rset,
                0x51554954 => Quit,
                0x45484C4F => Ehlo,
                0x48454C4F => Helo,
                0x4C484C4F => Lhlo,
                0x4E4F4F50 => Noop,
                0x41555448 => Auth,
                0x48454C50 => Help,
                0x56524659 => Vrfy,
                0x4558504E => Expn,
                0x56455242 => Verb,
                _ => null,
            };
        }
        if (verb.Length == 8 && System.Text.Ascii.EqualsIgnoreCase(verb, "STARTTLS"u8)) return StartTls;
        if (verb.Length == 7 && System.Text.Ascii.EqualsIgnoreCase(verb, "XCLIENT"u8)) return XClient;
        return null;
    }
}
