using System.Text.Encodings.Web;
using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Queue;

/// <summary>Finds stories by what people know of a message. An index would cost every message; a look back costs those who ask.</summary>
public sealed partial class QueueTables
{
    /// <summary>How many of the latest events are looked at: those of some hundred thousand messages, and about a second.</summary>
    public const int EventsLookedAt = 1_000_000;

    /// <summary>The longest text that is looked for: a line of a header (RFC 5322 §2.1.1).</summary>
    const int LongestSought = 998;

    // A story's rows lie together and stories lie in the order of time, so the latest are one stretch at the end.
    static readonly SqlText Told = new("""
        SELECT trace FROM (SELECT trace, detail FROM events ORDER BY trace DESC, id DESC LIMIT $4) latest
        WHERE LOWER(detail) LIKE LOWER($1) ESCAPE '\' OR LOWER(detail) LIKE LOWER($2) ESCAPE '\'
        GROUP BY trace ORDER BY trace DESC LIMIT $3
        """);
    static readonly SqlText QueuedFor = new("""
        SELECT m.trace FROM queue_recipients r JOIN queue_messages m ON m.id = r.message_id
        WHERE LOWER(r.address) = LOWER($1) OR LOWER(r.original) = LOWER($1)
        GROUP BY m.trace ORDER BY m.trace DESC LIMIT $2
        """);
    static readonly SqlText QueuedFrom = new("""
        SELECT trace FROM queue_messages WHERE finished IS NULL AND LOWER(reverse_path) = LOWER($1) GROUP BY trace ORDER BY trace DESC LIMIT $2
        """);

    /// <summary>
    /// The story ids of messages that came with this Message-ID (with or without its brackets) or that have this address as
    /// sender or recipient, newest first: of those that wait in the queue all, of others those that the latest
    /// <see cref="EventsLookedAt"/> events tell of. Case does not matter.
    /// </summary>
    public IReadOnlyList<TraceId> Traces(string address, int most)
    {
        var bare = address is ['<', .. var inner, '>'] ? inner : address;
        if (bare.Length is 0 or > LongestSought)
            return [];
        // As a whole member of an event's detail (docs/events.md).
        var text = JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(bare).Replace(@"\", @"\\").Replace("%", @"\%").Replace("_", @"\_");
        var found = _unit.Session.Use(Told).Bind(1, $"%\"{text}\"%").Bind(2, $"%\"<{text}>\"%").Bind(3, (long)most).Bind(4, (long)EventsLookedAt).All(Story);
        found.AddRange(_unit.Session.Use(QueuedFor).Bind(1, bare).Bind(2, (long)most).All(Story));
        found.AddRange(_unit.Session.Use(QueuedFrom).Bind(1, bare).Bind(2, (long)most).All(Story));
        return [.. found.Distinct().OrderByDescending(static t => t.Value).Take(most)];
    }

    static TraceId Story(ISqlStatement row) => new(row.Int64(0));
}
