namespace Posthorn.Delivery.Dsn;

/// <summary>The NOTIFY parameter of a recipient: what its sender wants to be told (RFC 3461 §4.1).</summary>
static class Notify
{
    internal const string Never = "NEVER";

    [Flags]
    enum Wish { Nothing = 0, Success = 1, Failure = 2, Delay = 4 }

    /// <summary>True when success is to be told.</summary>
    internal static bool AsksForSuccess(string? notify) => notify is not null && (Parse(notify) & Wish.Success) != 0;

    /// <summary>True when failure is to be told; so it is when nothing was said.</summary>
    internal static bool AsksForFailure(string? notify) => (Parse(notify) & Wish.Failure) != 0;

    /// <summary>True when delay is to be told; so it is when nothing was said.</summary>
    internal static bool AsksForDelay(string? notify) => (Parse(notify) & Wish.Delay) != 0;

    /// <summary>For the members of an alias whose expansion was told (RFC 3461 §5.2.7.3 (c)); what is left of it may be nothing.</summary>
    internal static string? WithoutSuccess(string? notify) => AsksForSuccess(notify) ? Text(Parse(notify) & ~Wish.Success) : notify;

    /// <summary>What two recipients that lead to the same address want together.</summary>
    internal static string? Merge(string? one, string? other) => one == other ? one : Text(Parse(one) | Parse(other));

    static Wish Parse(string? notify)
    {
        if (notify is null) return Wish.Failure | Wish.Delay; // RFC 3461 §4.1: so may its absence be taken
        var wish = Wish.Nothing;
        foreach (var range in notify.AsSpan().Split(','))
            wish |= notify.AsSpan()[range] switch
            {
                "SUCCESS" => Wish.Success,
                "FAILURE" => Wish.Failure,
                "DELAY" => Wish.Delay,
                _ => Wish.Nothing,
            };
        return wish;
    }

    static string Text(Wish wish) => wish switch
    {
        Wish.Nothing => Never,
        Wish.Success => "SUCCESS",
        Wish.Failure => "FAILURE",
        Wish.Delay => "DELAY",
        Wish.Success | Wish.Failure => "SUCCESS,FAILURE",
        Wish.Success | Wish.Delay => "SUCCESS,DELAY",
        Wish.Failure | Wish.Delay => "FAILURE,DELAY",
        _ => "SUCCESS,FAILURE,DELAY",
    };
}
