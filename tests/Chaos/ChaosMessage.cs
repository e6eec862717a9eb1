using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Posthorn.Tests.Chaos;

/// <summary>A message that proves its own wholeness: its last line names its id, its length and its hash.</summary>
static class ChaosMessage
{
    static readonly byte[] Pool = MakePool();

    /// <summary>The message with CRLF line ends, no line beginning with a dot.</summary>
    public static byte[] Make(string id, string from, int size, Random random)
    {
        var text = new MemoryStream(size + 512);
        text.Write(Encoding.ASCII.GetBytes($"From: <{from}>\r\nTo: <everyone@example.test>\r\nSubject: chaos\r\nDate: Fri, 20 Nov 2026 10:11:12 +0100\r\nMessage-ID: <{id}@load.test>\r\nX-Chaos: {id}\r\n\r\n"));
        var body = new MemoryStream(size + 256);
        body.Write(Encoding.ASCII.GetBytes($"{id}\r\n"));
        var lines = size / 74;
        body.Write(Pool, random.Next(1000) * 74, lines * 74);
        var content = body.ToArray();
        text.Write(content);
        text.Write(Encoding.ASCII.GetBytes($"END {id} {content.Length} {Convert.ToHexStringLower(SHA256.HashData(content))}\r\n"));
        return text.ToArray();
    }

    /// <summary>The id of a message read back, and what is wrong with it (null: nothing).</summary>
    public static (string? Id, string? Fault) Check(byte[] octets)
    {
        var text = octets.AsSpan();
        var mark = text.IndexOf("\r\nX-Chaos: "u8);
        if (mark < 0) return (null, "no id");
        var rest = text[(mark + 11)..];
        var id = Encoding.ASCII.GetString(rest[..rest.IndexOf("\r\n"u8)]);
        var start = text.IndexOf("\r\n\r\n"u8) + 4;
        var end = text.LastIndexOf("\r\nEND "u8) + 2;
        if (end < start + 2) return (id, "cut off");
        var last = Encoding.ASCII.GetString(text[end..]).TrimEnd().Split(' ');
        var content = text[start..end];
        if (last.Length != 4 || last[1] != id) return (id, "another message's end");
        if (content.Length != int.Parse(last[2], CultureInfo.InvariantCulture)) return (id, $"{content.Length} octets for {last[2]}");
        return (id, Convert.ToHexStringLower(SHA256.HashData(content)) == last[3] ? null : "altered");
    }

    static byte[] MakePool()
    {
        var pool = new byte[74 * 8000];
        var random = new Random(20261121);
        for (var i = 0; i < pool.Length; i++) pool[i] = (byte)('a' + random.Next(26));
        for (var i = 72; i < pool.Length; i += 74) (pool[i], pool[i + 1]) = ((byte)'\r', (byte)'\n');
        return pool;
    }
}
