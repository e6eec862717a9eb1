using Posthorn.Accounts;
using Posthorn.Delivery.Inbound;
using Posthorn.Smtp.Server;

namespace Posthorn.Delivery.Dsn;

/// <summary>The notices of success that a message owes its sender (RFC 3461 §5.2.3, §5.2.7).</summary>
static class SuccessNotices
{
    /// <summary>
    /// What is to be told about one accepted recipient; null for nothing: it was not asked, or it is a single other address
    /// elsewhere, and the wish goes there with the message (§5.2.1, §5.2.7.2).
    /// </summary>
    internal static NoticeRecipient? About(in Accepted accepted, Recipients recipients)
    {
        var (rcpt, targets) = (accepted.Rcpt, accepted.Targets);
        if (!Notify.AsksForSuccess(rcpt.Notify)) return null;
        if (targets.Length > 1) return new NoticeRecipient(rcpt.Recipient, rcpt.OriginalRecipient, Fate.Expanded);
        return recipients.Targets[targets[0]].Destination is Destination.Local ? new NoticeRecipient(rcpt.Recipient, rcpt.OriginalRecipient, Fate.Delivered) : null;
    }

    /// <summary>
    /// The recipients of each notice, and the reply on which it depends: one notice for the one reply of SMTP (§5.2.8), one
    /// for each recipient of LMTP, where some may still be refused.
    /// </summary>
    internal static List<(int Reply, List<NoticeRecipient> About)> Group(Recipients recipients, SmtpService service)
    {
        var groups = new List<(int, List<NoticeRecipient> About)>(1);
        for (var i = 0; i < recipients.Count; i++)
        {
            if (About(recipients.Accepted[i], recipients) is not { } about) continue;
            if (service == SmtpService.Lmtp) groups.Add((i, [about]));
            else if (groups.Count == 0) groups.Add((0, [about]));
            else groups[0].About.Add(about);
        }
        return groups;
    }
}
