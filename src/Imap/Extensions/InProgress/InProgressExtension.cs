using Posthorn.Imap.Session;

namespace Posthorn.Imap.Extensions.InProgress;

/// <summary>INPROGRESS (RFC 9585): a client that waits for long hears how far its command has come.</summary>
sealed class InProgressExtension : ImapExtension
{
    internal const string Word = "INPROGRESS";

    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is not null) words.Add(Word);
    }
}
