using System.Globalization;
using System.Text.Json;
using Posthorn.Storage;

namespace Posthorn.Imap.Session;

/// <summary>What the story of a message that a client put here says first (docs/events.md).</summary>
static class ReceivedStory
{
    /// <param name="size">Octets.</param>
    /// <param name="copyOf">The message that it is a copy of, whose story is somebody else's; null for none.</param>
    internal static string Detail(ImapSession session, long size, TraceId? copyOf = null) => string.Create(CultureInfo.InvariantCulture,
        $"{{\"client\":\"{session.Connection.RemoteAddress}\",\"with\":\"IMAP\",\"login\":\"{JsonEncodedText.Encode(session.Who!.Address)}\"{(copyOf is { } id ? $",\"copyOf\":\"{id}\"" : "")},\"size\":{size}}}");
}
