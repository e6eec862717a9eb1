using System.Globalization;
using Posthorn.Imap.Extensions.Fuzzy;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Imap.Views;
using Posthorn.Search;

namespace Posthorn.Imap.Search;

/// <summary>
/// Whether a message is what is searched for: true, false, or null while only its text could tell.
/// </summary>
/// <param name="index">In the snapshot that the program was made for.</param>
/// <param name="content">The message's text; null to decide as far as can be without it.</param>
delegate bool? SearchTest(int index, SearchContent? content);

/// <summary>
/// A search key made ready for one mailbox (RFC 9051 §6.4.4): sets resolved, words folded. What the view knows decides first;
/// the text of a message is read only where that leaves it open.
/// </summary>
sealed class SearchProgram
{
    /// <summary>Texts that the index is asked for, since what it finds of each is held; beyond them messages are read.</summary>
    const int MostNarrowed = 50;

    readonly SelectedMailbox _selected;
    readonly Snapshot _shown;
    readonly DateTimeOffset _now;
    readonly SearchIndex? _index;
    HashSet<uint>? _saved;
    int _narrowed;

    /// <param name="index">Says of messages that they need not be read; null to read them all.</param>
    internal SearchProgram(SelectedMailbox selected, DateTimeOffset now, SearchKey key, SearchIndex? index)
    {
        (_selected, _shown, _now, _index) = (selected, selected.Shown, now, index);
        Test = Compile(key);
    }

    internal SearchTest Test { get; }

    SearchTest Compile(SearchKey key)
    {
        switch (key)
        {
            case SearchKey.All or SearchKey.SaveDateSupported:
                return static (_, _) => true;
            case SearchKey.And and:
                return All([.. and.Keys.Select(Compile)]);
            case SearchKey.Or or:
                var (left, right) = (Compile(or.Left), Compile(or.Right));
                return (i, c) => left(i, c) is var l && l == true ? true : right(i, c) is var r && r == true ? true : l is null || r is null ? null : false;
            case SearchKey.Not not:
                var inner = Compile(not.Key);
                return (i, c) => !inner(i, c);
            case SearchKey.Fuzzy fuzzy:
                return Compile(Relevancy.Loose(fuzzy.Key));
            case SearchKey.Flag flag:
                return (i, _) => (_shown[i].Flags & flag.Bit) != 0;
            case SearchKey.Keyword keyword:
                return (i, _) => _shown.Keywords.Has(_shown[i].Keywords, keyword.Name);
            case SearchKey.Recent:
                return (i, _) => _selected.IsRecent(_shown[i].Uid);
            case SearchKey.Larger larger:
                return (i, _) => _shown[i].Size > larger.Octets;
            case SearchKey.Smaller smaller:
                return (i, _) => _shown[i].Size < smaller.Octets;
            case SearchKey.Within within:
                return (i, _) => (_now - _shown[i].Received).TotalSeconds <= within.Seconds == within.Younger;
            case SearchKey.Numbers numbers:
                return Set(numbers.Set, byUid: false);
            case SearchKey.Uids uids:
                return Set(uids.Set, byUid: true);
            case SearchKey.UidAfter after:
                return (i, _) => _shown[i].Uid > after.Uid;
            case SearchKey.UidBefore before:
                return (i, _) => _shown[i].Uid < before.Uid;
            case SearchKey.ModSeq modSeq:
                return (i, _) => _shown[i].ModSeq >= modSeq.Least;
            case SearchKey.EmailId email:
                return (i, _) => string.Create(CultureInfo.InvariantCulture, $"M{_shown[i].MessageId}") == email.Id;
            case SearchKey.ThreadId thread:
                var members = ThreadIds.Messages(_selected.Store, _selected.AccountId, thread.Id);
                return (i, _) => members.Contains(_shown[i].MessageId);
            case SearchKey.Date date:
                return Date(date);
            default:
                return Content(key);
        }
    }

    static SearchTest All(SearchTest[] tests) => (i, c) =>
    {
        bool? all = true;
        foreach (var test in tests)
        {
            var one = test(i, c);
            if (one == false) return false;
            if (one is null) all = null;
        }
        return all;
    };

    SearchTest Set(SequenceSet set, bool byUid)
    {
        if (set.IsSaved)
        {
            var saved = _saved ??= _selected.Saved.ToHashSet();
            return (i, _) => saved.Contains(_shown[i].Uid);
        }
        var ranges = set.Resolve(byUid ? _shown.LastUid : (uint)_shown.Count);
        return byUid ? (i, _) => SequenceSet.Contains(ranges, _shown[i].Uid) : (i, _) => SequenceSet.Contains(ranges, (uint)i + 1);
    }

    SearchTest Date(SearchKey.Date date) => date.Which switch
    {
        // The server's zone is UTC: INTERNALDATE is shown so.
        SearchDate.Internal => (i, _) => Fits(DateOnly.FromDateTime(_shown[i].Received.UtcDateTime), date),
        SearchDate.Saved => (i, _) => Fits(DateOnly.FromDateTime(_shown[i].Saved.UtcDateTime), date),
        _ => (_, c) => c is null ? null : SentDate.TryDay(c.Envelope.Date, out var day) && Fits(day, date),
    };

    static bool Fits(DateOnly day, SearchKey.Date date) => date.When switch
    {
        SearchWhen.Before => day < date.Day,
        SearchWhen.On => day == date.Day,
        _ => day >= date.Day,
    };

    SearchTest Content(SearchKey key)
    {
        Func<SearchContent, bool> test;
        string[] words;
        switch (key)
        {
            case SearchKey.Field field:
                var wanted = CaseMap.Fold(field.Value);
                words = [wanted];
                test = content => content.Field(Which(field.Which)).Contains(wanted, StringComparison.Ordinal);
                break;
            case SearchKey.Header header:
                var value = CaseMap.Fold(header.Value);
                words = [header.Name.ToUpperInvariant() + ":", value];
                test = content => content.Fields.Exists(f => f.Name.Equals(header.Name, StringComparison.OrdinalIgnoreCase) && f.Value.Contains(value, StringComparison.Ordinal));
                break;
            case SearchKey.Body body:
                var inBody = CaseMap.Fold(body.Value);
                words = [inBody];
                test = content => content.Body.Contains(inBody, StringComparison.Ordinal);
                break;
            case SearchKey.Text text:
                var anywhere = CaseMap.Fold(text.Value);
                words = [anywhere];
                test = content => content.Header.Contains(anywhere, StringComparison.Ordinal) || content.Body.Contains(anywhere, StringComparison.Ordinal);
                break;
            default: // FILTER is refused before
                return static (_, _) => false;
        }
        // The index is asked when the first message gets here that it may spare the reading of.
        var narrowed = new Lazy<Narrowed?>(() => ++_narrowed > MostNarrowed ? null : _index?.Find(_selected.AccountId, words), LazyThreadSafetyMode.None);
        return (i, content) => narrowed.Value is { } some && !some.MayFit(_shown[i].MessageId) ? false : content is null ? null : test(content);
    }

    static EnvelopeField Which(SearchField field) => field switch
    {
        SearchField.Subject => EnvelopeField.Subject,
        SearchField.From => EnvelopeField.From,
        SearchField.To => EnvelopeField.To,
        SearchField.Cc => EnvelopeField.Cc,
        _ => EnvelopeField.Bcc,
    };
}
