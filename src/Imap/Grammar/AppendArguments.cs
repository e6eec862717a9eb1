namespace Posthorn.Imap.Grammar;

/// <summary>What stands before the octets of one message of APPEND or REPLACE, and where they come from.</summary>
/// <param name="Flags">To be set.</param>
/// <param name="Date">INTERNALDATE; null for now.</param>
/// <param name="Utf8">RFC 6855 §4: the message comes as UTF8 (…).</param>
/// <param name="Catenate">RFC 4469: the message is made of parts.</param>
sealed record AppendMessage(FlagList Flags, DateTimeOffset? Date, bool Utf8, bool Catenate);

/// <summary>
/// APPEND (RFC 9051 §6.3.12) as it comes off the wire: in pieces, since the messages between them are streamed. Each method
/// reads one piece; the command is over where <see cref="AfterMessage"/> or <see cref="CatenateParts"/> says so.
/// </summary>
static class AppendGrammar
{
    /// <summary>
    /// Behind the verb and its space, up to the mark of the first literal: the mailbox and what stands before the first
    /// message. With CATENATE, <see cref="CatenateParts"/> goes on; else a command that ends here had no message.
    /// </summary>
    internal static (string Mailbox, AppendMessage Message) Head(ref ImapReader r)
    {
        var mailbox = r.MailboxAsWritten();
        r.SP();
        return (mailbox, Message(ref r));
    }

    /// <summary><c>[SP flag-list] [SP date-time] SP append-data</c>, up to the mark of the literal.</summary>
    internal static AppendMessage Message(ref ImapReader r)
    {
        var flags = FlagList.None;
        DateTimeOffset? date = null;
        if (r.Peek == '(')
        {
            flags = FlagList.Read(ref r);
            r.SP();
        }
        if (r.Peek == '"')
        {
            date = ImapDate.Time(ref r);
            r.SP();
        }
        var utf8 = r.TryWord("UTF8"u8);
        var catenate = !utf8 && r.TryWord("CATENATE"u8);
        if (utf8 || catenate)
        {
            r.SP();
            r.Open();
        }
        if (!catenate) r.End();
        return new AppendMessage(flags, date, utf8, catenate);
    }

    /// <summary>
    /// What follows a message: the end (false), or a space and the next message (true, RFC 3502), for which
    /// <see cref="Message"/> goes on.
    /// </summary>
    /// <param name="utf8">True when the message was in UTF8 (…), whose parenthesis closes first.</param>
    internal static bool AfterMessage(ref ImapReader r, bool utf8)
    {
        if (utf8) r.Take((byte)')', ") expected");
        if (r.AtEnd) return false;
        r.SP();
        return true;
    }

    /// <summary>
    /// Parts of CATENATE up to the next text literal or the end of the list: <c>cat-part *(SP cat-part) ")"</c>.
    /// </summary>
    /// <param name="first">True behind the parenthesis, false behind a text.</param>
    /// <param name="closed">True when the list is over; <see cref="AfterMessage"/> goes on. False when a TEXT is next, whose literal the frame names.</param>
    /// <returns>The URLs before that, in their order.</returns>
    internal static IReadOnlyList<string> CatenateParts(ref ImapReader r, bool first, out bool closed)
    {
        var urls = new List<string>();
        while (true)
        {
            closed = !first && r.TryTake((byte)')');
            if (closed) return urls;
            if (!first) r.SP();
            first = false;
            if (r.TryWord("URL"u8))
            {
                r.SP();
                urls.Add(r.AStringText());
                continue;
            }
            if (!r.TryWord("TEXT"u8)) throw r.Bad("TEXT or URL expected");
            r.SP();
            r.End();
            return urls;
        }
    }
}
