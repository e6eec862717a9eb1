using System.Text;

namespace Posthorn.Tests.Interop.Peers;

/// <summary>Messages for peers. The characters of a text stand for its octets; line ends are LF.</summary>
static class Texts
{
    public static string NewId() => "id" + Guid.NewGuid().ToString("N");

    /// <summary>Dots in all places where dot-stuffing can go wrong, and a line as long as lines may be (RFC 5321 §4.5.3.1.6).</summary>
    public static string Dots(string from, string to, string id) => Head(from, to, id) + $"\nOne line.\n.\n..two\n.\n{new string('.', 990)}\n .\n\nThe end.\n";

    /// <summary>UTF-8 in the body, as 8-bit text.</summary>
    public static string EightBit(string from, string to, string id) =>
        Head(from, to, id) + "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + Latin(Words);

    public const string Words = "Zażółć gęślą jaźń. Ærø, Åland, Öland.\n.Πάντα ῥεῖ – 水は流れる.\n";

    /// <summary>An attachment of so many octets, in base64.</summary>
    public static string Attachment(string from, string to, string id, int octets)
    {
        var data = new byte[octets];
        new Random(octets).NextBytes(data);
        return Head(from, to, id) + "MIME-Version: 1.0\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n"
            + string.Join('\n', Convert.ToBase64String(data).Chunk(76).Select(c => new string(c))) + "\n";
    }

    /// <summary>The octets as they travel.</summary>
    public static byte[] Octets(string text) => Encoding.Latin1.GetBytes(text.Replace("\n", "\r\n", StringComparison.Ordinal));

    /// <summary>What arrived is what was sent, below the trace fields on top.</summary>
    public static void CheckExact(string sent, byte[] arrived)
    {
        var octets = Octets(sent);
        Assert.True(arrived.Length >= octets.Length, $"{arrived.Length} octets of {octets.Length} arrived");
        if (arrived.AsSpan()[^octets.Length..].SequenceEqual(octets)) return;
        Assert.Equal(Encoding.Latin1.GetString(octets), Encoding.Latin1.GetString(arrived[^octets.Length..]));
    }

    static string Head(string from, string to, string id) =>
        $"From: <{from}>\nTo: <{to}>\nSubject: peers {id}\nDate: Fri, 20 Nov 2026 10:11:12 +0100\nMessage-ID: <{id}@client.test>\n";

    static string Latin(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));
}
