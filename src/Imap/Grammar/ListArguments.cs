namespace Posthorn.Imap.Grammar;

/// <summary>Which mailboxes LIST is to look at (RFC 5258 §3.1, RFC 6154 §3).</summary>
[Flags]
enum ListSelect { None = 0, Subscribed = 1, Remote = 2, RecursiveMatch = 4, SpecialUse = 8 }

/// <summary>What LIST is to tell of each (RFC 5258 §3.2 and extensions).</summary>
[Flags]
enum ListReturn { None = 0, Subscribed = 1, Children = 2, SpecialUse = 4, MyRights = 8 }

/// <summary>The arguments of LIST (RFC 9051 §6.3.9, RFC 5258).</summary>
/// <param name="Extended">True when any part of the extended form was used; RFC 3501's LIST has neither options nor more patterns.</param>
/// <param name="Status">RFC 5819: STATUS items for each; none without.</param>
/// <param name="Metadata">RFC 9590: metadata entries for each; empty without.</param>
sealed record ListArguments(ListSelect Select, string Reference, IReadOnlyList<string> Patterns, ListReturn Return, StatusItems Status,
    IReadOnlyList<string> Metadata, bool Extended)
{
    /// <summary>Patterns, and entries of metadata: each costs a look at each mailbox.</summary>
    const int Most = 256;

    internal static ListArguments Read(ref ImapReader r)
    {
        var extended = r.Peek == '(';
        var select = ListSelect.None;
        if (r.TryOpen())
        {
            select = Selection(ref r);
            r.SP();
        }
        var reference = r.Reference();
        r.SP();
        var patterns = new List<string>(1);
        if (r.TryOpen())
        {
            extended = true;
            do
            {
                if (patterns.Count == Most) throw r.Bad("too many patterns");
                patterns.Add(r.ListMailbox());
            }
            while (r.TryTake((byte)' '));
            r.Close();
        }
        else patterns.Add(r.ListMailbox());
        var back = ListReturn.None;
        var status = StatusItems.None;
        IReadOnlyList<string> metadata = [];
        if (r.TryTake((byte)' '))
        {
            extended = true;
            back = Returned(ref r, ref status, ref metadata);
        }
        r.End();
        return new ListArguments(select, reference, patterns, back, status, metadata, extended);
    }

    /// <summary>The arguments of LSUB (RFC 3501 §6.3.9), which has no options.</summary>
    internal static ListArguments ReadLsub(ref ImapReader r)
    {
        var reference = r.Reference();
        r.SP();
        var pattern = r.ListMailbox();
        r.End();
        return new ListArguments(ListSelect.Subscribed, reference, [pattern], ListReturn.None, StatusItems.None, [], Extended: false);
    }

    static ListSelect Selection(ref ImapReader r)
    {
        var select = ListSelect.None;
        if (r.TryClose()) return select;
        do select |= r.Keyword() switch
        {
            "SUBSCRIBED" => ListSelect.Subscribed,
            "REMOTE" => ListSelect.Remote,
            "RECURSIVEMATCH" => ListSelect.RecursiveMatch,
            "SPECIAL-USE" => ListSelect.SpecialUse,
            _ => throw r.Bad("a LIST selection option expected"),
        };
        while (r.TryTake((byte)' '));
        r.Close();
        // RFC 5258 §3.1: RECURSIVEMATCH modifies an option that selects; REMOTE is none.
        if ((select & ListSelect.RecursiveMatch) != 0 && (select & (ListSelect.Subscribed | ListSelect.SpecialUse)) == 0)
            throw r.Bad("RECURSIVEMATCH needs an option that selects");
        return select;
    }

    static ListReturn Returned(ref ImapReader r, ref StatusItems status, ref IReadOnlyList<string> metadata)
    {
        if (!r.TryWord("RETURN"u8)) throw r.Bad("RETURN expected");
        r.SP();
        r.Open();
        var back = ListReturn.None;
        if (r.TryClose()) return back;
        do
        {
            switch (r.Keyword())
            {
                case "SUBSCRIBED":
                    back |= ListReturn.Subscribed;
                    break;
                case "CHILDREN":
                    back |= ListReturn.Children;
                    break;
                case "SPECIAL-USE":
                    back |= ListReturn.SpecialUse;
                    break;
                case "MYRIGHTS":
                    back |= ListReturn.MyRights;
                    break;
                case "STATUS":
                    r.SP();
                    status |= StatusArguments.ReadItems(ref r);
                    break;
                case "METADATA":
                    r.SP();
                    metadata = Entries(ref r);
                    break;
                default:
                    throw r.Bad("a LIST return option expected");
            }
        }
        while (r.TryTake((byte)' '));
        r.Close();
        return back;
    }

    static List<string> Entries(ref ImapReader r)
    {
        r.Open();
        var entries = new List<string>();
        do
        {
            if (entries.Count == Most) throw r.Bad("too many entries");
            entries.Add(r.AStringText());
        }
        while (r.TryTake((byte)' '));
        r.Close();
        return entries;
    }
}
