using System.Text;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Views;
using Posthorn.Storage.Messages;
using Posthorn.Wire.Connections;

namespace Posthorn.Imap.Session;

/// <summary>Flags of messages as text, without an allocation for each message.</summary>
static class FlagWriter
{
    /// <summary>Each set of flags with a bit, made when it is first needed.</summary>
    static readonly byte[]?[] Texts = new byte[]?[1 << 10];

    internal const MessageFlags All = MessageFlags.Seen | MessageFlags.Answered | MessageFlags.Flagged | MessageFlags.Deleted | MessageFlags.Draft
        | MessageFlags.Forwarded | MessageFlags.MdnSent | MessageFlags.Junk | MessageFlags.NotJunk | MessageFlags.Phishing;

    /// <summary>Writes <c>FLAGS (…)</c>.</summary>
    internal static void Write(Connection connection, in Row row, KeywordSets keywords, bool recent)
    {
        var flags = Text(row.Flags);
        var words = keywords.Octets(row.Keywords);
        var span = connection.GetSpan(32 + flags.Length + words.Length);
        "FLAGS ("u8.CopyTo(span);
        var n = 7;
        flags.CopyTo(span[n..]);
        n += flags.Length;
        if (words.Length > 0)
        {
            if (n > 7) span[n++] = (byte)' ';
            words.CopyTo(span[n..]);
            n += words.Length;
        }
        if (recent)
        {
            if (n > 7) span[n++] = (byte)' ';
            "\\Recent"u8.CopyTo(span[n..]);
            n += 7;
        }
        span[n++] = (byte)')';
        connection.Advance(n);
    }

    static byte[] Text(MessageFlags flags)
    {
        var index = (int)(flags & All);
        return Volatile.Read(ref Texts[index]) ?? (Texts[index] = Encoding.ASCII.GetBytes(string.Join(' ', FlagList.NamesOf(flags).Select(Encoding.ASCII.GetString))));
    }
}
