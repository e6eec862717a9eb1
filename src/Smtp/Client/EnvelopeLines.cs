using System.Text;
using Posthorn.Smtp.Grammar;
using Posthorn.Smtp.Server;

namespace Posthorn.Smtp.Client;

/// <summary>MAIL and RCPT with the parameters that this peer understands; the others are left out.</summary>
static class EnvelopeLines
{
    internal static string Mail(SmtpOutgoing message, SmtpPeer peer, bool utf8)
    {
        var line = new StringBuilder("MAIL FROM:<").Append(message.ReversePath?.ToString()).Append('>');
        if (peer.Size is not null) line.Append(" SIZE=").Append(message.Content.Length); // RFC 1870 §5
        if (message.Body == BodyType.BinaryMime) line.Append(" BODY=BINARYMIME"); // RFC 3030 §3
        else if (message.Body == BodyType.EightBitMime && peer.EightBitMime) line.Append(" BODY=8BITMIME"); // RFC 6152 §2
        if (utf8) line.Append(" SMTPUTF8"); // RFC 6531 §3.4
        if (!peer.Dsn) return line.ToString();
        if (message.Return is { } what) line.Append(" RET=").Append(what); // RFC 3461 §4.3
        if (message.EnvelopeId is { Length: > 0 } id && Xtext.Encode(id) is { } encoded) line.Append(" ENVID=").Append(encoded); // §4.4
        return line.ToString();
    }

    internal static string Rcpt(SmtpForward forward, SmtpPeer peer)
    {
        var line = new StringBuilder("RCPT TO:<").Append(forward.Recipient.ToString()).Append('>');
        if (!peer.Dsn) return line.ToString();
        if (forward.Notify is { Length: > 0 } notify) line.Append(" NOTIFY=").Append(notify); // RFC 3461 §4.1
        if (forward.OriginalRecipient is { } original && Original(original) is { } encoded) line.Append(" ORCPT=").Append(encoded); // §4.2
        return line.ToString();
    }

    // original-recipient-address = addr-type ";" xtext; of type utf-8 by RFC 6533 §3
    static string? Original(string original)
    {
        var semicolon = original.IndexOf(';');
        if (semicolon <= 0) return null;
        var (type, address) = (original[..semicolon], original[(semicolon + 1)..]);
        var encoded = type.Equals("utf-8", StringComparison.OrdinalIgnoreCase) ? Xtext.EncodeUtf8Address(address) : Xtext.Encode(address);
        return encoded is null ? null : type + ";" + encoded;
    }
}
