using Posthorn.Imap.Session;

namespace Posthorn.Imap.Extensions.UidOnly;

/// <summary>
/// UIDONLY (RFC 9586): a client that has enabled it neither sends nor hears message numbers. FETCH becomes UIDFETCH, EXPUNGE
/// becomes VANISHED, and a command by number is refused by the session loop.
/// </summary>
sealed class UidOnlyExtension : ImapExtension
{
    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is not null) words.Add("UIDONLY");
    }
}
