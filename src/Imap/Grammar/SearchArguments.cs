namespace Posthorn.Imap.Grammar;

/// <summary>The arguments of SEARCH and UID SEARCH.</summary>
/// <param name="Return">Null for the SEARCH of rev1, which answers with SEARCH and not ESEARCH.</param>
/// <param name="Charset">As named; null when none was. Ask <see cref="SearchGrammar.IsKnown"/> and refuse with BADCHARSET.</param>
sealed record SearchArguments(ReturnOptions? Return, string? Charset, SearchKey Key)
{
    internal static SearchArguments Read(ref ImapReader r)
    {
        var options = ReturnOptions.Read(ref r);
        var key = SearchGrammar.Program(ref r, out var charset);
        r.End();
        return new SearchArguments(options, charset, key);
    }
}

/// <summary>Which mailboxes a search over many looks at (RFC 7377, RFC 5465 §8).</summary>
enum MailboxFilter { Selected, SelectedDelayed, Inboxes, Personal, Subscribed, Subtree, SubtreeOne, Mailboxes }

/// <summary>One filter with the names that belong to it.</summary>
sealed record MailboxScope(MailboxFilter Filter, IReadOnlyList<string> Names)
{
    /// <summary>The names as the store has them.</summary>
    internal HashSet<string> Mailboxes => field ??= [.. Names.Select(Session.MailboxName.Normal)];

    /// <summary><c>filter-mailboxes</c> (RFC 5465 §8, with SUBTREE-ONE of RFC 7377).</summary>
    internal static MailboxScope Read(ref ImapReader r)
    {
        switch (r.Keyword())
        {
            case "SELECTED": return new(MailboxFilter.Selected, []);
            case "SELECTED-DELAYED": return new(MailboxFilter.SelectedDelayed, []);
            case "INBOXES": return new(MailboxFilter.Inboxes, []);
            case "PERSONAL": return new(MailboxFilter.Personal, []);
            case "SUBSCRIBED": return new(MailboxFilter.Subscribed, []);
            case "SUBTREE": return new(MailboxFilter.Subtree, NameList(ref r));
            case "SUBTREE-ONE": return new(MailboxFilter.SubtreeOne, NameList(ref r));
            case "MAILBOXES": return new(MailboxFilter.Mailboxes, NameList(ref r));
            default: throw r.Bad("a set of mailboxes expected");
        }
    }

    /// <summary><c>one-or-more-mailbox</c></summary>
    static List<string> NameList(ref ImapReader r)
    {
        r.SP();
        if (!r.TryOpen()) return [r.Mailbox()];
        var names = new List<string>();
        do names.Add(r.Mailbox());
        while (r.TryTake((byte)' '));
        r.Close();
        return names;
    }
}

/// <summary>The arguments of ESEARCH (RFC 7377 §2).</summary>
/// <param name="In">Where; null for the selected mailbox.</param>
sealed record MultiSearchArguments(IReadOnlyList<MailboxScope>? In, SearchArguments Search)
{
    internal static MultiSearchArguments Read(ref ImapReader r)
    {
        List<MailboxScope>? scopes = null;
        if (r.TryWord("IN"u8))
        {
            scopes = [];
            r.SP();
            r.Open();
            // RFC 7377 §5: scope options are for later standards; none is known.
            do scopes.Add(MailboxScope.Read(ref r));
            while (r.TryTake((byte)' '));
            r.Close();
            r.SP();
        }
        return new MultiSearchArguments(scopes, SearchArguments.Read(ref r));
    }
}

/// <summary><c>sort-key</c> (RFC 5256 §5, RFC 5957, RFC 6203 §5).</summary>
enum SortKey { Arrival, Cc, Date, From, Size, Subject, To, DisplayFrom, DisplayTo, Relevancy }

readonly record struct SortCriterion(SortKey Key, bool Reverse);

/// <summary>The arguments of SORT and UID SORT (RFC 5256 §3, with RETURN of RFC 5267 §3).</summary>
sealed record SortArguments(ReturnOptions? Return, IReadOnlyList<SortCriterion> Criteria, string Charset, SearchKey Key)
{
    internal static SortArguments Read(ref ImapReader r)
    {
        var options = ReturnOptions.Read(ref r);
        r.Open();
        var criteria = new List<SortCriterion>();
        do
        {
            var reverse = r.TryWord("REVERSE"u8);
            if (reverse) r.SP();
            var key = One(ref r);
            // What a key has left equal it leaves equal again.
            if (!criteria.Exists(c => c.Key == key)) criteria.Add(new SortCriterion(key, reverse));
        }
        while (r.TryTake((byte)' '));
        r.Close();
        r.SP();
        var search = SearchGrammar.WithCharset(ref r, out var charset);
        r.End();
        return new SortArguments(options, criteria, charset, search);
    }

    static SortKey One(ref ImapReader r) => r.Keyword() switch
    {
        "ARRIVAL" => SortKey.Arrival,
        "CC" => SortKey.Cc,
        "DATE" => SortKey.Date,
        "FROM" => SortKey.From,
        "SIZE" => SortKey.Size,
        "SUBJECT" => SortKey.Subject,
        "TO" => SortKey.To,
        "DISPLAYFROM" => SortKey.DisplayFrom,
        "DISPLAYTO" => SortKey.DisplayTo,
        "RELEVANCY" => SortKey.Relevancy,
        _ => throw r.Bad("a sort key expected"),
    };
}

/// <summary>The arguments of THREAD and UID THREAD (RFC 5256 §3).</summary>
/// <param name="Algorithm">In upper case, e.g. REFERENCES; whether it is there is for the session to say.</param>
sealed record ThreadArguments(string Algorithm, string Charset, SearchKey Key)
{
    internal static ThreadArguments Read(ref ImapReader r)
    {
        var algorithm = r.Keyword();
        r.SP();
        var key = SearchGrammar.WithCharset(ref r, out var charset);
        r.End();
        return new ThreadArguments(algorithm, charset, key);
    }
}
