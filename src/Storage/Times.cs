namespace Posthorn.Storage;

/// <summary>Times as the store keeps them: microseconds since 1970, UTC.</summary>
static class Times
{
    internal static long ToMicroseconds(this DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    static readonly long Least = DateTimeOffset.MinValue.ToMicroseconds(), Most = DateTimeOffset.MaxValue.ToMicroseconds();

    /// <summary>Never throws: a number that is no time becomes the nearest one, so that a damaged row does not stop a scan of its table.</summary>
    internal static DateTimeOffset FromMicroseconds(long microseconds) =>
        new(DateTimeOffset.UnixEpoch.Ticks + Math.Clamp(microseconds, Least, Most) * TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);
}
