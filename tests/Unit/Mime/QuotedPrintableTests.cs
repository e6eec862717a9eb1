using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Mime.Encodings;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Mime;

public class QuotedPrintableTests
{
    static string Encode(ReadOnlySpan<byte> text)
    {
        var w = new ArrayBufferWriter<byte>();
        QuotedPrintable.Encode(text, w);
        return Encoding.ASCII.GetString(w.WrittenSpan);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("a=b\r\n", "a=3Db\r\n")]
    [InlineData("a \r\nb\t", "a=20\r\nb=09")]
    [InlineData("a\rb\nc\0", "a=0Db=0Ac=00")]
    [InlineData("\u00fc", "=C3=BC")]
    [InlineData("a b\tc\r\n\r\n", "a b\tc\r\n\r\n")]
    public void Text(string text, string encoded) => Encode(Encoding.UTF8.GetBytes(text)).ShouldBe(encoded);

    [Fact]
    public void Lines_of_76_are_whole_and_longer_ones_are_broken()
    {
        Encode(Encoding.ASCII.GetBytes(new string('x', 76))).ShouldBe(new string('x', 76));
        Encode(Encoding.ASCII.GetBytes(new string('x', 77) + "\r\n")).ShouldBe(new string('x', 75) + "=\r\nxx\r\n");
    }

    [Fact]
    public void Any_octets_come_back() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll<byte[]>(octets =>
        {
            octets = [.. octets.SelectMany(o => o % 7 == 0 ? "\r\n"u8.ToArray() : o % 11 == 0 ? " = "u8.ToArray() : new[] { o })];
            var text = Encode(octets);
            return text.Split("\r\n").All(l => l.Length <= 76 && !l.EndsWith(' ') && !l.EndsWith('\t')) && Decode(text).SequenceEqual(octets);
        }));

    static byte[] Decode(string text)
    {
        text = text.Replace("=\r\n", "");
        var octets = new List<byte>();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '=') octets.Add((byte)text[i]);
            else
            {
                octets.Add(Convert.ToByte(text.Substring(i + 1, 2), 16));
                i += 2;
            }
        }
        return [.. octets];
    }
}
