using System.Buffers.Text;
using System.Text;
using Posthorn.Smtp.Grammar;
using Posthorn.Wire.Connections;
using Posthorn.Wire.Lines;

namespace Posthorn.Smtp.Server;

/// <summary>Replies on the wire (RFC 5321 §4.2): <c>code SP enhanced SP text</c>, all lines but the last with a hyphen.</summary>
static class SmtpReplies
{
    /// <summary>Writes a reply whole or, when a line of it cannot be one, not at all.</summary>
    internal static void Write(Connection connection, SmtpReply reply, bool utf8)
    {
        foreach (var line in reply.Lines)
            if (line.AsSpan().IndexOfAny('\r', '\n', '\0') >= 0) throw new ArgumentException("a reply line holds CR, LF or NUL");
        var count = Math.Max(1, reply.Lines.Length);
        for (var i = 0; i < count; i++)
        {
            var room = connection.GetSpan(4);
            Utf8Formatter.TryFormat(reply.Code, room, out _);
            room[3] = i == count - 1 ? (byte)' ' : (byte)'-';
            connection.Advance(4);
            if (reply.Enhanced is { } enhanced)
            {
                SmtpLine.Write(connection, enhanced, utf8: false);
                connection.Write(" "u8);
            }
            if (reply.Lines.Length > 0) SmtpLine.Write(connection, reply.Lines[i], utf8);
            connection.Write("\r\n"u8);
        }
    }

    /// <summary>The reply to each kind of bad syntax.</summary>
    internal static ReadOnlySpan<byte> Of(SmtpFault fault) => fault switch
    {
        SmtpFault.UnknownParameter => "555 5.5.4 Unknown parameter\r\n"u8,
        SmtpFault.SenderSyntax => "501 5.1.7 Bad sender address syntax\r\n"u8,
        SmtpFault.RecipientSyntax => "501 5.1.3 Bad recipient address syntax\r\n"u8,
        SmtpFault.ControlInAddress => "553 5.1.3 Control character in address\r\n"u8,
        SmtpFault.NeedsSmtpUtf8 => "553 5.6.7 Address needs SMTPUTF8\r\n"u8,
        _ => "501 5.5.4 Bad arguments\r\n"u8,
    };
}
