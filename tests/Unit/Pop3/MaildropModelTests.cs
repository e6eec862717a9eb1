using System.Text;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Pop3;

/// <summary>Random sessions against a model of RFC 1939: a list of texts and a set of marks.</summary>
public class MaildropModelTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Random_commands_do_what_the_model_does(int seed)
    {
        var random = new Random(seed);
        await using var office = await PostOffice.OpenAsync();
        var kept = new List<(uint Uid, string Text)>();
        for (var session = 0; session < 6; session++)
        {
            for (var i = random.Next(12); i > 0; i--) kept.Add(await DeliverAsync(office, random));
            var drop = kept.ToList();
            var model = new Model(drop);
            await using var client = await office.LoginAsync();
            for (var step = 0; step < 150; step++)
            {
                if (random.Next(40) == 0) kept.Add(await DeliverAsync(office, random)); // must not be seen
                var command = Command(random, drop.Count);
                var want = model.Answer(command);
                (await client.AskAsync(command)).ShouldStartWith(want.Status, Case.Sensitive, $"{seed}/{session}/{step}: {command}");
                if (want.Lines is { } lines) (await client.LinesAsync()).Select(Uid).ShouldBe(lines, $"{seed}/{session}/{step}: {command}");
                string Uid(string line) => command.StartsWith("UIDL") ? line[..line.IndexOf(' ')] + " " + line[(line.IndexOf('.') + 1)..] : line;
            }
            if (random.Next(3) == 0) client.Drop();
            else
            {
                (await client.AskAsync("QUIT")).ShouldStartWith("+OK");
                kept.RemoveAll(m => model.IsDeleted(m.Uid));
            }
            await client.Session.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
            office.Uids().ShouldBe(kept.Select(m => m.Uid));
        }
    }

    static async Task<(uint, string)> DeliverAsync(PostOffice office, Random random)
    {
        var text = new StringBuilder("Subject: ").Append(random.Next()).Append("\r\n\r\n");
        for (var i = random.Next(6); i > 0; i--) text.Append(random.Next(4) == 0 ? "." : "").Append('z', random.Next(3)).Append("\r\n");
        return (await office.DeliverAsync(text.ToString(), ""), text.ToString());
    }

    static string Command(Random random, int count)
    {
        var number = random.Next(-1, count + 3).ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (random.Next(10) == 0) number = "00" + number;
        return random.Next(13) switch
        {
            0 => "STAT",
            1 => "LIST",
            2 => "LIST " + number,
            3 => "UIDL",
            4 => "UIDL " + number,
            5 or 6 => "RETR " + number,
            7 => $"TOP {number} {random.Next(-1, 8)}",
            8 or 9 => "DELE " + number,
            10 => random.Next(4) == 0 ? "RSET" : "NOOP",
            11 => new[] { "STAT 1", "RETR", "DELE", "TOP 1", "LIST 1 2", "NOOP x", "RSET 1", "QUIT now", "LIST ", "UIDL x", "RETR 99999999999999999999", "TOP 1 1 1" }[random.Next(12)],
            _ => new[] { "USER user", "PASS pencil", "AUTH PLAIN", "STLS", "UTF8" }[random.Next(5)],
        };
    }

    sealed class Model(List<(uint Uid, string Text)> drop)
    {
        readonly HashSet<int> _deleted = [];

        internal bool IsDeleted(uint uid) => _deleted.Any(i => drop[i].Uid == uid);

        internal (string Status, List<string>? Lines) Answer(string command)
        {
            var words = command.Split(' ');
            var live = Enumerable.Range(0, drop.Count).Where(i => !_deleted.Contains(i)).ToList();
            if (command is "STAT") return ($"+OK {live.Count} {live.Sum(i => drop[i].Text.Length)}", null);
            if (command is "NOOP") return ("+OK", null);
            if (command is "RSET") { _deleted.Clear(); return ("+OK", null); }
            if (command is "LIST") return ("+OK", [.. live.Select(i => $"{i + 1} {drop[i].Text.Length}")]);
            if (command is "UIDL") return ("+OK", [.. live.Select(i => $"{i + 1} {drop[i].Uid}")]);
            if (words.Length != (words[0] == "TOP" ? 3 : 2) || words[0] is not ("LIST" or "UIDL" or "RETR" or "TOP" or "DELE")) return ("-ERR", null);
            if (!long.TryParse(words[1], System.Globalization.NumberStyles.None, null, out var number) || !live.Contains((int)Math.Min(number, int.MaxValue) - 1)) return ("-ERR", null);
            var index = (int)number - 1;
            var lines = drop[index].Text.Split("\r\n")[..^1];
            switch (words[0])
            {
                case "LIST": return ($"+OK {number} {drop[index].Text.Length}", null);
                case "UIDL": return ($"+OK {number} ", null);
                case "RETR": return ($"+OK {drop[index].Text.Length} octets", [.. lines]);
                case "DELE": _deleted.Add(index); return ("+OK", null);
                default:
                    if (!int.TryParse(words[2], System.Globalization.NumberStyles.None, null, out var n)) return ("-ERR", null);
                    return ("+OK", [.. lines.Take(2 + n)]);
            }
        }
    }
}
