using Posthorn.Storage.Messages;
using Shouldly;

namespace Posthorn.Tests.Unit.Imap.Model;

/// <summary>A message as the model knows it.</summary>
/// <param name="Flags">Sorted, as <see cref="Picture"/> writes them.</param>
/// <param name="Changed">The step of the model in which it came or last became different.</param>
readonly record struct ModelMessage(string Flags, long Changed);

/// <summary>
/// What INBOX and a second mailbox must hold, worked out from the commands and their answers alone, and the numbers the store
/// has given so far. Where sessions act at the same moment nobody can foresee the outcome: then it takes over what the store
/// has and keeps watch over the numbers only.
/// </summary>
sealed class MailboxModel(bool foresees)
{
    readonly Dictionary<uint, (long MessageId, long ModSeq)> _known = [];
    readonly Dictionary<string, (long Id, uint UidValidity)> _boxes = [];
    SortedDictionary<uint, ModelMessage> _inbox = [];
    long _highestModSeq;
    uint _uidValidity, _uidNext = 1;

    static readonly (MessageFlags Bit, string Name)[] Names =
    [
        (MessageFlags.Seen, "\\Seen"), (MessageFlags.Answered, "\\Answered"), (MessageFlags.Flagged, "\\Flagged"),
        (MessageFlags.Deleted, "\\Deleted"), (MessageFlags.Forwarded, "$Forwarded"),
    ];

    public bool Foresees => foresees;

    /// <summary>Grows with every change.</summary>
    public long Clock { get; private set; }

    /// <summary>What the second mailbox is called now; null while there is none.</summary>
    public string? Box { get; set; }

    /// <summary>The UIDs in the second mailbox.</summary>
    public SortedSet<uint> Boxed { get; } = [];

    public int Count => _inbox.Count;

    public bool Has(uint uid) => _inbox.ContainsKey(uid);

    public ModelMessage this[uint uid] => _inbox[uid];

    /// <summary>The UIDs of all that have a flag, or have it not, in ascending order.</summary>
    public List<uint> Having(string flag, bool wanted) => [.. _inbox.Where(m => m.Value.Flags.Split(' ').Contains(flag) == wanted).Select(m => m.Key)];

    public void Add(uint uid, string flags)
    {
        if (!foresees) return;
        if (_inbox.Count > 0) uid.ShouldBeGreaterThan(_inbox.Keys.Last());
        _inbox.Add(uid, new(flags, ++Clock));
    }

    public void Put(uint uid)
    {
        if (!foresees) return;
        if (Boxed.Count > 0) uid.ShouldBeGreaterThan(Boxed.Max);
        Boxed.Add(uid);
    }

    /// <summary>Changes flags; a message that changed after <paramref name="unchangedSince"/> stays as it is.</summary>
    public void Store(IEnumerable<uint> uids, char mode, string flag, long unchangedSince = long.MaxValue)
    {
        foreach (var uid in uids)
            if (_inbox.TryGetValue(uid, out var message) && message.Changed <= unchangedSince && Picture.With(message.Flags, mode, flag) is var flags && flags != message.Flags)
                _inbox[uid] = new(flags, ++Clock);
    }

    public void Remove(IEnumerable<uint> uids)
    {
        foreach (var uid in uids)
            if (_inbox.Remove(uid)) Clock++;
    }

    public void Expunge(Func<uint, bool> wanted) => Remove([.. _inbox.Where(m => m.Value.Flags.Contains("\\Deleted") && wanted(m.Key)).Select(m => m.Key)]);

    /// <summary>For a command whose answer nobody has seen: it happened whole or not at all.</summary>
    public void Either(MailRoom room, Action change)
    {
        var before = new SortedDictionary<uint, ModelMessage>(_inbox);
        change();
        if (!foresees || Same(InStore(room))) return;
        _inbox = before;
        Same(InStore(room)).ShouldBeTrue("a command that was cut off happened in part");
    }

    bool Same(IReadOnlyList<Placement> there) => there.Select(p => (p.Uid, FlagsOf(p))).SequenceEqual(_inbox.Select(m => (m.Key, m.Value.Flags)));

    static IReadOnlyList<Placement> InStore(MailRoom room) => room.Store.Read(unit => unit.Mailboxes.Placements(room.User, unit.Mailboxes.Find(room.User, "INBOX")!.Id));

    static string FlagsOf(Placement p) => Picture.Sorted(string.Join(' ', Names.Where(n => p.Flags.HasFlag(n.Bit)).Select(n => n.Name)) + " " + p.Keywords);

    /// <summary>Holds the store against the model and against the numbers it gave before, and the picture against both.</summary>
    public void Check(MailRoom room, Picture? picture)
    {
        var (inbox, there, box, boxed) = room.Store.Read(unit =>
        {
            var mailbox = unit.Mailboxes.Find(room.User, "INBOX")!;
            var second = unit.Mailboxes.List(room.User).FirstOrDefault(m => m.Name is "box" or "crate");
            return (mailbox, unit.Mailboxes.Placements(room.User, mailbox.Id), second, second is null ? [] : unit.Mailboxes.Placements(room.User, second.Id));
        });
        if (foresees)
        {
            there.Select(p => (p.Uid, FlagsOf(p))).ShouldBe(_inbox.Select(m => (m.Key, m.Value.Flags)));
            box?.Name.ShouldBe(Box);
            boxed.Select(p => p.Uid).ShouldBe(Boxed);
        }
        Numbers(inbox, there);
        if (box is not null) BoxNumbers(box);
        if (picture is null) return;
        picture.Messages.ShouldBe(there.Select(p => (p.Uid, FlagsOf(p))).ToList());
        (picture.ModSeq, picture.SyncedAt) = (inbox.HighestModSeq, Clock);
        picture.Told.Clear();
    }

    /// <summary>Promise 21: a UID is one message for ever, a change number one change; neither goes back nor comes again.</summary>
    void Numbers(Mailbox inbox, IReadOnlyList<Placement> there)
    {
        if (_uidValidity == 0) _uidValidity = inbox.UidValidity;
        inbox.UidValidity.ShouldBe(_uidValidity);
        inbox.UidNext.ShouldBeGreaterThanOrEqualTo(_uidNext);
        inbox.HighestModSeq.ShouldBeGreaterThanOrEqualTo(_highestModSeq);
        foreach (var place in there)
        {
            if (_known.TryGetValue(place.Uid, out var known))
            {
                place.MessageId.ShouldBe(known.MessageId);
                if (place.ModSeq != known.ModSeq) place.ModSeq.ShouldBeGreaterThan(_highestModSeq);
            }
            else
            {
                place.Uid.ShouldBeGreaterThanOrEqualTo(_uidNext);
                place.ModSeq.ShouldBeGreaterThan(_highestModSeq);
            }
            place.Uid.ShouldBeLessThan(inbox.UidNext);
            place.ModSeq.ShouldBeLessThanOrEqualTo(inbox.HighestModSeq);
            _known[place.Uid] = (place.MessageId, place.ModSeq);
        }
        there.Select(p => p.ModSeq).ShouldBeUnique();
        (_uidNext, _highestModSeq) = (inbox.UidNext, inbox.HighestModSeq);
    }

    /// <summary>A mailbox of a name that was there before, and is another now, says so (RFC 9051 §2.3.1.1).</summary>
    void BoxNumbers(Mailbox box)
    {
        if (_boxes.TryGetValue(box.Name, out var before) && before.Id != box.Id) box.UidValidity.ShouldBeGreaterThan(before.UidValidity);
        _boxes[box.Name] = (box.Id, box.UidValidity);
    }
}
