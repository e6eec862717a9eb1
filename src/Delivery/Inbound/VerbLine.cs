using System.Text;
using Posthorn.Accounts;

namespace Posthorn.Delivery.Inbound;

/// <summary>After VERB: what was done for one recipient, as lines of the final reply.</summary>
static class VerbLine
{
    /// <summary>RFC 5321 §4.5.3.1.5: a reply line has at most 512 octets; code, enhanced code and CRLF are to be added.</summary>
    const int Most = 480;

    /// <summary>Adds one line, or as many as its destinations need.</summary>
    internal static void Add(List<string> lines, Recipients recipients, int index, FilingResult result)
    {
        var accepted = recipients.Accepted[index];
        var start = $"<{accepted.Rcpt.Recipient}>: ";
        var line = new StringBuilder(start);
        foreach (var target in accepted.Targets)
        {
            var what = What(recipients.Targets[target], result.Outcomes[target]);
            if (line.Length > start.Length)
            {
                if (Encoding.UTF8.GetByteCount(line.ToString()) + 2 + Encoding.UTF8.GetByteCount(what) <= Most) line.Append(", ");
                else
                {
                    lines.Add(Clean(line));
                    line.Clear().Append(start);
                }
            }
            line.Append(what);
        }
        lines.Add(Clean(line));
    }

    static string What(Target target, in Outcome outcome) => outcome.Kind switch
    {
        OutcomeKind.Filed => $"filed in {outcome.Mailbox} of {((Destination.Local)target.Destination).Address}",
        OutcomeKind.Queued => $"queued for {((Destination.Foreign)target.Destination).Address}",
        OutcomeKind.Held => $"held for {((Destination.Foreign)target.Destination).Address}",
        OutcomeKind.Looped => $"not sent on to {((Destination.Foreign)target.Destination).Address} again",
        _ => "not delivered, the mailbox is full",
    };

    /// <summary>Without control characters, and cut where one recipient and one folder are already too long together.</summary>
    static string Clean(StringBuilder line)
    {
        for (var i = 0; i < line.Length; i++)
            if (char.IsControl(line[i])) line[i] = '?';
        var text = line.ToString();
        if (Encoding.UTF8.GetByteCount(text) <= Most) return text;
        var (length, octets) = (0, 0);
        foreach (var rune in text.EnumerateRunes())
        {
            if (octets + rune.Utf8SequenceLength > Most - 4) break;
            (length, octets) = (length + rune.Utf16SequenceLength, octets + rune.Utf8SequenceLength);
        }
        return text[..length] + " ...";
    }
}
