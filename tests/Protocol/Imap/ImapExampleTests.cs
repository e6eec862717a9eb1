using System.Globalization;
using System.Text.RegularExpressions;
using Posthorn.Tests.Testing.Transcripts;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Protocol.Imap;

/// <summary>
/// docs/rfc/imap-examples.tsv, which says of each example of the IMAP RFCs whether it is played, against the transcripts beside this
/// file. A transcript is the examples that its name has: <c>RFC 9051 §6.1.2 example 1</c>, in the file rfc9051.txt, or, where a story goes
/// on in the next section, <c>RFC 5464 §4.2 examples 1-3, §4.4.1 example 1</c>.
/// </summary>
public partial class ImapExampleTests
{
    static readonly string Root = FindRoot();

    static readonly IReadOnlyList<Row> Rows = [.. File.ReadLines(Path.Combine(Root, "docs", "rfc", "imap-examples.tsv")).Where(static l => !l.StartsWith('#')).Select(Row.Read)];

    [Fact]
    public void Every_example_is_played_once_or_a_reason_is_given()
    {
        foreach (var row in Rows)
        {
            row.Played.SequenceEqual(row.Played.Distinct().Order()).ShouldBeTrue($"{row}: in order, each once");
            row.Played.All(n => n >= 1 && n <= row.Examples).ShouldBeTrue($"{row}: not so many examples");
            (row.Reason.Length > 0).ShouldBe(row.Played.Count < row.Examples || row.Examples == 0, $"{row}: a reason stands where an example is left out");
        }
    }

    [Fact]
    public void Transcripts_and_index_name_the_same_examples()
    {
        var indexed = Rows.SelectMany(static r => r.Played.Select(n => $"rfc{r.Rfc}: RFC {r.Rfc} §{r.Section} example {n}")).ToList();
        var played = Directory.EnumerateFiles(Path.Combine(Root, "tests", "Protocol", "Imap"), "*.txt").SelectMany(Transcript.Load)
            .Where(static t => Rows.Any(r => t.Name.StartsWith($"rfc{r.Rfc}: RFC {r.Rfc} ", StringComparison.Ordinal)))
            .SelectMany(static t => Examples().Matches(t.Name).SelectMany(m => Row.Range(m.Groups[2].Value).Select(n => $"{t.Name[..t.Name.IndexOf('§', StringComparison.Ordinal)]}§{m.Groups[1].Value} example {n}"))).ToList();
        played.Count.ShouldBeGreaterThan(100);
        played.Order().ShouldBe(indexed.Order());
    }

    [Fact]
    public void Rows_are_in_order()
    {
        var keys = Rows.Select(static r => (r.Rfc, Section: string.Join('.', r.Section.Split('.').Select(static s => s.PadLeft(3, '0'))))).ToList();
        keys.ShouldBe(keys.OrderBy(static k => k.Rfc).ThenBy(static k => k.Section, StringComparer.Ordinal));
        keys.Distinct().Count().ShouldBe(keys.Count);
    }

    [Fact]
    public void Each_rfc_has_its_file() =>
        Rows.Select(static r => r.Rfc).Distinct().Where(static rfc => !File.Exists(Path.Combine(Root, "tests", "Protocol", "Imap", $"rfc{rfc}.txt"))).ShouldBeEmpty();

    [GeneratedRegex(@"§([0-9A-Z.]+) examples? (\d+(?:-\d+)?)(?=,|$)")]
    private static partial Regex Examples();

    static string FindRoot()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Posthorn.slnx"))) directory = Path.GetDirectoryName(directory)!;
        return directory;
    }

    /// <param name="Examples">How many the section has; 0 for an RFC that has none.</param>
    /// <param name="Played">The numbers of those that are played.</param>
    sealed record Row(int Rfc, string Section, int Examples, IReadOnlyList<int> Played, string Reason)
    {
        internal static Row Read(string line)
        {
            var columns = line.Split('\t');
            columns.Length.ShouldBe(5, line);
            return new Row(Number(columns[0]), columns[1], Number(columns[2]), columns[3] == "-" ? [] : [.. columns[3].Split(',').SelectMany(Range)], columns[4]);
        }

        internal static IEnumerable<int> Range(string text)
        {
            var ends = text.Split('-');
            return Enumerable.Range(Number(ends[0]), Number(ends[^1]) - Number(ends[0]) + 1);
        }

        static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

        public override string ToString() => $"RFC {Rfc} §{Section}";
    }
}
