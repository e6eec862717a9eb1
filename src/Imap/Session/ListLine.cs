namespace Posthorn.Imap.Session;

/// <summary>A LIST response that nobody asked for with LIST (RFC 9051 §6.3.2, §6.3.9.7).</summary>
static class ListLine
{
    /// <summary>Tells a mailbox's name, with the one that the client used where it is another.</summary>
    internal static void Write(ImapSession session, string name, string used, bool exists = true)
    {
        var output = session.Out;
        output.Raw(exists ? "* LIST () \"/\" "u8 : "* LIST (\\NonExistent) \"/\" "u8);
        output.Mailbox(name);
        if (used != name)
        {
            output.Raw(" (\"OLDNAME\" ("u8);
            output.Mailbox(used);
            output.Raw("))"u8);
        }
        output.EndLine();
    }

    /// <summary>After a command that changed a mailbox: tells a client of rev2 that the name is not the one that it used.</summary>
    internal static void TellNormal(ImapSession session, Reply reply, string used, bool exists = true)
    {
        if (session.Rev2 && reply.Kind == ReplyKind.Ok && MailboxName.Normal(used) is var name && name != used) Write(session, name, used, exists);
    }
}
