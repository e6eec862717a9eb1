using Microsoft.Extensions.Logging;
using Posthorn.Mime.Structure;
using Posthorn.Mime.Text;
using Posthorn.Search.Reading;
using Posthorn.Search.Segments;
using Posthorn.Search.Trigrams;
using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Posthorn.Storage.Search;

namespace Posthorn.Search;

/// <summary>Puts the next messages of an account into the index. One at a time.</summary>
sealed class MessageIndexer(MailStore store, ILogger log)
{
    /// <summary>Octets of text parts, still encoded, of a message that is indexed; a longer one is read at every search.</summary>
    internal const long MostText = 16 << 20;

    /// <summary>Messages whose rows are read together.</summary>
    const int Rows = 64;

    readonly TrigramSet _keys = new();
    readonly SegmentBuilder _builder = new();

    /// <summary>Indexes what comes next, at most one segment.</summary>
    /// <param name="most">Messages to index at most.</param>
    /// <returns>How many messages that were, and whether there may be more.</returns>
    internal (int Count, bool More) Run(IndexTables tables, long accountId, int most, CancellationToken ct)
    {
        _builder.Clear();
        most = Math.Min(most, SegmentBuilder.MostMessages);
        var last = tables.Position(accountId)?.Last ?? ArrivalScans.Start(accountId);
        var more = true;
        while (more && _builder.Count < most && !_builder.Full)
        {
            var wanted = Math.Min(Rows, most - _builder.Count);
            if (Ask(accountId, unit => unit.Arrivals.After(accountId, last, wanted)) is not { } rows) break;
            more = rows.Count == wanted;
            foreach (var row in rows)
            {
                ct.ThrowIfCancellationRequested();
                _builder.Add(row.MessageId, Keys(row, accountId));
                last = row.MessageId;
                if (!_builder.Full) continue;
                more = true;
                break;
            }
        }
        var count = _builder.Count;
        if (count == 0) return (0, false);
        _builder.Write(tables, accountId);
        Merge(tables, accountId, ct);
        tables.SetPosition(new IndexPosition(accountId, last, AccountSeal.Of(accountId, last, tables.Segments(accountId))));
        return (count, more);
    }

    /// <summary>Null when the store is damaged there: that is none of the index, and must not keep it from other accounts.</summary>
    T? Ask<T>(long accountId, Func<ReadUnit, T> query) where T : class
    {
        try { return store.Read(query); }
        catch (StoreDamageException e)
        {
            SearchLog.Unreadable(log, accountId, e.Message);
            return null;
        }
    }

    void Merge(IndexTables tables, long accountId, CancellationToken ct)
    {
        while (tables.Segments(accountId) is var segments && MergePolicy.Choose(segments) is { Count: > 0 } choice)
        {
            IndexSegment[] due = [.. segments.Skip(segments.Count - choice.Count)];
            if (Ask(accountId, unit => unit.Arrivals.Living(due[0].First, due[^1].Last)) is not { } living) return;
            SegmentMerge.Run(tables, due, choice.Level, living, ct);
        }
    }

    /// <summary>The trigrams of all that searches look at; null when they are too many, or cannot be told.</summary>
    TrigramSet? Keys(StoredMessage row, long accountId)
    {
        using var source = new MessageSource(store, row);
        try
        {
            if (TextOctets(source.Root) > MostText) return null;
            var content = new SearchContent(source);
            _keys.Clear();
            foreach (var text in content.All)
            {
                _keys.Add(text);
                if (_keys.Full) return null;
            }
            return _keys;
        }
        catch (Exception e) when (e is StoreDamageException or FormatException or IOException)
        {
            SearchLog.NotIndexed(log, row.MessageId, accountId, e.Message);
            return null;
        }
    }

    static long TextOctets(Part part) =>
        part.Parts.Count > 0 ? part.Parts.Sum(TextOctets) : TextExtractor.IsText(part) ? part.End - part.BodyStart : 0;
}
