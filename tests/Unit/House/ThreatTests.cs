using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.House;

/// <summary>The threat page names tests that exist; and the rules that are about all of the source.</summary>
public partial class ThreatTests
{
    static readonly string[] Sources = [.. Repository.Files("src", "*.cs")];

    /// <summary>The tests that there are, as <c>Class.Method</c>.</summary>
    static HashSet<string> Tests()
    {
        var tests = new HashSet<string>();
        foreach (var file in Repository.Files("tests", "*.cs"))
        {
            var text = File.ReadAllText(file);
            var classes = ClassName().Matches(text);
            foreach (Match method in TestMethod().Matches(text))
                if (classes.LastOrDefault(c => c.Index < method.Index) is { } owner) tests.Add(owner.Groups[1].Value + "." + method.Groups[1].Value);
        }
        return tests;
    }

    static List<string[]> Rows() => [.. File.ReadLines(Path.Combine(Repository.Root, "docs/threats.md"))
        .Where(l => l.StartsWith("| ", StringComparison.Ordinal)).Skip(2).Select(l => l.Trim('|', ' ').Split(" | "))];

    [Fact]
    public void Every_test_of_the_threat_page_exists()
    {
        var tests = Tests();
        tests.Count.ShouldBeGreaterThan(300);
        Rows().Count.ShouldBeGreaterThan(40);
        foreach (var row in Rows())
        {
            row.Length.ShouldBe(3, row[0]);
            var named = Named().Matches(row[2]).Select(m => m.Groups[1].Value).ToList();
            if (row[2] == "–") row[1].ShouldStartWith("not in this version", customMessage: row[0]);
            else named.ShouldNotBeEmpty(row[0]);
            named.Where(n => !tests.Contains(n)).ShouldBeEmpty(row[0]);
        }
    }

    static void NoneMatches(Regex forbidden, Func<string, bool>? where = null)
    {
        Sources.Length.ShouldBeGreaterThan(100);
        Sources.Where(f => where is null || where(f.Replace(Repository.Root, "")))
            .SelectMany(f => forbidden.Matches(File.ReadAllText(f)).Select(m => $"{Path.GetFileName(f)}: {m.Value}")).ShouldBeEmpty();
    }

    [Fact]
    public void Command_execution_from_mail_no_process_is_started() =>
        NoneMatches(Starts(), f => f != "/src/Delivery/Outbound/TokenCommand.cs"); // runs what an administrator wrote into a route, for its token

    [Fact]
    public void SQL_LDAP_injection_no_SQL_is_built()
    {
        // A statement is the constructor's argument as it stands: no interpolation, no addition, no variable.
        NoneMatches(BuiltSql());
        // Scripts are for the schema and the settings of a session.
        Sources.Where(f => Script().IsMatch(File.ReadAllText(f))).Select(Path.GetFileName)
            .ShouldBeSubsetOf(["ISqlSession.cs", "SqliteSession.cs", "PostgresSession.cs", "Schema.cs"]);
    }

    [Fact]
    public void Unsafe_deserialising_no_type_is_named_by_input() =>
        NoneMatches(Deserialises(), f => !f.StartsWith("/src/Posthorn/Configuration/", StringComparison.Ordinal)); // makes the types that its own declarations name

    [Fact]
    public void Timing_secrets_are_compared_in_fixed_time() =>
        NoneMatches(Compares(), f => f.StartsWith("/src/Accounts/Credentials/", StringComparison.Ordinal) || f.StartsWith("/src/Wire/Sasl/", StringComparison.Ordinal));

    [GeneratedRegex(@"`([A-Z]\w+\.\w+)`")]
    private static partial Regex Named();

    [GeneratedRegex(@"^(?:public |internal |sealed |static |abstract |partial )*class (\w+)", RegexOptions.Multiline)]
    private static partial Regex ClassName();

    [GeneratedRegex(@"\[(?:Fact|Theory)[^\n]*\n(?:(?! {4}public ).*\n)*? {4}public (?:async Task|Task|void) (\w+)\(")]
    private static partial Regex TestMethod();

    [GeneratedRegex(@"Process\.Start|ProcessStartInfo|new Process\(|EntryPoint = ""(?:system|popen|fork|vfork|posix_spawn\w*|exec\w+)""| (?:system|popen|fork|vfork|posix_spawnp?|execv\w*)\(")]
    private static partial Regex Starts();

    [GeneratedRegex(@"new SqlText\(\s*(?:\$|@\$|string\.|[a-z])|SqlText \w+ = new\(\s*(?:\$|[a-z])")]
    private static partial Regex BuiltSql();

    [GeneratedRegex(@"\bRunScript\(")]
    private static partial Regex Script();

    [GeneratedRegex(@"JsonSerializer\.Deserialize(?:Async)?\(|BinaryFormatter|DataContractSerializer|XmlSerializer|JsonDerivedType|JsonPolymorphic|Type\.GetType\(|Activator\.CreateInstance|Assembly\.Load")]
    private static partial Regex Deserialises();

    [GeneratedRegex(@"(?:[Hh]ash|[Pp]roof|[Ss]ecret|[Pp]assword|[Kk]ey)\w*(?:\.Span)?\.SequenceEqual\(|\.SequenceEqual\(\w*(?:[Hh]ash|[Pp]roof|[Ss]ecret|[Pp]assword|StoredKey)")]
    private static partial Regex Compares();
}
