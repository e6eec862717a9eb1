using Posthorn.Mime.Headers;
using Posthorn.Smtp.Server;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Inbound;

/// <summary>The header lines that we put before a message; its own octets are never touched.</summary>
static class TraceHeader
{
    /// <summary>Four names of 255 octets, two quoted addresses, and what stands between them.</summary>
    const int Room = 4096;

    /// <summary>
    /// The lines that all recipients share: the one trace line of this hop (RFC 5321 §4.4) and, for a login, what its mail
    /// program forgot (RFC 6409 §8.1, §8.2).
    /// </summary>
    /// <param name="only">The recipient, when there was exactly one: naming several would tell each of the others.</param>
    internal static byte[] Common(ReadOnlySpan<byte> host, SmtpClientInfo client, MailParameters mail, string id, EmailAddress? only, DateTimeOffset now, HeaderSummary header)
    {
        var w = new OctetWriter(stackalloc byte[Room]);
        w.Add("Received: from "u8);
        w.AddName(client.Helo);
        w.Add(" ("u8);
        if (client.LocalUser is { } user)
        {
            // A Unix socket: who connected is known better than by an address.
            w.Add("local user "u8);
            w.AddName(user.Name);
            w.Add(" uid "u8);
            w.Add(user.Id, 1);
        }
        else
        {
            if (string.IsNullOrEmpty(client.ReverseName)) w.Add("unknown"u8);
            else w.AddName(client.ReverseName);
            w.Add(" "u8);
            w.AddLiteral(client.Address);
        }
        w.Add(")\r\n\tby "u8);
        w.Add(host);
        w.Add(" with "u8);
        w.Add(Protocol(client, mail.SmtpUtf8));
        w.Add(" id "u8);
        w.Add(id);
        if (only is not null)
        {
            w.Add("\r\n\tfor <"u8);
            w.Add(only.ToString());
            w.Add(">; "u8);
        }
        else w.Add(";\r\n\t"u8);
        w.AddDate(now);
        w.Add("\r\n"u8);
        if (client.Principal is not null || client.LocalUser is not null)
        {
            if (!header.HasDate)
            {
                w.Add("Date: "u8);
                w.AddDate(now);
                w.Add("\r\n"u8);
            }
            if (!header.HasMessageId)
            {
                w.Add("Message-ID: <"u8);
                w.Add(id);
                w.Add("@"u8);
                w.Add(host);
                w.Add(">\r\n"u8);
            }
        }
        return w.Written.ToArray();
    }

    /// <summary>The whole prefix of a final delivery: Return-Path once (RFC 5321 §4.4), for whom, and the common lines.</summary>
    internal static byte[] Final(EmailAddress? reversePath, EmailAddress mailbox, ReadOnlySpan<byte> common)
    {
        var w = new OctetWriter(stackalloc byte[Room]);
        w.Add("Return-Path: <"u8);
        if (reversePath is not null) w.Add(reversePath.ToString());
        w.Add(">\r\nDelivered-To: "u8);
        w.Add(mailbox.ToString());
        w.Add("\r\n"u8);
        var prefix = new byte[w.Written.Length + common.Length];
        w.Written.CopyTo(prefix);
        common.CopyTo(prefix.AsSpan(w.Written.Length));
        return prefix;
    }

    /// <summary>The lines of a copy that an address of ours sends on: whose it was, and the common lines.</summary>
    internal static byte[] Forwarded(EmailAddress by, ReadOnlySpan<byte> common)
    {
        var w = new OctetWriter(stackalloc byte[Room]);
        w.Add("Delivered-To: "u8);
        w.Add(by.ToString());
        w.Add("\r\n"u8);
        return [.. w.Written, .. common];
    }

    /// <summary>The protocol by its registered name: RFC 3848, RFC 6531 §4.3.</summary>
    internal static ReadOnlySpan<byte> Protocol(SmtpClientInfo client, bool utf8)
    {
        var (tls, login) = (client.Tls is not null, client.Principal is not null);
        if (client.Service == SmtpService.Lmtp)
            return (utf8, tls, login) switch
            {
                (false, false, false) => "LMTP"u8,
                (false, true, false) => "LMTPS"u8,
                (false, false, true) => "LMTPA"u8,
                (false, true, true) => "LMTPSA"u8,
                (true, false, false) => "UTF8LMTP"u8,
                (true, true, false) => "UTF8LMTPS"u8,
                (true, false, true) => "UTF8LMTPA"u8,
                (true, true, true) => "UTF8LMTPSA"u8,
            };
        if (!client.Extended && !tls && !login) return "SMTP"u8; // no name is registered for SMTP with TLS: below it is ESMTPS
        return (utf8, tls, login) switch
        {
            (false, false, false) => "ESMTP"u8,
            (false, true, false) => "ESMTPS"u8,
            (false, false, true) => "ESMTPA"u8,
            (false, true, true) => "ESMTPSA"u8,
            (true, false, false) => "UTF8SMTP"u8,
            (true, true, false) => "UTF8SMTPS"u8,
            (true, false, true) => "UTF8SMTPA"u8,
            (true, true, true) => "UTF8SMTPSA"u8,
        };
    }
}
