namespace Posthorn.Imap.Grammar;

/// <summary>What a client knows of a mailbox from before (RFC 7162 §3.2.5).</summary>
/// <param name="KnownUids">UIDs the client has; null when it did not say.</param>
/// <param name="MatchNumbers">Message numbers whose UIDs are <paramref name="MatchUids"/>; both null or both there.</param>
sealed record QuickResync(uint UidValidity, long ModSeq, SequenceSet? KnownUids, SequenceSet? MatchNumbers, SequenceSet? MatchUids);

/// <summary>The arguments of SELECT and EXAMINE (RFC 9051 §6.3.2, RFC 7162).</summary>
/// <param name="Mailbox">As written.</param>
sealed record SelectArguments(string Mailbox, bool CondStore, QuickResync? Resync)
{
    internal static SelectArguments Read(ref ImapReader r)
    {
        var mailbox = r.MailboxAsWritten();
        var condStore = false;
        QuickResync? resync = null;
        if (r.TryTake((byte)' '))
        {
            r.Open();
            do
            {
                if (r.TryWord("CONDSTORE"u8)) condStore = true;
                else if (r.TryWord("QRESYNC"u8)) resync = ReadResync(ref r);
                else throw r.Bad("CONDSTORE or QRESYNC expected");
            }
            while (r.TryTake((byte)' '));
            r.Close();
        }
        r.End();
        return new SelectArguments(mailbox, condStore, resync);
    }

    static QuickResync ReadResync(ref ImapReader r)
    {
        r.SP();
        r.Open();
        var validity = r.NzNumber();
        r.SP();
        var modSeq = r.NzNumber64();
        SequenceSet? known = null, numbers = null, uids = null;
        if (r.TryTake((byte)' '))
        {
            if (r.Peek != '(')
            {
                known = r.SequenceSet(star: false);
                if (r.TryTake((byte)' ')) (numbers, uids) = Match(ref r);
            }
            else (numbers, uids) = Match(ref r);
        }
        r.Close();
        return new QuickResync(validity, modSeq, known, numbers, uids);
    }

    static (SequenceSet Numbers, SequenceSet Uids) Match(ref ImapReader r)
    {
        r.Open();
        var numbers = r.SequenceSet(star: false);
        r.SP();
        var uids = r.SequenceSet(star: false);
        r.Close();
        return (numbers, uids);
    }
}

/// <summary>The arguments of CREATE (RFC 9051 §6.3.4, RFC 6154 §5.3).</summary>
/// <param name="Uses">Special uses asked for, without the backslash, as written.</param>
sealed record CreateArguments(string Mailbox, IReadOnlyList<string> Uses)
{
    internal static CreateArguments Read(ref ImapReader r)
    {
        var mailbox = r.Mailbox();
        var uses = new List<string>();
        if (r.TryTake((byte)' '))
        {
            r.Open();
            if (!r.TryWord("USE"u8)) throw r.Bad("USE expected");
            r.SP();
            r.Open();
            if (!r.TryClose())
            {
                do
                {
                    r.Take((byte)'\\', "a use like \\Sent expected");
                    uses.Add(r.AtomText());
                }
                while (r.TryTake((byte)' '));
                r.Close();
            }
            r.Close();
        }
        r.End();
        return new CreateArguments(mailbox, uses);
    }
}
