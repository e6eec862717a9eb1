using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.House;

/// <summary>What the documents name exists.</summary>
public partial class DocumentTests
{
    static IEnumerable<string> Documents() =>
        Directory.EnumerateFiles(Repository.Root, "*.md").Concat(Repository.Files("docs", "*.md")).Concat(Repository.Files("bench", "*.md"));

    [Fact]
    public void Paths_in_documents_exist()
    {
        var missing = new List<string>();
        foreach (var document in Documents())
            foreach (Match m in PathName().Matches(File.ReadAllText(document)))
            {
                var path = m.Groups[1].Value.TrimEnd('/');
                if (!File.Exists(Path.Combine(Repository.Root, path)) && !Directory.Exists(Path.Combine(Repository.Root, path)))
                    missing.Add($"{Path.GetFileName(document)}: {path}");
            }
        missing.ShouldBeEmpty();
    }

    [Fact]
    public void Rfc_index_is_well_formed_and_names_what_exists()
    {
        var rows = File.ReadLines(Path.Combine(Repository.Root, "docs/rfc/index.tsv")).Where(l => l.Length > 0 && l[0] != '#').Select(l => l.Split('\t')).ToList();
        rows.ShouldNotBeEmpty();
        foreach (var row in rows)
        {
            row.Length.ShouldBe(4, string.Join('|', row));
            int.TryParse(row[0], out _).ShouldBeTrue(row[0]);
            row[1].ShouldBeOneOf("yes", "partial", "no");
            if (row[1] == "no") continue;
            foreach (var place in row[2].Split(' ')) Path.Exists(Path.Combine(Repository.Root, place)).ShouldBeTrue($"RFC {row[0]}: {place}");
        }
        rows.Select(r => r[0]).ShouldBeUnique();
    }

    [Fact]
    public void Every_rfc_cited_in_the_source_is_in_the_index()
    {
        var known = File.ReadLines(Path.Combine(Repository.Root, "docs/rfc/index.tsv")).Select(l => l.Split('\t')[0]).ToHashSet();
        var cited = new SortedSet<string>(Repository.Files("src", "*.cs").SelectMany(f => Citation().Matches(File.ReadAllText(f)).Select(m => m.Groups[1].Value)));
        cited.Where(c => !known.Contains(c)).ShouldBeEmpty();
    }

    [Fact]
    public void Every_log_event_has_an_id_of_its_own()
    {
        var ids = Repository.Files("src", "*.cs").SelectMany(f => LogEvent().Matches(File.ReadAllText(f))).Select(m => m.Groups[1].Value).ToList();
        ids.Count.ShouldBeGreaterThan(30);
        ids.ShouldAllBe(id => id.Length == 4);
        ids.ShouldBeUnique();
    }

    [GeneratedRegex(@"\[LoggerMessage\((\w*)")]
    private static partial Regex LogEvent();

    [GeneratedRegex(@"`((?:src|tests|docs|bench|\.ci)/[\w./-]+)`")]
    private static partial Regex PathName();

    [GeneratedRegex(@"RFC (\d{3,5})")]
    private static partial Regex Citation();
}
