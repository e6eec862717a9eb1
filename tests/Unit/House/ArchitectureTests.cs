using System.Text.RegularExpressions;
using System.Xml.Linq;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.House;

/// <summary>The walls: what ARCHITECTURE.md says of the projects is what the project files say.</summary>
public class ArchitectureTests
{
    static Dictionary<string, string[]> Documented() => File.ReadLines(Path.Combine(Repository.Root, "ARCHITECTURE.md"))
        .Select(l => Regex.Match(l, @"^\| `src/(\w+)` \|[^|]*\|[^|]*\| ([^|]*) \|$"))
        .Where(m => m.Success)
        .ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Where(r => r != "–").Order().ToArray());

    static Dictionary<string, string[]> Actual() => Repository.Files("src", "*.csproj")
        .ToDictionary(f => Path.GetFileNameWithoutExtension(f), f => XDocument.Load(f).Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value)).Order().ToArray());

    [Fact]
    public void References_are_those_of_the_table()
    {
        var documented = Documented();
        var actual = Actual();
        documented.Keys.Order().ShouldBe(actual.Keys.Order());
        foreach (var (project, references) in actual) references.ShouldBe(documented[project], project);
    }

    [Fact]
    public void No_protocol_sees_another()
    {
        string[] protocols = ["Smtp", "Pop3", "Imap", "ManageSieve", "Jmap"];
        foreach (var (project, references) in Actual())
            if (protocols.Contains(project)) references.Intersect(protocols).ShouldBeEmpty(project);
    }
}
