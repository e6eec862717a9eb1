using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Queue;

/// <summary>States that an operation is about: those between two, less one (0 for none).</summary>
readonly record struct QueueStates(long Least, long Most, long Not = 0)
{
    internal static QueueStates Due { get; } = new((long)RecipientState.Due, (long)RecipientState.Due);
    internal static QueueStates Held { get; } = new((long)RecipientState.Held, (long)RecipientState.Held);

    /// <summary>Due or held: nobody works on it.</summary>
    internal static QueueStates Waiting { get; } = new((long)RecipientState.Due, (long)RecipientState.Held, (long)RecipientState.Leased);

    /// <summary>Any number at all, also one that is no state.</summary>
    internal static QueueStates Any { get; } = new(long.MinValue, long.MaxValue);

    internal bool AreOpen => Least >= (long)RecipientState.Due && Most <= (long)RecipientState.Held;

    internal bool Has(RecipientState state) => (long)state >= Least && (long)state <= Most && (long)state != Not;

    /// <summary>Those of them that the filter lets through.</summary>
    internal QueueStates Within(QueueFilter filter)
    {
        var (least, most) = filter switch
        {
            { State: { } one } => ((long)one, (long)one),
            { Open: true } => ((long)RecipientState.Due, (long)RecipientState.Held),
            { Open: false } => ((long)RecipientState.Delivered, (long)RecipientState.Dropped),
            _ => (long.MinValue, long.MaxValue),
        };
        return this with { Least = Math.Max(Least, least), Most = Math.Min(Most, most) };
    }
}

/// <summary>
/// A filter as the parameters of constant queries, and which of them finds its rows cheapest. All ask everything that the
/// filter says; they differ in where they begin. Patterns compare without regard to case, by LIKE over lower case.
/// </summary>
static class QueueSelection
{
    /// <summary>A pattern longer than any address, or with more stars, is refused: LIKE tries all ways to place them.</summary>
    const int LongestPattern = 1000, MostStars = 8;

    const string Rows = """
        SELECT r.id, m.id, m.trace, m.reverse_path, r.address, r.original, r.state, CASE WHEN r.state = 2 THEN COALESCE(r.lease_until, r.due) ELSE r.due END,
          r.attempts, r.last_reply, m.size, m.received, r.finished, r.via
        FROM queue_recipients r JOIN queue_messages m ON m.id = r.message_id
        WHERE r.id > $1 AND r.state >= $2 AND r.state <= $3 AND r.state <> $4
          AND ($5 IS NULL OR r.due > $5)
          AND ($6 IS NULL OR r.domain LIKE $6 ESCAPE '\')
          AND ($7 IS NULL OR LOWER(r.address) LIKE LOWER($7) ESCAPE '\')
          AND ($8 IS NULL OR LOWER(COALESCE(r.via, '')) LIKE LOWER($8) ESCAPE '\')
          AND ($9 IS NULL OR COALESCE(r.via, '') <> $9)
          AND ($10 IS NULL OR m.received < $10)
          AND ($11 IS NULL OR LOWER(m.reverse_path) LIKE LOWER($11) ESCAPE '\')
          AND ($12 IS NULL OR r.id = $12)
        """;
    const string FromSender = " AND m.finished IS NULL AND LOWER(m.reverse_path) = LOWER($14)";
    const string InOrder = " ORDER BY r.id LIMIT $13";

    internal static readonly SqlText All = new(Rows + InOrder);
    internal static readonly SqlText One = new(Rows + " AND r.id = $12" + InOrder);
    internal static readonly SqlText Leased = new(Rows + " AND r.state = 2" + InOrder);
    internal static readonly SqlText Held = new(Rows + " AND r.state = 3" + InOrder);
    internal static readonly SqlText OfTrace = new(Rows + " AND m.trace = $14" + InOrder);
    internal static readonly SqlText OfSender = new(Rows + FromSender + InOrder);

    // As the index has them, so that as many as are wanted can be had without a look at all of the sender or domain.
    internal static readonly SqlText SomeOfSender = new(Rows + FromSender + " LIMIT $13");
    internal static readonly SqlText FreshOfDomain = new(Rows + " AND r.state = 1 AND r.attempts = 0 AND r.domain = $14 ORDER BY r.due, r.id LIMIT $13");
    internal static readonly SqlText TriedOfDomain = new(Rows + " AND r.state = 1 AND r.attempts > 0 AND r.domain = $14 ORDER BY r.due, r.id LIMIT $13");

    /// <summary>Those that fit, in the order of their rows.</summary>
    internal static List<QueuedRecipient> List(ISqlSession session, QueueFilter filter, long after, int most)
    {
        var states = QueueStates.Any.Within(filter);
        return Ask(session, Begin(filter, states), filter, states, new(after), most);
    }

    /// <summary>Some that fit and are in these states, in no certain order.</summary>
    internal static List<QueuedRecipient> Some(ISqlSession session, QueueFilter filter, QueueStates wanted, Unlike unlike, int most)
    {
        var states = wanted.Within(filter);
        var query = Begin(filter, states);
        if (query == OfSender)
            return Ask(session, SomeOfSender, filter, states, unlike, most);
        if (query != All || filter.Domain is not { } domain || domain.Contains('*'))
            return Ask(session, query, filter, states, unlike, most);
        var rows = new List<QueuedRecipient>();
        foreach (var (part, state) in new[] { (FreshOfDomain, RecipientState.Due), (TriedOfDomain, RecipientState.Due), (Held, RecipientState.Held) })
            if (states.Has(state) && rows.Count < most)
                rows.AddRange(Ask(session, part, filter, states, unlike, most - rows.Count));
        return rows;
    }

    static SqlText Begin(QueueFilter filter, QueueStates states) => filter switch
    {
        { Trace: not null } => OfTrace,
        { Recipient: not null } => One,
        _ when states is { Least: (long)RecipientState.Leased, Most: (long)RecipientState.Leased } => Leased,
        _ when states is { Least: (long)RecipientState.Held, Most: (long)RecipientState.Held } => Held,
        { Sender: { } sender } when states.AreOpen && !sender.Contains('*') => OfSender,
        _ => All,
    };

    static List<QueuedRecipient> Ask(ISqlSession session, SqlText query, QueueFilter filter, QueueStates states, Unlike unlike, int most)
    {
        var statement = session.Use(query).Bind(1, unlike.After).Bind(2, states.Least).Bind(3, states.Most).Bind(4, states.Not)
            .Bind(5, unlike.DueBy).Bind(6, Pattern(filter.Domain is null ? null : QueueTables.Lower(filter.Domain))).Bind(7, Pattern(filter.Address))
            .Bind(8, Pattern(filter.Via)).Bind(9, unlike.Via).Bind(10, filter.OlderThan?.ToMicroseconds()).Bind(11, Pattern(filter.Sender))
            .Bind(12, filter.Recipient).Bind(13, (long)most);
        if (query == OfTrace)
            statement.Bind(14, filter.Trace!.Value.Value);
        else if (query == OfSender || query == SomeOfSender)
            statement.Bind(14, filter.Sender);
        else if (query == FreshOfDomain || query == TriedOfDomain)
            statement.Bind(14, QueueTables.Lower(filter.Domain!));
        return statement.All(Row);
    }

    static QueuedRecipient Row(ISqlStatement r) => new(r.Int64(0), r.Int64(1), new(r.Int64(2)), r.Text(3), r.Text(4), r.Text(5), (RecipientState)r.Int64(6),
        Times.FromMicroseconds(r.Int64(7)), QueueTables.Attempts(r.Int64(8)), r.Text(9), r.Int64(10), Times.FromMicroseconds(r.Int64(11)),
        r.Int64OrNull(12) is { } finished ? Times.FromMicroseconds(finished) : null, r.TextOrNull(13));

    /// <summary>Stars as LIKE's "%", and what LIKE would take for more than itself escaped.</summary>
    static string? Pattern(string? text)
    {
        if (text is null)
            return null;
        if (text.Length > LongestPattern || text.AsSpan().Count('*') > MostStars)
            throw new ArgumentException($"a pattern has at most {LongestPattern} characters and {MostStars} stars");
        return text.Replace(@"\", @"\\").Replace("%", @"\%").Replace("_", @"\_").Replace('*', '%');
    }
}

/// <summary>Rows that an operation passes over, since it would change nothing in them.</summary>
/// <param name="After">Rows up to this one.</param>
/// <param name="DueBy">What is due by this time, microseconds.</param>
/// <param name="Via">What goes this way; "" for the routes.</param>
readonly record struct Unlike(long After = 0, long? DueBy = null, string? Via = null);
