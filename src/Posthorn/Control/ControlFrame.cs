using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Posthorn.Control;

/// <summary>One message on the control socket: its length in four octets, most significant first, then a JSON object.</summary>
static class ControlFrame
{
    const int Most = 64 << 20;

    public static async Task WriteAsync(Stream stream, JsonObject message, CancellationToken ct)
    {
        var text = JsonSerializer.SerializeToUtf8Bytes((JsonNode)message, ControlJson.Default.JsonNode);
        var frame = new byte[4 + text.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, text.Length);
        text.CopyTo(frame, 4);
        await stream.WriteAsync(frame, ct).ConfigureAwait(false);
        await stream.FlushAsync(ct).ConfigureAwait(false);
    }

    /// <summary>Null when the other side closed, or does not speak this language.</summary>
    public static async Task<JsonObject?> ReadAsync(Stream stream, CancellationToken ct)
    {
        var head = new byte[4];
        if (await stream.ReadAtLeastAsync(head, 4, throwOnEndOfStream: false, ct).ConfigureAwait(false) < 4) return null;
        var length = BinaryPrimitives.ReadInt32BigEndian(head);
        if (length is < 2 or > Most) return null;
        var text = new byte[length];
        if (await stream.ReadAtLeastAsync(text, length, throwOnEndOfStream: false, ct).ConfigureAwait(false) < length) return null;
        try { return JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { MaxDepth = 32 }) as JsonObject; }
        catch (JsonException) { return null; }
    }
}

/// <summary>Serialising of nodes without reflection.</summary>
[System.Text.Json.Serialization.JsonSerializable(typeof(JsonNode))]
sealed partial class ControlJson : System.Text.Json.Serialization.JsonSerializerContext;
