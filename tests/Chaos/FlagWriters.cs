using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Chaos;

/// <summary>What a mailbox held when it was looked at.</summary>
sealed record ImapState(uint UidValidity, uint UidNext, long HighestModSeq, IReadOnlyDictionary<uint, (string Id, string Flags, long ModSeq)> Messages);

/// <summary>
/// IMAP clients on one INBOX, each with messages of its own in it: what they were told is what must be there after a kill. The
/// answer that a kill swallowed leaves one command open; of that one either is right.
/// </summary>
sealed partial class FlagWriters(int port, string user)
{
    static readonly string[] Flags = ["\\Seen", "\\Flagged", "\\Answered", "Blue"];

    readonly ConcurrentDictionary<uint, string> _gone = [];
    int _acknowledged, _serial;

    /// <summary>What was acknowledged: the id of a message and its flags, sorted.</summary>
    public ConcurrentDictionary<uint, (string Id, string Flags)> There { get; } = [];

    /// <summary>Where a command was under way: the flags that it would have led to, null for none because it is gone.</summary>
    public ConcurrentDictionary<uint, string?> Open { get; } = [];

    /// <summary>UIDs that were acknowledged as removed, with the id of what they were.</summary>
    public IReadOnlyDictionary<uint, string> Gone => _gone;

    /// <summary>Change numbers and UIDs were told up to here.</summary>
    public long HighestTold;

    public int Acknowledged => _acknowledged;

    /// <summary>Changes its messages at random until the server is gone or the token says so.</summary>
    public async Task RunAsync(int number, IReadOnlyList<uint> own, Random random, CancellationToken stop)
    {
        var mine = own.ToList();
        try
        {
            await using var line = await LoginAsync(stop);
            while (!stop.IsCancellationRequested) await ActAsync(line, number, mine, random, stop);
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException or OperationCanceledException) { }
    }

    async Task ActAsync(LineClient line, int number, List<uint> mine, Random random, CancellationToken ct)
    {
        var what = mine.Count < 5 ? 0 : random.Next(10);
        if (what < 2)
        {
            var id = $"w{number}-{Interlocked.Increment(ref _serial)}";
            var body = $"Subject: {id}\r\n\r\nx\r\n";
            var reply = await AskAsync(line, $"APPEND INBOX (Blue) {{{body.Length}+}}\r\n{body}", ct);
            var uid = uint.Parse(AppendUid().Match(reply).Groups[1].Value);
            if (!There.TryAdd(uid, (id, "Blue")) || _gone.ContainsKey(uid)) throw new InvalidOperationException($"UID {uid} was given twice");
            mine.Add(uid);
            return;
        }
        var at = mine[random.Next(mine.Count)];
        var (name, flags) = There[at];
        if (what == 2)
        {
            // Marked and removed: after the mark has its answer, only the removal is open.
            await StoreAsync(line, at, name, With(flags, true, "\\Deleted"), "+FLAGS.SILENT (\\Deleted)", ct);
            Open[at] = null;
            await AskAsync(line, $"UID EXPUNGE {at}", ct);
            _gone[at] = name;
            There.TryRemove(at, out _);
            Open.TryRemove(at, out _);
            mine.Remove(at);
            return;
        }
        var add = random.Next(2) == 0;
        var flag = Flags[random.Next(Flags.Length)];
        await StoreAsync(line, at, name, With(flags, add, flag), $"{(add ? '+' : '-')}FLAGS ({flag})", ct);
    }

    async Task StoreAsync(LineClient line, uint uid, string id, string after, string change, CancellationToken ct)
    {
        Open[uid] = after;
        await AskAsync(line, $"UID STORE {uid} {change}", ct);
        There[uid] = (id, after);
        Open.TryRemove(uid, out _);
    }

    async Task<string> AskAsync(LineClient line, string command, CancellationToken ct)
    {
        var (reply, _) = await DoAsync(line, command, ct);
        Interlocked.Increment(ref _acknowledged);
        return reply;
    }

    async Task<(string Reply, List<string> Told)> DoAsync(LineClient line, string command, CancellationToken ct)
    {
        await line.SendAsync("t " + command, ct);
        var told = new List<string>();
        while (await line.LineAsync(ct) is { } text)
        {
            foreach (Match m in ModSeq().Matches(text)) Raise(long.Parse(m.Groups[1].Value));
            if (!text.StartsWith("t ", StringComparison.Ordinal)) told.Add(text);
            else if (text.StartsWith("t OK", StringComparison.Ordinal)) return (text, told);
            else throw new InvalidOperationException($"{command}: {text}");
        }
        throw new IOException("the connection ended after " + command);
    }

    void Raise(long value)
    {
        while (Interlocked.Read(ref HighestTold) is var was && was < value && Interlocked.CompareExchange(ref HighestTold, value, was) != was) { }
    }

    async Task<LineClient> LoginAsync(CancellationToken ct)
    {
        var line = await LineClient.ConnectAsync(Ports.Loopback(port), ct);
        await line.LineAsync(ct);
        await DoAsync(line, $"LOGIN {user} {Installation.Password}", ct);
        await DoAsync(line, "ENABLE QRESYNC", ct);
        await DoAsync(line, "SELECT INBOX", ct);
        return line;
    }

    /// <summary>Everything that the mailbox holds.</summary>
    public async Task<ImapState> LookAsync(CancellationToken ct)
    {
        await using var line = await LoginAsync(ct);
        var status = string.Join('\n', (await DoAsync(line, "STATUS INBOX (UIDVALIDITY UIDNEXT HIGHESTMODSEQ)", ct)).Told);
        var messages = new Dictionary<uint, (string, string, long)>();
        // A literal ends its line with its length: what comes after it is the next line.
        var text = string.Join('\n', (await DoAsync(line, "UID FETCH 1:* (UID FLAGS MODSEQ BODY.PEEK[HEADER.FIELDS (SUBJECT)])", ct)).Told);
        foreach (Match m in Message().Matches(text))
            messages.Add(uint.Parse(m.Groups["uid"].Value), (m.Groups["id"].Value.Trim(), Sorted(m.Groups["flags"].Value), long.Parse(m.Groups["modseq"].Value)));
        return new((uint)Number(status, "UIDVALIDITY"), (uint)Number(status, "UIDNEXT"), Number(status, "HIGHESTMODSEQ"), messages);
    }

    static long Number(string status, string item) => long.Parse(Regex.Match(status, item + @" (\d+)").Groups[1].Value);

    static string Sorted(string flags) => string.Join(' ', flags.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(f => f != "\\Recent").Order(StringComparer.Ordinal));

    static string With(string flags, bool add, string flag) => Sorted(string.Join(' ', flags.Split(' ').Where(f => f != flag)) + (add ? " " + flag : ""));

    /// <summary>After a kill what was open is what the mailbox says it is.</summary>
    public void TakeOver(ImapState state)
    {
        foreach (var uid in Open.Keys)
        {
            if (state.Messages.TryGetValue(uid, out var message)) There[uid] = (message.Id, message.Flags);
            else if (There.TryRemove(uid, out var was)) _gone[uid] = was.Id;
        }
        Open.Clear();
        foreach (var (uid, message) in state.Messages) There.TryAdd(uid, (message.Id, message.Flags));
    }

    [GeneratedRegex(@"\[APPENDUID \d+ (\d+)\]")]
    private static partial Regex AppendUid();

    [GeneratedRegex(@"(?:MODSEQ \(|HIGHESTMODSEQ )(\d+)")]
    private static partial Regex ModSeq();

    [GeneratedRegex(@"FETCH \(UID (?<uid>\d+) FLAGS \((?<flags>[^)]*)\) MODSEQ \((?<modseq>\d+)\) BODY\[[^\]]*\] \{\d+\}\nSubject: (?<id>[^\n]*)")]
    private static partial Regex Message();
}
