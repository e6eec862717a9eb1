using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

/// <summary>
/// The spike of "one change counter per account": random operations against a model, in which clients that were last here at
/// some number come back and must learn exactly what changed, each in the words of its protocol.
/// </summary>
public abstract class ChangeCounterSuite : StoreSuite
{
    private protected abstract int Operations { get; }

    /// <summary>A mailbox as the model knows it: UID → (message, flags).</summary>
    sealed record Box(long Id, uint UidValidity)
    {
        public SortedDictionary<uint, (long Message, MessageFlags Flags)> Places { get; init; } = [];
        public uint UidNext { get; set; } = 1;
        public Box Copy() => this with { Places = new(Places) };
    }

    /// <summary>What a client remembers: the number and the state of everything then.</summary>
    sealed record Memory(long Number, Dictionary<long, Box> Boxes);

    sealed class Model
    {
        public Dictionary<long, Box> Boxes { get; } = [];
        public List<Memory> Memories { get; } = [];
        public HashSet<(long, uint)> EverUsed { get; } = [];
        public HashSet<uint> UidValidities { get; } = [];

        public void Flag(Box where, uint at, MessageFlags flags)
        {
            var message = where.Places[at].Message;
            foreach (var box in Boxes.Values)
                foreach (var (uid, place) in box.Places.Where(p => p.Value.Message == message).ToList())
                    // \Deleted is about the one place.
                    box.Places[uid] = (place.Message, (box, uid) == (where, at) ? flags : flags & ~MessageFlags.Deleted | place.Flags & MessageFlags.Deleted);
        }

        public void Add(long box, Filed filed, MessageFlags flags)
        {
            filed.Uid.ShouldBe(Boxes[box].UidNext++);
            EverUsed.Add((box, filed.Uid)).ShouldBeTrue();
            Boxes[box].Places.Add(filed.Uid, (filed.MessageId, flags));
        }
    }

    [Fact]
    public async Task One_counter_serves_condstore_qresync_notify_uidonly_and_jmap()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var random = new Random(20260102);
        var model = new Model();
        model.Boxes.Add(inbox, new(inbox, rig.Mailbox(alice, inbox).UidValidity));
        var heard = new List<Change>();
        using var watcher = rig.Store.Changes.Subscribe(alice, heard.AddRange);
        for (var step = 0; step < Operations; step++)
        {
            if (step % 10 == 0)
                Remember(rig, alice, model);
            await OperateAsync(rig, alice, model, random, step);
            if (step % 25 == 24)
                foreach (var memory in model.Memories.TakeLast(12))
                    ComeBack(rig, alice, model, memory);
        }
        // NOTIFY: the typed events heard are the log itself, in order, every one once.
        heard.ShouldBe(rig.Store.Read(u => u.Mailboxes.ChangesSince(alice, model.Memories[0].Number)));
        heard.Select(c => c.Number).ShouldBe(Enumerable.Range((int)heard[0].Number, heard.Count).Select(n => (long)n));
    }

    static void Remember(StoreRig rig, long alice, Model model) =>
        model.Memories.Add(new(rig.Store.Read(u => u.Mailboxes.State(alice)), model.Boxes.ToDictionary(b => b.Key, b => b.Value.Copy())));

    static async Task OperateAsync(StoreRig rig, long alice, Model model, Random random, int step)
    {
        var boxes = model.Boxes.Values.ToList();
        var box = boxes[random.Next(boxes.Count)];
        var other = boxes[random.Next(boxes.Count)];
        uint[] some = [.. box.Places.Keys.Where(_ => random.Next(3) == 0).Take(5)];
        switch (random.Next(12))
        {
            case 0 when boxes.Count < 6:
                var made = await rig.Store.WriteAsync(u => u.Mailboxes.Create(alice, "box" + random.Next(8) + "/" + step));
                model.UidValidities.Add(made.UidValidity).ShouldBeTrue();
                model.Boxes.Add(made.Id, new(made.Id, made.UidValidity));
                break;
            case 1 when boxes.Count > 4 && rig.Mailbox(alice, box.Id).Role != MailboxRole.Inbox:
                await rig.Store.WriteAsync(u => { u.Mailboxes.DeleteMailbox(alice, box.Id, "imap"); return 0; });
                model.Boxes.Remove(box.Id);
                break;
            case 2 or 3:
                await rig.Store.WriteAsync(u => u.Mailboxes.Expunge(alice, box.Id, some, "imap"));
                foreach (var uid in some)
                    box.Places.Remove(uid);
                break;
            case 4 or 5:
                var add = (MessageFlags)random.Next(16);
                var remove = (MessageFlags)random.Next(16);
                await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, box.Id, some, add, remove));
                foreach (var uid in some)
                    model.Flag(box, uid, box.Places[uid].Flags & ~remove | add);
                break;
            case 6:
                foreach (var done in await rig.Store.WriteAsync(u => u.Mailboxes.Copy(alice, box.Id, other.Id, some)))
                    model.Add(other.Id, done.To, box.Places[done.From].Flags);
                break;
            case 7:
                foreach (var done in await rig.Store.WriteAsync(u => u.Mailboxes.Move(alice, box.Id, other.Id, some, "imap")))
                {
                    model.Add(other.Id, done.To, box.Places[done.From].Flags);
                    box.Places.Remove(done.From);
                }
                break;
            default:
                model.Add(box.Id, await rig.DeliverAsync(alice, box.Id, "body " + random.Next(40)), MessageFlags.None);
                break;
        }
    }

    static void ComeBack(StoreRig rig, long alice, Model model, Memory memory) => rig.Store.Read(u =>
    {
        foreach (var now in model.Boxes.Values.Where(b => memory.Boxes.ContainsKey(b.Id)))
            Resynchronize(u.Mailboxes, alice, memory.Boxes[now.Id], now, memory.Number);
        Emails(u.Mailboxes, alice, model, memory);
        var mailboxes = u.Mailboxes.MailboxChangesSince(alice, memory.Number);
        mailboxes.Created.ShouldBe(model.Boxes.Keys.Except(memory.Boxes.Keys).Order());
        mailboxes.Destroyed.ShouldBe(memory.Boxes.Keys.Except(model.Boxes.Keys).Order());
        mailboxes.Updated.ShouldBeSubsetOf(model.Boxes.Keys.Intersect(memory.Boxes.Keys));
        return 0;
    });

    /// <summary>RFC 7162 §3.2.5: what a client of QRESYNC gets, by UIDs only (RFC 9586), makes its old picture the new one.</summary>
    static void Resynchronize(MailboxTables tables, long alice, Box old, Box now, long number)
    {
        var picture = new SortedDictionary<uint, (long, MessageFlags)>(old.Places);
        foreach (var uid in tables.VanishedSince(alice, now.Id, number))
            picture.Remove(uid);
        foreach (var place in tables.Placements(alice, now.Id))
            if (place.ModSeq > number)
                picture[place.Uid] = (place.MessageId, place.Flags);
        picture.ShouldBe(now.Places);
        var row = tables.Get(alice, now.Id)!;
        (row.UidNext, row.UidValidity, row.Messages).ShouldBe((now.UidNext, now.UidValidity, now.Places.Count));
        row.Unseen.ShouldBe(now.Places.Values.Count(p => !p.Flags.HasFlag(MessageFlags.Seen)));
        // CONDSTORE: nothing changed in the mailbox exactly when its HIGHESTMODSEQ did not pass the client's.
        if (row.HighestModSeq <= number)
            now.Places.ShouldBe(old.Places);
    }

    /// <summary>RFC 8620 §5.2: created, updated and destroyed take the old set of ids to the new one, each id in one list only.</summary>
    static void Emails(MailboxTables tables, long alice, Model model, Memory memory)
    {
        var changes = tables.EmailChangesSince(alice, memory.Number);
        var old = Emails(memory.Boxes);
        var now = Emails(model.Boxes);
        changes.Created.ShouldBe(now.Keys.Except(old.Keys).Order());
        changes.Destroyed.ShouldBe(old.Keys.Except(now.Keys).Order());
        // Whatever differs is told; a message that went to and fro may be told too.
        now.Keys.Intersect(old.Keys).Where(id => now[id] != old[id]).ShouldBeSubsetOf(changes.Updated);
        changes.Updated.ShouldBeSubsetOf(now.Keys.Intersect(old.Keys));
        changes.State.ShouldBe(tables.State(alice));
    }

    /// <summary>A message as JMAP sees it: its mailboxes and its keywords.</summary>
    static Dictionary<long, string> Emails(Dictionary<long, Box> boxes) => boxes.Values
        .SelectMany(b => b.Places.Values.Select(p => (p.Message, p.Flags, b.Id)))
        .GroupBy(p => p.Message)
        .ToDictionary(g => g.Key, g => string.Join(',', g.Select(p => p.Id).Order()) + g.Select(p => p.Flags & ~MessageFlags.Deleted).Distinct().Single());
}
