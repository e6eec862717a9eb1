using System.Text;

namespace Posthorn.Tests.Testing.Imap;

/// <summary>Messages that are broken in the ways mail is broken, the same ones for the same seed.</summary>
public static class OddMessages
{
    static readonly string[] Charsets =
        ["utf-8", "us-ascii", "iso-8859-1", "windows-1251", "x-unknown", "UTF8", "\"utf-8", "iso-2022-jp", "gb2312", "utf-7", "", "ks_c_5601-1987", "''", "utf-8; utf-8"];

    static readonly string[] Encodings =
        ["7bit", "8bit", "base64", "BASE64", "quoted-printable", "binary", "x-uuencode", "", "x-odd", "7bit (comment)", "base64;", "\"base64\"", "8 bit"];

    static readonly string[] Types =
        ["text/plain", "text/html", "TEXT/Plain", "text", "text/", "/plain", "application/pdf", "image/jpeg", "text/plain/extra", "application/octet-stream;", "text / plain", "",
         "text/calendar", "message/delivery-status", "message/partial", "text/plain charset=utf-8", "\"text/plain\"", "text\0/plain", "tëxt/plain"];

    static readonly string[] Addresses =
        ["a@b.example", "A B <a@b.example>", "\"Q \\\"x\\\" y\" <q@b.example>", "undisclosed-recipients:;", "g: a@b.example, c@d.example;", "root", "<>", "<@x,@y:a@b.example>",
         "a@b.example (Comment (nested))", "=?utf-8?Q?J=C3=B6rg?= <j@b.example>", "Jörg <j@b.example>", "a@[192.0.2.1]", "a@b@c", "\"unclosed <a@b.example>", "(unclosed", "A <a@b",
         ", ,,", ";", ":", "g: h: a@b;;", "x y z", "a.b . c@d.example", "\"a b\"@c.example", "Name <a b@c>", "a@b.example c@d.example", "a\0b@c", "<<a@b>>", "A;<a@b>", "@", "@@", ",;:<>@\"("];

    static readonly string[] Texts =
        ["plain", "=?utf-8?B?w6k=?= =?utf-8?B?w6k=?=", "=?utf-8?Q?broken", "", " ", "8-bit é", "\u00ff\u00fe latin", "a \"quoted\" back\\slash", "folded\r\n\twith tab", "folded\r\n \r\n again", "nul \0 here",
         "bare \r cr", "tab\there", "very " + new string('l', 3000) + "ong", "\u001b[31m", "<id@example>", "<a@b> <c@d>", "{10}", "NIL", "(", "*"];

    /// <summary>One odd message.</summary>
    /// <param name="random">Where the oddities come from.</param>
    /// <param name="strayLines">False to leave out lines in headers that are no fields, or only by the obsolete grammar: readers differ on whether the header ends there.</param>
    public static byte[] Make(Random random, bool strayLines = true)
    {
        var b = new StringBuilder();
        Header(b, random, strayLines);
        Entity(b, random, 0, strayLines);
        if (!strayLines) b.Replace("bare \r cr", "no bare cr").Replace(" :", ":");
        // Latin 1 keeps every octet; half the time 8-bit text is UTF-8.
        var octets = random.Next(2) == 0 ? Encoding.Latin1.GetBytes(b.ToString()) : Encoding.UTF8.GetBytes(b.ToString());
        return random.Next(12) == 0 ? octets[..random.Next(octets.Length + 1)] : octets;
    }

    static string Eol(Random random) => random.Next(40) == 0 ? "\n" : "\r\n";

    static T Any<T>(Random random, T[] of) => of[random.Next(of.Length)];

    static void Field(StringBuilder b, Random random, string name, string value) =>
        b.Append(random.Next(10) == 0 ? name.ToUpperInvariant() : name).Append(random.Next(20) == 0 ? " :" : ":").Append(random.Next(8) == 0 ? "" : " ").Append(value).Append(Eol(random));

    static void Header(StringBuilder b, Random random, bool strayLines)
    {
        foreach (var name in (string[])["Date", "Subject", "Message-ID", "In-Reply-To"])
            for (var n = random.Next(8) switch { 0 => 0, 1 => 2, _ => 1 }; n > 0; n--) Field(b, random, name, Any(random, Texts));
        foreach (var name in (string[])["From", "Sender", "Reply-To", "To", "Cc", "Bcc"])
            for (var n = random.Next(6) switch { 0 or 1 or 2 => 0, 5 => 2, _ => 1 }; n > 0; n--)
                Field(b, random, name, string.Join(random.Next(5) == 0 ? ",\r\n\t" : ", ", Enumerable.Range(0, random.Next(4)).Select(_ => Any(random, Addresses))));
        if (strayLines && random.Next(10) == 0) b.Append("no colon here").Append(Eol(random));
        if (random.Next(10) == 0) Field(b, random, "X-Huge", new string('h', random.Next(100_000)));
        if (random.Next(30) == 0)
            for (var i = 0; i < 3000; i++) b.Append("X-Many: ").Append(i).Append("\r\n");
        if (strayLines && random.Next(15) == 0) b.Append(" begins folded").Append(Eol(random));
    }

    static void Entity(StringBuilder b, Random random, int depth, bool strayLines)
    {
        var kind = depth > 5 ? 9 : random.Next(10);
        if (random.Next(3) == 0) Field(b, random, "Content-Disposition", Any(random, ["attachment", "inline; filename=x.txt", "attachment; filename*=utf-8''%e2%82%ac", "", "; filename=a", "attachment; filename=\"a b", "attachment; filename*0=a; filename*1=b", "a b c"]));
        if (random.Next(6) == 0) Field(b, random, "Content-ID", Any(random, Texts));
        if (random.Next(6) == 0) Field(b, random, "Content-Description", Any(random, Texts));
        if (random.Next(8) == 0) Field(b, random, "Content-Language", Any(random, ["en", "en, de", "", ",,", "en de", "(c) fr"]));
        if (random.Next(8) == 0) Field(b, random, "Content-Location", Any(random, Texts));
        if (random.Next(8) == 0) Field(b, random, "Content-MD5", "Q2hlY2sgSW50ZWdyaXR5IQ==");
        if (kind < 4) Multipart(b, random, depth, strayLines);
        else if (kind == 4)
        {
            Field(b, random, "Content-Type", "message/rfc822");
            if (random.Next(4) == 0) Field(b, random, "Content-Transfer-Encoding", Any(random, Encodings));
            b.Append(Eol(random));
            Header(b, random, strayLines);
            Entity(b, random, depth + 1, strayLines);
        }
        else
        {
            if (random.Next(5) > 0)
                Field(b, random, "Content-Type", Any(random, Types) + (random.Next(2) == 0 ? "; charset=" + Any(random, Charsets) : "") + (random.Next(5) == 0 ? "; name=\"x; y\"" : ""));
            if (random.Next(2) == 0) Field(b, random, "Content-Transfer-Encoding", Any(random, Encodings));
            if (random.Next(20) > 0) b.Append(Eol(random));
            for (var lines = random.Next(6); lines > 0; lines--) b.Append(Any(random, Texts)).Append(Eol(random));
        }
    }

    static void Multipart(StringBuilder b, Random random, int depth, bool strayLines)
    {
        var boundary = Any(random, ["b", "b b", "=_" + depth, "b" + depth, "long" + new string('y', 60), "", "'q'", "b:" + depth]);
        Field(b, random, "Content-Type", Any(random, ["multipart/mixed", "multipart/alternative", "multipart/digest", "multipart/", "MULTIPART/Related"])
            + Any(random, ["; ", ";\r\n ", ";"]) + Any(random, ["boundary=\"" + boundary + "\"", "boundary=" + boundary, "BOUNDARY=\"" + boundary + "\"", "boundary*0=\"" + boundary + "\"", ""]));
        if (random.Next(15) == 0) Field(b, random, "Content-Transfer-Encoding", "base64");
        if (random.Next(20) > 0) b.Append(Eol(random));
        if (random.Next(3) == 0) b.Append("preamble").Append(Eol(random));
        for (var n = random.Next(5); n > 0; n--)
        {
            b.Append("--").Append(boundary).Append(random.Next(15) == 0 ? "  " : "").Append(Eol(random));
            Entity(b, random, depth + 1, strayLines);
            if (random.Next(10) > 0) b.Append(Eol(random));
        }
        if (random.Next(6) > 0) b.Append("--").Append(boundary).Append("--").Append(Eol(random));
        if (random.Next(3) == 0) b.Append("epilogue").Append(Eol(random));
    }
}
