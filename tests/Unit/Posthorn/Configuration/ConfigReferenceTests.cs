using System.Reflection;
using System.Text.Json.Nodes;
using Posthorn.Configuration;
using Posthorn.Tests.Unit.House;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Configuration;

public sealed class ConfigReferenceTests
{
    [Fact]
    public void The_reference_page_is_the_one_made_from_the_declarations() =>
        File.ReadAllText(Path.Combine(Repository.Root, "docs/configuration.md")).ShouldBe(ConfigReference.Markdown(), "run: ./posthorn config reference > docs/configuration.md");

    [Fact]
    public void Every_property_of_an_option_record_is_a_documented_option()
    {
        foreach (var type in Sections(typeof(ServerOptions)))
            foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
            {
                if (property.Name == "EqualityContract") continue;
                var doc = property.GetCustomAttribute<OptionAttribute>();
                doc.ShouldNotBeNull($"{type.Name}.{property.Name}");
                doc.Text.ShouldEndWith(".");
            }
    }

    static IEnumerable<Type> Sections(Type type)
    {
        yield return type;
        foreach (var option in OptionTable.Of(type).Options)
        {
            var inner = OptionTable.ItemType(option.Type) ?? option.Type;
            if (!OptionTable.IsScalar(inner))
                foreach (var section in Sections(inner)) yield return section;
        }
    }

    [Fact]
    public void The_schema_knows_each_option_and_no_other()
    {
        var schema = ConfigReference.Schema();
        schema["additionalProperties"]!.GetValue<bool>().ShouldBeFalse();
        schema["required"]!.AsArray().Select(n => (string)n!).ShouldBe(["hostname", "dataDirectory"]);
        var listener = (JsonObject)schema["properties"]!["listeners"]!["items"]!;
        ((JsonObject)listener["properties"]!).Select(p => p.Key).ShouldBe(["protocol", "address", "plaintextLogin", "proxyProtocol"]);
        listener["properties"]!["plaintextLogin"]!["enum"]!.ToJsonString().ShouldBe("""["loopback","never"]""");
    }
}
