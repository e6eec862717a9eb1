using System.Text;
using Posthorn.Mime.Structure;
using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Tests.Unit.Search;

/// <summary>Mail made of few words in many forms, the same for the same seed.</summary>
sealed class Corpus(int seed)
{
    static readonly string[] Words =
    [
        "meeting", "Meet", "invoice", "INVOICES", "report", "quarterly", "alpha", "alphabet", "bet", "straße", "STRASSE", "naïve", "Москва", "МОСКОВСКИЙ", "日本語", "日本", "ünïcödé",
        "a", "of", "xylophone", "zyzzyva", "100%", "$5.00", "x-y-z", "foo_bar", "\"quoted\"", "it's", "İstanbul", "ﬁne", "ΣΊΣΥΦΟΣ", "σίσυφος", "😀smile", "e\u0301",
    ];

    static readonly string[] Names = ["Jane Doe", "John Q. Public", "Élodie", "Jörg Müller", "Иван", "Smith, Ann", "o'Neil"];

    readonly Random _random = new(seed);

    internal byte[] Message()
    {
        var header = new StringBuilder();
        header.Append("Received: from ").Append(Word()).Append(".example by mx.test with ESMTP id ").Append(_random.Next(1000, 1 << 30)).Append("\r\n");
        header.Append("From: ").Append(Address()).Append("\r\nTo: ").Append(Address());
        for (var more = _random.Next(3); more > 0; more--) header.Append(",\r\n ").Append(Address());
        header.Append("\r\n");
        if (_random.Next(3) == 0) header.Append("Cc: ").Append(Address()).Append("\r\n");
        if (_random.Next(9) == 0) header.Append("Bcc: ").Append(Address()).Append("\r\n");
        header.Append("Subject: ").Append(Encoded(Text(1, 6))).Append("\r\n");
        header.Append("Date: ").Append(_random.Next(1, 28)).Append(" Jan 20").Append(_random.Next(10, 25)).Append(" 10:00:00 +0000\r\n");
        if (_random.Next(2) == 0) header.Append("X-Topic: ").Append(Encoded(Text(1, 3))).Append("\r\n");
        return _random.Next(6) switch
        {
            0 => Ascii(header + "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + Base64($"<p>{Text(3, 30)}</p><div>{Text(3, 30)} &amp; <b>{Word()}</b>{Word()}</div>")),
            1 => Ascii(header + "Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n" + Part("text/plain; charset=utf-8", Text(3, 30)) + Part("text/calendar; charset=utf-8", "BEGIN:VEVENT\r\nSUMMARY:" + Text(1, 5) + "\r\nEND:VEVENT\r\n")
                + "--b\r\nContent-Type: application/octet-stream\r\n\r\n" + Word() + "\r\n--b--\r\n"),
            2 => Ascii(header + "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: " + Encoded(Text(1, 4)) + "\r\n\r\ninner text\r\n--b--\r\n"),
            3 => Ascii(header + "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + Quoted(Text(3, 60))),
            _ => Encoding.UTF8.GetBytes(header + "Content-Type: text/plain; charset=utf-8\r\n\r\n" + Text(3, 60) + "\r\n"),
        };
    }

    /// <summary>Files messages in groups, so that a sync serves many.</summary>
    internal async Task DeliverAsync(MailStore store, long account, long mailbox, int count)
    {
        for (var left = count; left > 0; left -= 200)
        {
            var blobs = new List<(BlobWriter Blob, byte[] Octets, MessageFlags Flags, DateTimeOffset Received)>();
            for (var i = Math.Min(left, 200); i > 0; i--)
            {
                var octets = Message();
                var blob = store.NewBlob();
                blob.Write(octets);
                await blob.SealAsync();
                blobs.Add((blob, octets, (MessageFlags)_random.Next(32), DateTimeOffset.UnixEpoch.AddDays(14_000 + _random.Next(3000))));
            }
            var prefix = "Return-Path: <bounce@sender.test>\r\nDelivered-To: user@example.test\r\n"u8.ToArray();
            await store.WriteAsync(unit =>
            {
                foreach (var (blob, octets, flags, received) in blobs)
                    unit.Mailboxes.Deliver(account, mailbox, new NewMessage(unit.Store(blob), prefix, PartTree.Encode(PartTree.Read(octets, prefix)), received, store.NewTraceId(), flags)
                    {
                        Keywords = ((int)flags & 3) == 0 ? ["$Work", "$Later"] : [],
                    });
                return 0;
            });
            foreach (var (blob, _, _, _) in blobs) await blob.DisposeAsync();
        }
    }

    internal string Word() => Words[_random.Next(Words.Length)];

    string Text(int least, int most) => string.Join(_random.Next(8) == 0 ? "  " : " ", Enumerable.Range(0, _random.Next(least, most)).Select(_ => _random.Next(40) == 0 ? Rare() : Word()));

    string Rare() => new([.. Enumerable.Range(0, 8).Select(_ => (char)('a' + _random.Next(26)))]);

    string Address() => (_random.Next(4) == 0 ? "" : $"{Encoded(Names[_random.Next(Names.Length)])} ") + $"<user{_random.Next(50)}@host{_random.Next(20)}.test>";

    static string Encoded(string text) => text.All(char.IsAscii) && !text.Contains(',') ? text : $"=?utf-8?B?{Base64(text)}?=";

    static string Part(string type, string text) => $"--b\r\nContent-Type: {type}\r\nContent-Transfer-Encoding: base64\r\n\r\n{Base64(text)}\r\n";

    static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    static string Quoted(string text) => string.Concat(Encoding.UTF8.GetBytes(text).Select(static (b, i) => (b is > 32 and < 127 and not (byte)'=' ? ((char)b).ToString() : $"={b:X2}") + (i % 25 == 24 ? "=\r\n" : "")));

    static byte[] Ascii(string text) => Encoding.UTF8.GetBytes(text);
}
