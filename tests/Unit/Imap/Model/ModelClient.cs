using System.Text.RegularExpressions;
using Shouldly;

namespace Posthorn.Tests.Unit.Imap.Model;

/// <summary>One client with its picture of INBOX: does something at random, and knows what must come of it.</summary>
sealed partial class ModelClient(MailRoom room, MailboxModel model, Random random, string enable)
{
    /// <summary>Beyond it a client cleans up, so that a mailbox stays one that can be compared often.</summary>
    const int Plenty = 40;

    static readonly string[] Flags = ["\\Seen", "\\Flagged", "\\Deleted", "\\Deleted", "Blue", "$Forwarded", "\\Answered"];

    ImapClient _client = null!;

    Picture _picture = new();

    bool QResync => enable == "QRESYNC";

    bool CondStore => enable is "QRESYNC" or "CONDSTORE";

    public async Task ConnectAsync()
    {
        _client = await room.LoginAsync(null);
        if (enable.Length > 0) await _client.ListAsync("ENABLE " + enable);
        await SelectAsync();
    }

    /// <summary>Selects INBOX; who may, goes on from what he knew when he was last in step (RFC 7162 §3.2.5).</summary>
    async Task SelectAsync()
    {
        if (QResync && _picture.ModSeq > 0 && random.Next(4) > 0)
        {
            // A message whose UID it never learnt came later than that, and so did all behind it: they are told of again.
            if (_picture.Messages.FindIndex(static m => m.Uid == 0) is >= 0 and var first) _picture.Messages.RemoveRange(first, _picture.Messages.Count - first);
            _picture.Resync(await ToldAsync($"SELECT INBOX (QRESYNC ({room.Mailbox("INBOX").UidValidity} {_picture.ModSeq}))"));
            return;
        }
        _picture = new Picture { QResync = QResync };
        _picture.Apply(await ToldAsync("SELECT INBOX"));
    }

    /// <summary>NOOP tells all; new messages are asked for, as a client does; then the picture is what the mailbox is.</summary>
    public async Task SyncAsync(string with = "NOOP")
    {
        _picture.Apply(await ToldAsync(with));
        await LookAsync();
        model.Check(room, _picture);
    }

    /// <summary>What a command that succeeds has told; nothing of it is kept for later.</summary>
    async Task<List<string>> ToldAsync(string command)
    {
        var told = await _client.ListAsync(command);
        _client.Untagged.Clear();
        return told;
    }

    async Task LookAsync()
    {
        if (_picture.Messages.FindIndex(static m => m.Uid == 0 || m.Flags == "?") is >= 0 and var first)
            _picture.Apply(await ToldAsync($"FETCH {first + 1}:* (UID FLAGS)"));
    }

    public async Task ActAsync(int step)
    {
        _client.Untagged.Clear();
        if (random.Next(4) > 0) await LookAsync();
        if (_picture.Messages.Count > Plenty && random.Next(2) == 0)
        {
            var old = _picture.Messages.Take(Plenty / 2).Select(static m => m.Uid).Where(static u => u != 0).ToList();
            await StoreAsync("UID ", Picked(old), old, '+', "\\Deleted", silent: true, since: false);
            await ExpungeAsync();
            _picture.Apply(_client.Untagged);
            return;
        }
        var (prefix, set, uids) = Choose();
        var flag = Flags[random.Next(Flags.Length)];
        switch (random.Next(24))
        {
            case 0 or 1: model.Add(await room.DeliverAsync($"Subject: {step}\r\n\r\nx\r\n"), ""); break;
            case 2: await AppendAsync(step, flag, 1); break;
            case 3: await AppendAsync(step, flag, 2 + random.Next(3)); break;
            case 4 or 5 or 6 or 7: await StoreAsync(prefix, set, uids, "+-="[random.Next(3)], flag, random.Next(2) == 0, CondStore && random.Next(2) == 0); break;
            case 8: await ExpungeAsync(); break;
            case 9: await UidExpungeAsync(uids); break;
            case 10: Answered(await _client.AskAsync($"{prefix}FETCH {set} (FLAGS BODY.PEEK[TEXT])")); break;
            case 11: Answered(await _client.AskAsync($"{prefix}FETCH {set} (BODY[TEXT])")); model.Store(uids, '+', "\\Seen"); break;
            case 12 or 13: await TransferAsync("COPY", prefix, set, uids); break;
            case 14 or 15: await TransferAsync("MOVE", prefix, set, uids); break;
            case 16: await ReplaceAsync(step, uids); break;
            case 17: await IdleAsync(step); break;
            case 18: await CloseAsync(); break;
            case 19: await BoxAsync(); break;
            case 20: await Pop3Async(); break;
            default: await SearchAsync(prefix, flag); break;
        }
        _picture.Apply(_client.Untagged);
    }

    /// <summary>Some messages, by number or by UID; by number only where it knows all of their UIDs, so that it knows what it does.</summary>
    (string Prefix, string Set, List<uint> Uids) Choose()
    {
        var known = _picture.Messages.Count(static m => m.Uid != 0);
        if (known == 0) return ("UID ", "1", [1]);
        if (random.Next(2) == 0)
        {
            var from = random.Next(_picture.Messages.Count);
            var some = _picture.Messages.Skip(from).Take(random.Next(4) + 1).Select(static m => m.Uid).ToList();
            if (!some.Contains(0)) return ("", $"{from + 1}:{from + some.Count}", some);
        }
        List<uint> uids = [.. Enumerable.Range(0, 3).Select(_ => _picture.Messages[random.Next(_picture.Messages.Count)].Uid).Where(static u => u != 0).Distinct().Order()];
        return uids.Count == 0 ? ("UID ", "1", [1]) : ("UID ", Picked(uids), uids);
    }

    static string Picked(List<uint> uids) => string.Join(',', uids);

    static void Answered(string reply) => (reply.StartsWith("OK", StringComparison.Ordinal) || reply.StartsWith("NO [EXPUNGEISSUED]", StringComparison.Ordinal)).ShouldBeTrue(reply);

    /// <summary>A message as APPEND and REPLACE take it, its literal not waited for (RFC 7888).</summary>
    static string Text(int step, string flag)
    {
        var message = $"Subject: {step}\r\n\r\ny\r\n";
        return $" ({flag}) {{{message.Length}+}}\r\n{message}";
    }

    async Task AppendAsync(int step, string flag, int count)
    {
        var reply = await _client.AskAsync("APPEND INBOX" + string.Concat(Enumerable.Range(0, count).Select(n => Text(step + n, flag))));
        reply.ShouldStartWith("OK [APPENDUID ");
        var uids = Picture.Numbers(AppendUid().Match(reply).Groups[1].Value);
        uids.Count.ShouldBe(count);
        foreach (var uid in uids) model.Add(uid, flag);
    }

    async Task ExpungeAsync()
    {
        (await _client.AskAsync("EXPUNGE")).ShouldStartWith("OK");
        model.Expunge(static _ => true);
    }

    async Task UidExpungeAsync(List<uint> uids)
    {
        (await _client.AskAsync($"UID EXPUNGE {Picked(uids)}")).ShouldStartWith("OK");
        model.Expunge(uids.Contains);
    }

    async Task TransferAsync(string verb, string prefix, string set, List<uint> uids)
    {
        var target = random.Next(2) == 0 ? "INBOX" : random.Next(8) == 0 ? "crate" : "box";
        var reply = await _client.AskAsync($"{prefix}{verb} {set} {target}");
        var there = uids.Where(model.Has).ToList();
        if (model.Foresees)
        {
            if (target != "INBOX" && target != model.Box)
            {
                reply.ShouldStartWith("NO [TRYCREATE]");
                return;
            }
            if (prefix.Length == 0 && there.Count < uids.Count)
            {
                reply.ShouldStartWith("NO [EXPUNGEISSUED]");
                return;
            }
        }
        else if (reply.StartsWith("NO [TRYCREATE]", StringComparison.Ordinal)) return;
        Answered(reply);
        if (!model.Foresees) return;
        var code = CopyUid().Match(verb == "MOVE" ? string.Join('\n', _client.Untagged) : reply);
        code.Success.ShouldBe(there.Count > 0, reply);
        if (there.Count == 0) return;
        Picture.Numbers(code.Groups[1].Value).ShouldBe(there);
        var flags = there.ConvertAll(uid => model[uid].Flags);
        if (verb == "MOVE") model.Remove(there);
        foreach (var (uid, kept) in Picture.Numbers(code.Groups[2].Value).Zip(flags))
            if (target == "INBOX") model.Add(uid, kept);
            else model.Put(uid);
    }

    async Task ReplaceAsync(int step, List<uint> uids)
    {
        if (uids.Count == 0) return;
        var reply = await _client.AskAsync($"UID REPLACE {uids[0]} INBOX{Text(step, "Blue")}");
        if (!reply.StartsWith("OK", StringComparison.Ordinal))
        {
            reply.ShouldStartWith("NO [EXPUNGEISSUED]");
            if (model.Foresees) model.Has(uids[0]).ShouldBeFalse(reply);
            return;
        }
        model.Remove([uids[0]]);
        model.Add(Picture.Numbers(AppendUid().Match(string.Join('\n', _client.Untagged)).Groups[1].Value)[0], "Blue");
    }

    /// <summary>What happens while it waits is told without a question.</summary>
    async Task IdleAsync(int step)
    {
        await _client.SendAsync("i IDLE\r\n");
        while (await _client.LineAsync() is var line && !line.StartsWith("+ ", StringComparison.Ordinal)) _client.Untagged.Add(line);
        model.Add(await room.DeliverAsync($"Subject: {step}\r\n\r\nidle\r\n"), "");
        await _client.SendAsync("DONE\r\n");
        (await _client.AnswerAsync("i")).ShouldStartWith("OK");
        if (!model.Foresees) return;
        _picture.Apply(_client.Untagged);
        _picture.Messages.Count.ShouldBe(model.Count);
    }

    async Task CloseAsync()
    {
        if (random.Next(2) == 0) (await _client.AskAsync("UNSELECT")).ShouldStartWith("OK");
        else
        {
            (await _client.AskAsync("CLOSE")).ShouldStartWith("OK");
            model.Expunge(static _ => true);
        }
        await SelectAsync();
    }

    /// <summary>Makes, renames or deletes the second mailbox.</summary>
    async Task BoxAsync()
    {
        if (!model.Foresees)
        {
            await _client.AskAsync(random.Next(3) switch { 0 => "CREATE box", 1 => "RENAME box crate", _ => "DELETE crate" });
            return;
        }
        if (model.Box is null) (await _client.AskAsync("CREATE " + (model.Box = "box"))).ShouldStartWith("OK");
        else if (random.Next(2) == 0)
        {
            var other = model.Box == "box" ? "crate" : "box";
            (await _client.AskAsync($"RENAME {model.Box} {other}")).ShouldStartWith("OK");
            model.Box = other;
        }
        else
        {
            (await _client.AskAsync("DELETE " + model.Box)).ShouldStartWith("OK");
            model.Box = null;
            model.Boxed.Clear();
        }
    }

    /// <summary>A POP3 session that ends: some of what it saw goes, flagged or not (as QUIT does it).</summary>
    async Task Pop3Async()
    {
        var inbox = room.Mailbox("INBOX").Id;
        uint[] gone = [.. room.Store.Read(unit => unit.Mailboxes.Maildrop(room.User, inbox)).Select(static e => e.Uid).Where(_ => random.Next(12) == 0)];
        await room.Store.WriteAsync(unit => unit.Mailboxes.Expunge(room.User, inbox, gone, "pop3"));
        model.Remove(gone);
    }

    /// <summary>The connection goes in the middle of a command, or before its answer.</summary>
    public async Task DropAsync()
    {
        var (_, _, uids) = Choose();
        var way = random.Next(4);
        switch (way)
        {
            case 0: await _client.SendAsync("d APPEND INBOX {1000+}\r\nSubject: half"); break;
            case 1: await _client.SendAsync($"d UID STORE {Picked(uids)} +FLAGS (\\Delet"); break;
            case 2: await _client.SendAsync($"d UID STORE {Picked(uids)} +FLAGS (\\Seen)\r\n"); break;
            default: await _client.SendAsync("d EXPUNGE\r\n"); break;
        }
        await LeaveAsync();
        if (way == 3) model.Either(room, () => model.Expunge(static _ => true));
        else model.Either(room, () => model.Store(uids, '+', "\\Seen"));
        await ConnectAsync();
    }

    public ValueTask LeaveAsync() => _client.DisposeAsync();

    [GeneratedRegex(@"\[APPENDUID \d+ ([\d:,]+)\]")]
    private static partial Regex AppendUid();

    [GeneratedRegex(@"\[COPYUID \d+ ([\d:,]+) ([\d:,]+)\]")]
    private static partial Regex CopyUid();
}
