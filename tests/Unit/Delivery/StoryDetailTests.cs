using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Delivery.Inbound;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery;

public class StoryDetailTests
{
    [Fact]
    public void Members_in_order_and_empty_ones_left_out()
    {
        var d = new StoryDetail();
        d.Add("a", "x\"\\\r\n\u0000é");
        d.Add("b", null);
        d.Add("c", -5);
        d.End().ShouldBe("{\"a\":\"x\\\"\\\\\\u000d\\u000a\\u0000é\",\"c\":-5}");
        new StoryDetail().End().ShouldBe("{}");
    }

    [Fact]
    public void Any_text_comes_back() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll<string>(text =>
        {
            if (string.IsNullOrEmpty(text) || text.Any(char.IsSurrogate)) return true;
            var d = new StoryDetail();
            d.Add("t", text);
            using var json = JsonDocument.Parse(d.End());
            return json.RootElement.GetProperty("t").GetString() == text;
        }));
}
