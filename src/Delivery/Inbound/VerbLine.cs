using System.Text;
using Posthorn.Accounts;

namespace Posthorn.Delivery.Inbound;

/// <summary>After VERB: what was done for one recipient, as a line of the final reply.</summary>
static class VerbLine
{
    /// <summary>RFC 5321 §4.5.3.1.5: a reply line has at most 512 octets; code, enhanced code and CRLF are to be added.</summary>
    const int Most = 480;

    internal static string For(Recipients recipients, int index, FilingResult result)
    {
        var accepted = recipients.Accepted[index];
        var b = new StringBuilder().Append('<').Append(accepted.Rcpt.Recipient).Append(">: ");
        for (var i = 0; i < accepted.Targets.Length; i++)
        {
            if (i > 0) b.Append(", ");
            var target = accepted.Targets[i];
            ref readonly var o = ref result.Outcomes[target];
            switch (o.Kind)
            {
                case OutcomeKind.Filed:
                    b.Append("filed in ").Append(o.Mailbox).Append(" of ").Append(((Destination.Local)recipients.Targets[target].Destination).Address);
                    break;
                case OutcomeKind.Queued or OutcomeKind.Held:
                    b.Append(o.Kind == OutcomeKind.Held ? "held for " : "queued for ").Append(((Destination.Foreign)recipients.Targets[target].Destination).Address);
                    break;
                case OutcomeKind.Refused:
                    b.Append("not delivered, the mailbox is full");
                    break;
            }
        }
        for (var i = 0; i < b.Length; i++)
            if (char.IsControl(b[i])) b[i] = '?';
        return Encoding.UTF8.GetByteCount(b.ToString()) <= Most ? b.ToString() : b.ToString(0, Math.Min(b.Length, Most / 4)) + " ...";
    }
}
