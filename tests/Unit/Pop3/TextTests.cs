using System.Text;
using Posthorn.Pop3;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Pop3;

public class Pop3GrammarTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("1", 1)]
    [InlineData("007", 7)]
    [InlineData("2147483647", int.MaxValue)]
    [InlineData("2147483648", int.MaxValue)]
    [InlineData("18446744073709551617", int.MaxValue)]
    [InlineData("99999999999999999999999999999999999999999999", int.MaxValue)]
    public void Numbers(string text, int value)
    {
        Pop3Grammar.TryNumber(Encoding.UTF8.GetBytes(text), out var number).ShouldBeTrue();
        number.ShouldBe(value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("1 ")]
    [InlineData(" 1")]
    [InlineData("1,2")]
    [InlineData("0x1")]
    [InlineData("1\t")]
    [InlineData("\u0661")]
    public void Not_numbers(string text) => Pop3Grammar.TryNumber(Encoding.UTF8.GetBytes(text), out _).ShouldBeFalse();

    [Fact]
    public void Every_verb_is_found_in_any_case()
    {
        foreach (var command in Pop3Commands.All)
        {
            Pop3Commands.Find(Encoding.ASCII.GetBytes(command.Verb)).ShouldBe(command);
            Pop3Commands.Find(Encoding.ASCII.GetBytes(command.Verb.ToLowerInvariant())).ShouldBe(command);
        }
        foreach (var wrong in new[] { "", "RE", "RETRX", "\0TOP", "APOP", "ret", "rETr " })
            Pop3Commands.Find(Encoding.ASCII.GetBytes(wrong)).ShouldBeNull();
    }

    [Fact]
    public void The_matrix_of_verbs_and_states_is_the_one_of_the_rfcs() =>
        string.Join(";", Pop3Commands.All.OrderBy(c => c.Verb, StringComparer.Ordinal).Select(c => $"{c.Verb} {c.When & (When.Authorization | When.Transaction)}"))
            .ShouldBe("AUTH Authorization;CAPA Authorization, Transaction;DELE Transaction;LIST Transaction;NOOP Transaction;PASS Authorization;"
                + "QUIT Authorization, Transaction;RETR Transaction;RSET Transaction;STAT Transaction;STLS Authorization;TOP Transaction;"
                + "UIDL Transaction;USER Authorization;UTF8 Authorization");
}

public class DotStuffingTests
{
    static string Stuff(string text, int piece)
    {
        var octets = Encoding.ASCII.GetBytes(text);
        var output = new List<byte>();
        var lineStart = true;
        for (var i = 0; i < octets.Length; i += piece)
        {
            var part = octets.AsSpan(i, Math.Min(piece, octets.Length - i));
            var to = new byte[DotStuffing.Room(part.Length)];
            output.AddRange(to.AsSpan(0, DotStuffing.Copy(part, to, ref lineStart)));
        }
        return Encoding.ASCII.GetString(output.ToArray());
    }

    [Theory]
    [InlineData("", "")]
    [InlineData(".", "..")]
    [InlineData("..", "...")]
    [InlineData(".\r\n", "..\r\n")]
    [InlineData("a.\r\n.b\r\n..\r\nc", "a.\r\n..b\r\n...\r\nc")]
    [InlineData("a\n.\nb", "a\n..\nb")] // a client content with LF must not see an end here
    [InlineData("a\r.b", "a\r.b")]
    public void Lines_that_begin_with_a_dot(string text, string stuffed)
    {
        for (var piece = 1; piece <= text.Length + 1; piece++) Stuff(text, piece).ShouldBe(stuffed);
        DotStuffing.IsPlain(Encoding.ASCII.GetBytes(text), true).ShouldBe(text == stuffed);
    }

    [Fact]
    public void Any_text_in_any_pieces()
    {
        var random = new Random(1939);
        for (var run = 0; run < 5000; run++)
        {
            var text = new string([.. Enumerable.Range(0, random.Next(24)).Select(_ => "..\r\n\nab"[random.Next(7)])]);
            var want = new StringBuilder();
            for (var i = 0; i < text.Length; i++)
            {
                if (text[i] == '.' && (i == 0 || text[i - 1] == '\n')) want.Append('.');
                want.Append(text[i]);
            }
            Stuff(text, random.Next(1, 9)).ShouldBe(want.ToString());
        }
    }
}

public class LineLimitTests
{
    static string Cut(string text, int lines, int piece)
    {
        var limit = new LineLimit(lines);
        var octets = Encoding.ASCII.GetBytes(text);
        var taken = 0;
        for (var i = 0; i < octets.Length; i += piece)
        {
            var part = octets.AsSpan(i, Math.Min(piece, octets.Length - i));
            var n = limit.Take(part);
            taken += n;
            if (n < part.Length) break;
        }
        return text[..taken];
    }

    [Theory]
    [InlineData("A: b\r\n\r\n1\r\n2\r\n3\r\n", 0, "A: b\r\n\r\n")]
    [InlineData("A: b\r\n\r\n1\r\n2\r\n3\r\n", 1, "A: b\r\n\r\n1\r\n")]
    [InlineData("A: b\r\n\r\n1\r\n2\r\n3\r\n", 3, "A: b\r\n\r\n1\r\n2\r\n3\r\n")]
    [InlineData("A: b\r\n\r\n1\r\n2\r\n3\r\n", 99, "A: b\r\n\r\n1\r\n2\r\n3\r\n")]
    [InlineData("A: b\r\n\r\n1\r\n2", 2, "A: b\r\n\r\n1\r\n2")]
    [InlineData("A: b\r\n\r\n\r\n\r\nx\r\n", 1, "A: b\r\n\r\n\r\n")]
    [InlineData("\r\n1\r\n2\r\n", 1, "\r\n1\r\n")]
    [InlineData("A: b\r\nC: d", 0, "A: b\r\nC: d")]
    [InlineData("", 5, "")]
    public void Header_empty_line_and_n_lines(string text, int lines, string part)
    {
        for (var piece = 1; piece <= text.Length + 1; piece++) Cut(text, lines, piece).ShouldBe(part, $"pieces of {piece}");
    }
}

public class Utf8SurrogateTests
{
    [Theory]
    [InlineData("Subject: plain\r\n", "Subject: plain\r\n")]
    [InlineData("Subject: Grüße\r\n", "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n")]
    [InlineData("Subject: ü ß x\r\n", "Subject: =?utf-8?B?w7w=?= =?utf-8?B?IMOf?= x\r\n")]
    [InlineData("From: \"Jürgen\" <jürgen@exämple.test>\r\n", "From: \"=?utf-8?B?SsO8cmdlbg==?=\" <=?utf-8?B?asO8cmdlbg==?=@=?utf-8?B?ZXjDpG1wbGUudGVzdA==?=>\r\n")]
    public void Words_in_utf8_become_encoded_words(string header, string surrogate) =>
        Encoding.UTF8.GetString(Utf8Surrogate.Rewrite(Encoding.UTF8.GetBytes(header))).ShouldBe(surrogate);

    [Fact]
    public void Other_8_bit_octets_stay() =>
        Utf8Surrogate.Rewrite([.. "A: "u8, 0xFC, 0x20, 0x80, .. "\r\n"u8]).ShouldBe([.. "A: "u8, 0xFC, 0x20, 0x80, .. "\r\n"u8]);

    [Fact]
    public void Any_octets_come_out_without_utf8_and_without_a_lost_line()
    {
        var random = new Random(6856);
        for (var run = 0; run < 5000; run++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(80)).Select(_ => new[] { "ü", "日", "🔑", "a", " ", "\r\n ", "<", "\"", ".", "@" }[random.Next(10)])) + "\r\n";
            var output = Utf8Surrogate.Rewrite(Encoding.UTF8.GetBytes(text));
            Utf8Surrogate.IsNeeded(output).ShouldBeFalse();
            foreach (var line in Encoding.ASCII.GetString(output).Split("\r\n"))
                foreach (var word in line.Split(' ')) (word.StartsWith("=?") && word.IndexOf("?=") == word.Length - 2 && word.Length > 76).ShouldBeFalse();
        }
    }

    [Fact]
    public void Header_length()
    {
        Utf8Surrogate.HeaderLength("A: b\r\n\r\nbody"u8).ShouldBe(6);
        Utf8Surrogate.HeaderLength("\r\nbody"u8).ShouldBe(0);
        Utf8Surrogate.HeaderLength("A: b\r\n"u8).ShouldBe(6);
    }
}
