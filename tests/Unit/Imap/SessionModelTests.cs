using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>
/// Sessions on one mailbox do things at random, each in turn. Each client keeps its picture only by what it is told; whenever
/// it asks by NOOP, the picture is the mailbox (promise 21).
/// </summary>
public partial class SessionModelTests
{
    const int Sessions = 5, Steps = 1500;

    /// <summary>What one client believes.</summary>
    sealed class Picture
    {
        public List<(uint Uid, string Flags)> Messages { get; } = [];
        public bool QResync { get; init; }
        public long HighestModSeq { get; set; }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Every_picture_is_the_mailbox_at_every_sync_point(int seed)
    {
        var random = new Random(seed);
        await using var room = await MailRoom.OpenAsync();
        var clients = new List<(ImapClient Client, Picture Picture)>();
        for (var i = 0; i < Sessions; i++)
        {
            var picture = new Picture { QResync = i % 2 == 1 };
            var client = await room.LoginAsync(null);
            if (picture.QResync) await client.ListAsync("ENABLE QRESYNC");
            if (i == 0) await client.ListAsync("CREATE box");
            await client.ListAsync("SELECT INBOX");
            clients.Add((client, picture));
        }
        var everUsed = new HashSet<uint>();
        for (var step = 0; step < Steps; step++)
        {
            var (client, picture) = clients[random.Next(clients.Count)];
            await OperateAsync(room, client, picture, random, step);
            if (step % 7 == 0) await CheckAsync(room, client, picture, everUsed);
        }
        foreach (var (client, picture) in clients)
        {
            await CheckAsync(room, client, picture, everUsed);
            await client.DisposeAsync();
        }
    }

    static async Task OperateAsync(MailRoom room, ImapClient client, Picture picture, Random random, int step)
    {
        client.Untagged.Clear();
        var count = picture.Messages.Count;
        var set = count == 0 ? "1:*" : Set(random, count);
        uint[] some = count == 0 ? [] : [.. Enumerable.Range(0, 3).Select(_ => picture.Messages[random.Next(count)].Uid).Where(u => u != 0)];
        var uids = string.Join(',', some);
        var byUid = some.Length > 0 && random.Next(2) == 0;
        var (prefix, which) = byUid ? ("UID ", uids) : ("", set);
        string[] flags = ["\\Seen", "\\Flagged", "\\Deleted", "Blue", "$Forwarded", "\\Answered"];
        var flag = flags[random.Next(flags.Length)];
        switch (random.Next(13))
        {
            case 0 or 1 or 2:
                await room.DeliverAsync($"Subject: {step}\r\n\r\nx\r\n");
                return;
            case 3:
                (await client.AppendAsync("INBOX", $"Subject: a{step}\r\n\r\ny\r\n", $"({flag}) ")).ShouldStartWith("OK");
                break;
            case 4 or 5:
                Answered(await client.AskAsync($"{prefix}STORE {which} {"+-"[random.Next(2)]}FLAGS ({flag})"));
                break;
            case 6:
                Answered(await client.AskAsync($"{prefix}STORE {which} FLAGS.SILENT ({flag})"));
                // Silent: what the client asked for is what it believes, where the message was still there.
                Apply(picture, client.Untagged);
                await client.AskAsync($"{prefix}FETCH {which} (FLAGS)");
                break;
            case 7:
                (await client.AskAsync("EXPUNGE")).ShouldStartWith("OK");
                break;
            case 8:
                Answered(await client.AskAsync($"{prefix}FETCH {which} (FLAGS BODY.PEEK[TEXT])"));
                break;
            case 9:
                Answered(await client.AskAsync($"{prefix}FETCH {which} (BODY[TEXT])"));
                break;
            case 10:
                Answered(await client.AskAsync($"{prefix}COPY {which} {(random.Next(2) == 0 ? "box" : "INBOX")}"));
                break;
            case 11:
                Answered(await client.AskAsync($"{prefix}MOVE {which} {(random.Next(3) == 0 ? "INBOX" : "box")}"));
                break;
            default:
                Answered(await client.AskAsync($"{prefix}SEARCH UNSEEN"));
                break;
        }
        Apply(picture, client.Untagged);
    }

    static void Answered(string reply) => (reply.StartsWith("OK", StringComparison.Ordinal) || reply.StartsWith("NO [EXPUNGEISSUED]", StringComparison.Ordinal)).ShouldBeTrue(reply);

    static string Set(Random random, int count)
    {
        var first = random.Next(count) + 1;
        return random.Next(3) == 0 ? $"{first}" : $"{first}:{Math.Min(count, first + random.Next(4))}";
    }

    /// <summary>Takes responses as a client does: in their order, numbers meaning what they mean at that moment.</summary>
    static void Apply(Picture picture, List<string> responses)
    {
        foreach (var line in responses)
        {
            if (Number().Match(line) is { Success: true } m)
            {
                var n = int.Parse(m.Groups[1].Value);
                switch (m.Groups[2].Value)
                {
                    case "EXISTS":
                        n.ShouldBeGreaterThanOrEqualTo(picture.Messages.Count, line);
                        while (picture.Messages.Count < n) picture.Messages.Add((0, "?"));
                        break;
                    case "EXPUNGE":
                        picture.QResync.ShouldBeFalse(line);
                        picture.Messages.RemoveAt(n - 1);
                        break;
                    case "FETCH":
                        Fetch(picture, n, line);
                        break;
                }
            }
            else if (line.StartsWith("* VANISHED ", StringComparison.Ordinal))
            {
                picture.QResync.ShouldBeTrue(line);
                foreach (var range in line["* VANISHED ".Length..].Split(','))
                {
                    var ends = range.Split(':').Select(uint.Parse).ToArray();
                    for (var uid = ends[0]; uid <= ends[^1]; uid++)
                        if (picture.Messages.FindIndex(p => p.Uid == uid) is >= 0 and var at) picture.Messages.RemoveAt(at);
                        // One that was told by EXISTS alone: it stands somewhere behind the last lower UID that is known.
                        else picture.Messages.RemoveAt(picture.Messages.FindIndex(picture.Messages.FindLastIndex(p => p.Uid != 0 && p.Uid < uid) + 1, static p => p.Uid == 0));
                }
            }
        }
        responses.Clear();
    }

    static void Fetch(Picture picture, int n, string line)
    {
        var known = picture.Messages[n - 1];
        if (Uid().Match(line) is { Success: true } u)
        {
            var uid = uint.Parse(u.Groups[1].Value);
            if (known.Uid != 0) uid.ShouldBe(known.Uid, line);
            known.Uid = uid;
        }
        if (Flags().Match(line) is { Success: true } f) known.Flags = Sorted(f.Groups[1].Value);
        picture.Messages[n - 1] = known;
    }

    static string Sorted(string flags) => string.Join(' ', flags.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(x => x != "\\Recent").Order(StringComparer.Ordinal));

    /// <summary>NOOP tells all; new messages are asked for, as a client does; then the picture is what the store has.</summary>
    static async Task CheckAsync(MailRoom room, ImapClient client, Picture picture, HashSet<uint> everUsed)
    {
        Apply(picture, await client.ListAsync("NOOP"));
        if (picture.Messages.FindIndex(m => m.Uid == 0 || m.Flags == "?") is >= 0 and var first)
            Apply(picture, await client.ListAsync($"FETCH {first + 1}:* (UID FLAGS)"));
        var names = new (Posthorn.Storage.Messages.MessageFlags Bit, string Name)[]
        {
            (Posthorn.Storage.Messages.MessageFlags.Seen, "\\Seen"), (Posthorn.Storage.Messages.MessageFlags.Answered, "\\Answered"), (Posthorn.Storage.Messages.MessageFlags.Flagged, "\\Flagged"),
            (Posthorn.Storage.Messages.MessageFlags.Deleted, "\\Deleted"), (Posthorn.Storage.Messages.MessageFlags.Forwarded, "$Forwarded"),
        };
        var inbox = room.Mailbox("INBOX");
        var there = room.Store.Read(unit => unit.Mailboxes.Placements(room.User, inbox.Id))
            .Select(p => (p.Uid, Sorted(string.Join(' ', names.Where(n => p.Flags.HasFlag(n.Bit)).Select(n => n.Name)) + " " + p.Keywords))).ToList();
        picture.Messages.ShouldBe(there);
        foreach (var (uid, _) in there) everUsed.Add(uid);
        inbox.HighestModSeq.ShouldBeGreaterThanOrEqualTo(picture.HighestModSeq);
        picture.HighestModSeq = inbox.HighestModSeq;
        if (everUsed.Count > 0) inbox.UidNext.ShouldBeGreaterThan(everUsed.Max());
    }

    [GeneratedRegex(@"^\* (\d+) (EXISTS|EXPUNGE|FETCH)")]
    private static partial Regex Number();

    [GeneratedRegex(@"[( ]UID (\d+)")]
    private static partial Regex Uid();

    [GeneratedRegex(@"FLAGS \(([^)]*)\)")]
    private static partial Regex Flags();
}
