using System.Globalization;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Search;
using Posthorn.Search.Reading;
using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Shouldly;

namespace Posthorn.Tests.Unit.Search;

/// <summary>Every key by looking at everything of every message, with no short cut.</summary>
sealed class ScanOracle(MailStore store, long account, long mailbox)
{
    readonly List<(Placement Place, SearchContent Content)> _messages = [];

    internal int Count => _messages.Count;

    /// <summary>Reads what has come since the last time.</summary>
    internal void Read()
    {
        var places = new List<Placement>();
        store.Read(unit =>
        {
            unit.Places.Scan(mailbox, 1, (in Placement place) => places.Add(place));
            return 0;
        });
        foreach (var place in places.Skip(_messages.Count))
        {
            var source = new MessageSource(store, store.Read(unit => unit.Mailboxes.Load(account, [place.MessageId]))[0]);
            var content = new SearchContent(source);
            foreach (var text in content.All) text.ShouldNotBeNull();
            _ = content.Fields;
            source.Dispose();
            _messages.Add((place, content));
        }
    }

    internal SearchContent Content(int index) => _messages[index].Content;

    internal Placement Place(int index) => _messages[index].Place;

    /// <summary>Message numbers from 1.</summary>
    internal List<int> Search(SearchKey key, DateTimeOffset now) => [.. Enumerable.Range(0, Count).Where(i => Fits(key, i, now)).Select(i => i + 1)];

    bool Fits(SearchKey key, int index, DateTimeOffset now)
    {
        var (place, content) = _messages[index];
        return key switch
        {
            SearchKey.All or SearchKey.SaveDateSupported or SearchKey.Recent => true,
            SearchKey.And and => and.Keys.All(k => Fits(k, index, now)),
            SearchKey.Or or => Fits(or.Left, index, now) || Fits(or.Right, index, now),
            SearchKey.Not not => !Fits(not.Key, index, now),
            SearchKey.Fuzzy fuzzy => Fits(fuzzy.Key, index, now),
            SearchKey.Flag flag => place.Flags.HasFlag(flag.Bit),
            SearchKey.Keyword keyword => (place.Keywords ?? "").Split(' ').Contains(keyword.Name, StringComparer.OrdinalIgnoreCase),
            SearchKey.Larger larger => place.Size > larger.Octets,
            SearchKey.Smaller smaller => place.Size < smaller.Octets,
            SearchKey.Within within => (now - place.Received).TotalSeconds <= within.Seconds == within.Younger,
            SearchKey.Numbers numbers => SequenceSet.Contains(numbers.Set.Resolve((uint)Count), (uint)index + 1),
            SearchKey.Uids uids => SequenceSet.Contains(uids.Set.Resolve(_messages[^1].Place.Uid), place.Uid),
            SearchKey.UidAfter after => place.Uid > after.Uid,
            SearchKey.UidBefore before => place.Uid < before.Uid,
            SearchKey.ModSeq modSeq => place.ModSeq >= modSeq.Least,
            SearchKey.EmailId email => email.Id == "M" + place.MessageId.ToString(CultureInfo.InvariantCulture),
            SearchKey.ThreadId => false,
            SearchKey.Date date => Day(date.Which, place, content) is { } day && date.When switch { SearchWhen.Before => day < date.Day, SearchWhen.On => day == date.Day, _ => day >= date.Day },
            SearchKey.Field field => Has(content.Field(Enum.Parse<EnvelopeField>(field.Which.ToString())), field.Value),
            SearchKey.Header header => content.Fields.Any(f => string.Equals(f.Name, header.Name, StringComparison.OrdinalIgnoreCase) && Has(f.Value, header.Value)),
            SearchKey.Body body => Has(content.Body, body.Value),
            SearchKey.Text text => Has(content.Header, text.Value) || Has(content.Body, text.Value),
            _ => throw new ArgumentException(key.ToString()),
        };
    }

    static DateOnly? Day(SearchDate which, Placement place, SearchContent content) => which switch
    {
        SearchDate.Internal => DateOnly.FromDateTime(place.Received.UtcDateTime),
        SearchDate.Saved => DateOnly.FromDateTime(place.Saved.UtcDateTime),
        _ => SentDate.TryDay(content.Envelope.Date, out var day) ? day : null,
    };

    static bool Has(string text, string value) => text.Contains(CaseMap.Fold(value), StringComparison.Ordinal);
}
