using System.Text.Json.Nodes;

namespace Posthorn.Verbs;

/// <summary><c>srs …</c></summary>
static class SrsVerbs
{
    public static IReadOnlyList<Verb> All { get; } =
    [
        new("srs rotate", "Makes a new key for the reverse-paths of forwarded mail (it is done by itself every 30 days); two old ones stay good.", [],
            async (c, _, ct) => new JsonObject { ["keys"] = await c.Srs.RotateAsync(ct).ConfigureAwait(false) },
            (r, to) => to.WriteLine($"There is a new key; {(int)r["keys"]! - 1} old ones are still good.")),
    ];
}
