using System.Text;
using Posthorn.Smtp.Server;

namespace Posthorn.Smtp.Grammar;

/// <summary><c>"TO:" Forward-path [SP Rcpt-parameters]</c> (RFC 5321 §4.1.1.3) with those of DSN (RFC 3461).</summary>
static class RcptArguments
{
    /// <param name="text">The argument of RCPT.</param>
    /// <param name="smtpUtf8">True when MAIL asked for SMTPUTF8.</param>
    /// <param name="hostname">The domain of <c>&lt;Postmaster&gt;</c>.</param>
    internal static RcptParameters Parse(ReadOnlySpan<byte> text, bool smtpUtf8, string hostname)
    {
        var r = new ArgumentReader(text);
        r.Word("TO:"u8);
        var path = r.Path(SmtpFault.RecipientSyntax, hostname) ?? throw new BadSyntax(SmtpFault.RecipientSyntax); // <> is no recipient
        string? notify = null, original = null;
        while (r.Parameter(out var key, out var value, out _))
        {
            if (MailArguments.Is(key, "NOTIFY"u8)) MailArguments.Once(notify is null, notify = Notify(value));
            else if (MailArguments.Is(key, "ORCPT"u8)) MailArguments.Once(original is null, original = OriginalRecipient(value, smtpUtf8));
            else throw new BadSyntax(SmtpFault.UnknownParameter);
        }
        if (!smtpUtf8 && !Ascii.IsValid(text)) throw new BadSyntax(SmtpFault.NeedsSmtpUtf8);
        return new RcptParameters(path, notify, original);
    }

    // notify-esmtp-value = "NEVER" / (notify-list-element *("," notify-list-element)) (RFC 3461 §4.1)
    static string Notify(ReadOnlySpan<byte> value)
    {
        var seen = 0;
        foreach (var range in value.Split((byte)','))
        {
            var word = value[range];
            var bit = MailArguments.Is(word, "NEVER"u8) ? 8 : MailArguments.Is(word, "SUCCESS"u8) ? 1
                : MailArguments.Is(word, "FAILURE"u8) ? 2 : MailArguments.Is(word, "DELAY"u8) ? 4 : 0;
            if (bit == 0 || (seen & bit) != 0) throw new BadSyntax(SmtpFault.Arguments);
            seen |= bit;
        }
        if ((seen & 8) != 0 && seen != 8) throw new BadSyntax(SmtpFault.Arguments);
        return Encoding.ASCII.GetString(value).ToUpperInvariant();
    }

    // orcpt-parameter = "ORCPT=" original-recipient-address; original-recipient-address = addr-type ";" xtext (RFC 3461 §4.2)
    static string OriginalRecipient(ReadOnlySpan<byte> value, bool smtpUtf8)
    {
        var semicolon = value.IndexOf((byte)';');
        if (semicolon <= 0 || value.Length > 500) throw new BadSyntax(SmtpFault.Arguments);
        var type = value[..semicolon];
        foreach (var c in type)
            if (!char.IsAsciiLetterOrDigit((char)c) && c != '-') throw new BadSyntax(SmtpFault.Arguments);
        var rest = value[(semicolon + 1)..];
        var address = MailArguments.Is(type, "UTF-8"u8)
            ? Xtext.DecodeUtf8Address(rest, smtpUtf8) ?? throw new BadSyntax(SmtpFault.Arguments)
            : MailArguments.Text(rest);
        return Encoding.ASCII.GetString(type) + ";" + address;
    }
}
