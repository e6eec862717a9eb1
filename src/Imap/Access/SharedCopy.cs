using Posthorn.Imap.Session;
using Posthorn.Mime.Threads;
using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Access;

/// <summary>
/// Copies between accounts, or to where not all flags may be set: messages of their own with the same bodies, since those of
/// one account are not the other's, and flags of a message are the same in all its places.
/// </summary>
static class SharedCopy
{
    /// <param name="rights">What the client may do with the target: flags that he may not set are left out (RFC 4314 §4).</param>
    internal static List<Transferred> Run(WriteUnit unit, SelectedMailbox selected, Mailbox target, Rights rights, List<uint> uids, bool move)
    {
        var done = new List<Transferred>(uids.Count);
        foreach (var uid in uids)
        {
            if (unit.Places.Find(selected.MailboxId, uid) is not { } place || unit.Mailboxes.Load(selected.AccountId, [place.MessageId]) is not [var message]) continue;
            var copy = new NewMessage(message.Blob, message.Prefix, message.Structure, message.Received, message.Trace, place.Flags & MailboxAccess.Settable(rights))
            {
                Keywords = (rights & Rights.Write) != 0 ? place.Keywords?.Split(' ') ?? [] : [],
                Protocol = "imap",
                Links = ThreadLinks.Of(message.Structure, default),
            };
            done.Add(new Transferred(uid, unit.Mailboxes.Deliver(target.AccountId, target.Id, copy)));
        }
        if (move) unit.Mailboxes.Expunge(selected.AccountId, selected.MailboxId, [.. done.Select(static d => d.From)], "imap");
        return done;
    }
}
