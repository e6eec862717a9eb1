using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Views;

/// <summary>One message of a mailbox in memory: all that needs no look into the store. 40 octets; there may be a million.</summary>
struct Row
{
    const int KeywordShift = 12;

    internal uint Uid;
    uint _state; // flags below, the number of the keyword set above
    internal uint Size;
    uint _received, _saved; // seconds since 1970
    internal long ModSeq;
    internal long MessageId;

    internal readonly MessageFlags Flags => (MessageFlags)(_state & ((1u << KeywordShift) - 1));

    /// <summary>The number of its set of keywords; see <see cref="KeywordSets"/>.</summary>
    internal readonly int Keywords => (int)(_state >> KeywordShift);

    internal readonly DateTimeOffset Received => DateTimeOffset.FromUnixTimeSeconds(_received);

    internal readonly DateTimeOffset Saved => DateTimeOffset.FromUnixTimeSeconds(_saved);

    internal void SetState(MessageFlags flags, int keywords) => _state = (uint)flags | (uint)keywords << KeywordShift;

    internal static Row Of(in Placement place, KeywordSets keywords)
    {
        var row = new Row
        {
            Uid = place.Uid,
            ModSeq = place.ModSeq,
            MessageId = place.MessageId,
            Size = (uint)Math.Min(place.Size, uint.MaxValue),
            _received = Seconds(place.Received),
            _saved = Seconds(place.Saved),
        };
        row.SetState(place.Flags, keywords.NumberOf(place.Keywords));
        return row;
    }

    internal static Row Of(in Change change, PlaceState state, KeywordSets keywords) => Of(
        new Placement(change.Uid, change.MessageId, state.Flags, state.Keywords, change.Number, change.Number, state.Size, state.Received, state.Saved), keywords);

    /// <summary>A date before 1970 or past 2106 becomes the nearest one that there is room for.</summary>
    static uint Seconds(DateTimeOffset time) => (uint)Math.Clamp(time.ToUnixTimeSeconds(), 0, uint.MaxValue);
}
