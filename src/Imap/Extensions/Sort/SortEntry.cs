using Posthorn.Imap.Extensions.Fuzzy;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Search;
using Posthorn.Imap.Session;
using Posthorn.Imap.Views;
using Posthorn.Mime.Envelopes;
using Posthorn.Mime.Threads;

namespace Posthorn.Imap.Extensions.Sort;

/// <summary>What one criterion compares: a number, then a folded text.</summary>
readonly record struct SortValue(long Number, string? Text);

/// <summary>A message with what it is sorted by.</summary>
sealed record SortEntry(uint Uid, SortValue[] Values);

/// <summary>The order that SORT asks for (RFC 5256 §3, RFC 5957 §3).</summary>
/// <param name="scores">By UID, for RELEVANCY (RFC 6203 §6).</param>
sealed class SortOrder(IReadOnlyList<SortCriterion> criteria, Dictionary<uint, int> scores) : IComparer<SortEntry>
{
    /// <summary>True when the view alone knows all that is compared.</summary>
    bool NeedsEnvelopes { get; } = criteria.Any(static c => c.Key is not (SortKey.Arrival or SortKey.Size or SortKey.Relevancy));

    public int Compare(SortEntry? x, SortEntry? y)
    {
        for (var i = 0; i < criteria.Count; i++)
        {
            var (a, b) = (x!.Values[i], y!.Values[i]);
            var c = a.Number.CompareTo(b.Number);
            if (c == 0 && a.Text is not null) c = CaseMap.Compare(a.Text, b.Text!);
            if (c != 0) return criteria[i].Reverse ? -c : c;
        }
        // RFC 5256 §3: what is equal by all criteria is in mailbox order, which REVERSE does not turn.
        return x!.Uid.CompareTo(y!.Uid);
    }

    /// <summary>The messages of some indices (ascending) with their values, in order; tells how far it is.</summary>
    internal async ValueTask<List<SortEntry>> SortAsync(ImapSession session, SelectedMailbox selected, IReadOnlyList<int> indices, CancellationToken ct)
    {
        var entries = new List<SortEntry>(indices.Count);
        foreach (var done in Read(session, selected, indices, entries, ct)) await session.Progress.TellAsync(done, indices.Count).ConfigureAwait(false);
        entries.Sort(this);
        return entries;
    }

    /// <summary>The same for a few messages.</summary>
    internal List<SortEntry> Sort(ImapSession session, SelectedMailbox selected, IReadOnlyList<int> indices, CancellationToken ct)
    {
        var entries = new List<SortEntry>(indices.Count);
        _ = Read(session, selected, indices, entries, ct).Count();
        entries.Sort(this);
        return entries;
    }

    IEnumerable<int> Read(ImapSession session, SelectedMailbox selected, IReadOnlyList<int> indices, List<SortEntry> into, CancellationToken ct)
    {
        if (NeedsEnvelopes) return EnvelopeScan.Run(session, selected, indices, references: false, (index, source) => into.Add(Entry(selected.Shown[index], new SearchContent(source).Envelope)), ct);
        foreach (var index in indices) into.Add(Entry(selected.Shown[index], null));
        return [];
    }

    SortEntry Entry(in Row row, Envelope? envelope)
    {
        var values = new SortValue[criteria.Count];
        for (var i = 0; i < values.Length; i++) values[i] = Value(criteria[i].Key, row, envelope);
        return new SortEntry(row.Uid, values);
    }

    SortValue Value(SortKey key, in Row row, Envelope? envelope) => key switch
    {
        SortKey.Arrival => new(row.Received.ToUnixTimeSeconds(), null),
        SortKey.Size => new(row.Size, null),
        SortKey.Date => new((SentDate.Moment(envelope!.Date) ?? row.Received).ToUnixTimeSeconds(), null),
        SortKey.Subject => Text(BaseSubject.Of(envelope!.Subject).Text),
        SortKey.From => Text(Mailbox(envelope!.From)),
        SortKey.To => Text(Mailbox(envelope!.To)),
        SortKey.Cc => Text(Mailbox(envelope!.Cc)),
        SortKey.DisplayFrom => Text(Display(envelope!.From)),
        SortKey.DisplayTo => Text(Display(envelope!.To)),
        _ => new(-scores.GetValueOrDefault(row.Uid, Relevancy.Words), null), // the best first
    };

    /// <summary>RFC 5255 §4.6: what is no text in its charset comes together, behind all that is.</summary>
    static SortValue Text(string text) => new(text.Contains('\uFFFD') ? 1 : 0, CaseMap.Fold(text));

    /// <summary>The local part of the first address, or the name of a group that comes first.</summary>
    static string Mailbox(IReadOnlyList<EnvelopeAddress> list) => list is [var first, ..] ? first.Mailbox ?? "" : "";

    /// <summary>RFC 5957 §3: the name of the first address, for want of one the address; of a group its name.</summary>
    static string Display(IReadOnlyList<EnvelopeAddress> list)
    {
        if (list is not [var first, ..]) return "";
        if (!first.IsMailbox) return first.Mailbox ?? "";
        return !string.IsNullOrWhiteSpace(first.Name) ? first.Name.Trim() : $"{first.Mailbox}@{first.Host}";
    }
}
