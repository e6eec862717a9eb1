using System.Text.RegularExpressions;
using Shouldly;

namespace Posthorn.Tests.Unit.Imap.Model;

/// <summary>What one client believes: kept only by what it is told, and by what it asked for itself with .SILENT.</summary>
sealed partial class Picture
{
    /// <summary>A UID of 0: told of by EXISTS alone.</summary>
    public List<(uint Uid, string Flags)> Messages { get; } = [];

    public bool QResync { get; init; }

    /// <summary>The change number up to which it knew everything, and the model's clock at that moment.</summary>
    public long ModSeq { get; set; }

    public long SyncedAt { get; set; }

    /// <summary>Messages whose flags it was told, or has come to believe, since then.</summary>
    public HashSet<uint> Told { get; } = [];

    public static string Sorted(string flags) => string.Join(' ', flags.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(x => x != "\\Recent").Order(StringComparer.Ordinal));

    /// <summary>Flags with one added ('+'), taken away ('-') or alone ('=').</summary>
    public static string With(string flags, char mode, string flag) => mode switch
    {
        '+' => flags.Split(' ').Contains(flag) ? flags : Sorted(flags + " " + flag),
        '-' => Sorted(string.Join(' ', flags.Split(' ').Where(f => f != flag))),
        _ => flag,
    };

    /// <summary>The numbers of a set as servers write it.</summary>
    public static List<uint> Numbers(string set)
    {
        var numbers = new List<uint>();
        foreach (var range in set.Split(','))
        {
            var ends = range.Split(':').Select(uint.Parse).ToArray();
            for (var n = ends[0]; n <= ends[^1]; n++) numbers.Add(n);
        }
        return numbers;
    }

    /// <summary>
    /// Takes the responses to a silent STORE: a change number without flags says that the change was made just then, and was
    /// the only one (RFC 7162 §3.1.3).
    /// </summary>
    public void Apply(List<string> responses, IReadOnlyCollection<uint> uids, char mode, string flag)
    {
        foreach (var line in responses)
        {
            Apply([line]);
            if (line.Contains(" FETCH (UID ", StringComparison.Ordinal) && !Flags().IsMatch(line) && uint.Parse(Uid().Match(line).Groups[1].Value) is var uid && uids.Contains(uid))
                Believe([uid], mode, flag);
        }
        responses.Clear();
    }

    /// <summary>A silent STORE was answered: what was asked for is believed.</summary>
    public void Believe(IReadOnlyCollection<uint> uids, char mode, string flag)
    {
        for (var i = 0; i < Messages.Count; i++)
            if (uids.Contains(Messages[i].Uid))
            {
                Messages[i] = (Messages[i].Uid, With(Messages[i].Flags, mode, flag));
                Told.Add(Messages[i].Uid);
            }
    }

    /// <summary>Takes responses as a client does: in their order, numbers meaning what they mean at that moment.</summary>
    public void Apply(List<string> responses)
    {
        foreach (var line in responses)
        {
            if (Number().Match(line) is { Success: true } m)
            {
                var n = int.Parse(m.Groups[1].Value);
                switch (m.Groups[2].Value)
                {
                    case "EXISTS":
                        n.ShouldBeGreaterThanOrEqualTo(Messages.Count, line);
                        while (Messages.Count < n) Messages.Add((0, "?"));
                        break;
                    case "EXPUNGE":
                        QResync.ShouldBeFalse(line);
                        Messages.RemoveAt(n - 1);
                        break;
                    case "FETCH":
                        Fetch(n, line);
                        break;
                }
            }
            else if (line.StartsWith("* VANISHED ", StringComparison.Ordinal)) Vanished(line);
        }
        responses.Clear();
    }

    /// <summary>A SELECT with QRESYNC: what went is said first, and only then do the numbers mean anything (RFC 7162 §3.2.5.1).</summary>
    public void Resync(List<string> responses)
    {
        const string Earlier = "* VANISHED (EARLIER) ";
        foreach (var line in responses.Where(r => r.StartsWith(Earlier, StringComparison.Ordinal)))
        {
            var gone = Numbers(line[Earlier.Length..]);
            Messages.RemoveAll(m => gone.Contains(m.Uid));
        }
        responses.RemoveAll(static r => r.StartsWith(Earlier, StringComparison.Ordinal));
        Apply(responses);
    }

    void Vanished(string line)
    {
        QResync.ShouldBeTrue(line);
        foreach (var uid in Numbers(line["* VANISHED ".Length..]))
            if (Messages.FindIndex(p => p.Uid == uid) is >= 0 and var at) Messages.RemoveAt(at);
            // One that was told by EXISTS alone: it stands somewhere behind the last lower UID that is known.
            else Messages.RemoveAt(Messages.FindIndex(Messages.FindLastIndex(p => p.Uid != 0 && p.Uid < uid) + 1, static p => p.Uid == 0));
    }

    void Fetch(int n, string line)
    {
        var known = Messages[n - 1];
        if (Uid().Match(line) is { Success: true } u)
        {
            var uid = uint.Parse(u.Groups[1].Value);
            if (known.Uid != 0) uid.ShouldBe(known.Uid, line);
            known.Uid = uid;
        }
        if (Flags().Match(line) is { Success: true } f) known.Flags = Sorted(f.Groups[1].Value);
        Messages[n - 1] = known;
        Told.Add(known.Uid);
    }

    [GeneratedRegex(@"^\* (\d+) (EXISTS|EXPUNGE|FETCH)")]
    private static partial Regex Number();

    [GeneratedRegex(@"[( ]UID (\d+)")]
    private static partial Regex Uid();

    [GeneratedRegex(@"FLAGS \(([^)]*)\)")]
    private static partial Regex Flags();
}
