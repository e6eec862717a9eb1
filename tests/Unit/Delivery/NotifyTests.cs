using Posthorn.Delivery.Dsn;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery;

public class NotifyTests
{
    [Theory]
    [InlineData(null, false, null)]
    [InlineData("NEVER", false, "NEVER")]
    [InlineData("FAILURE,DELAY", false, "FAILURE,DELAY")]
    [InlineData("SUCCESS", true, "NEVER")]
    [InlineData("SUCCESS,FAILURE", true, "FAILURE")]
    [InlineData("DELAY,SUCCESS", true, "DELAY")]
    [InlineData("DELAY,FAILURE,SUCCESS", true, "FAILURE,DELAY")]
    public void Success(string? notify, bool asks, string? without)
    {
        Notify.AsksForSuccess(notify).ShouldBe(asks);
        Notify.WithoutSuccess(notify).ShouldBe(without);
    }

    [Theory]
    [InlineData(null, null, null)]
    [InlineData("NEVER", "NEVER", "NEVER")]
    [InlineData("NEVER", "FAILURE", "FAILURE")]
    [InlineData("NEVER", null, "FAILURE,DELAY")]
    [InlineData("SUCCESS", null, "SUCCESS,FAILURE,DELAY")]
    [InlineData("SUCCESS", "FAILURE", "SUCCESS,FAILURE")]
    [InlineData("SUCCESS", "DELAY", "SUCCESS,DELAY")]
    public void Merged(string? one, string? other, string? both)
    {
        Notify.Merge(one, other).ShouldBe(both);
        Notify.Merge(other, one).ShouldBe(both);
    }
}
