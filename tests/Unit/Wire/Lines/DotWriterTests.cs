using System.Text;
using Posthorn.Tests.Testing.Transport;
using Posthorn.Wire.Connections;
using Posthorn.Wire.Lines;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Wire.Lines;

public class DotWriterTests
{
    static async Task<string> WrittenAsync(Action<Connection> write)
    {
        await using var transport = new MemoryTransport(TimeProvider.System);
        write(transport.Server);
        await transport.Server.FlushAsync();
        await transport.Server.DisposeAsync();
        using var said = new MemoryStream();
        await transport.Client.CopyToAsync(said);
        return Encoding.Latin1.GetString(said.ToArray());
    }

    static Task<string> BlockAsync(string text, int pieces) => WrittenAsync(c =>
    {
        var writer = new DotWriter(c);
        var octets = Encoding.Latin1.GetBytes(text);
        for (var i = 0; i < octets.Length; i += pieces) writer.Write(octets.AsSpan(i, Math.Min(pieces, octets.Length - i)));
        writer.End();
    });

    [Theory]
    [InlineData("", ".\r\n")]
    [InlineData("a", "a\r\n.\r\n")]
    [InlineData("a\r\n", "a\r\n.\r\n")]
    [InlineData(".", "..\r\n.\r\n")]
    [InlineData(".\r\n..\r\n", "..\r\n...\r\n.\r\n")]
    [InlineData("a.\r\n.b\r\n", "a.\r\n..b\r\n.\r\n")]
    [InlineData("a\n.\nb", "a\r\n..\r\nb\r\n.\r\n")]
    [InlineData("a\r.\rb\r", "a\r\n..\r\nb\r\n.\r\n")]
    [InlineData("\n", "\r\n.\r\n")]
    public async Task Stuffs_dots_and_mends_line_ends(string text, string wire)
    {
        for (var pieces = 1; pieces <= text.Length + 1; pieces++) (await BlockAsync(text, pieces)).ShouldBe(wire);
    }

    [Fact]
    public async Task What_is_written_is_read_back()
    {
        var random = new Random(7);
        for (var round = 0; round < 300; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => new string('x', random.Next(40)) + (random.Next(4) == 0 ? "\r\n." : "\r\n")));
            if (text.Length > 0 && !text.EndsWith("\r\n")) text += "\r\n";
            var wire = Encoding.Latin1.GetBytes(await BlockAsync(text, random.Next(1, 100)));
            var reader = new DotReader();
            reader.Begin(dotted: true, repairBareLf: false);
            var back = new StringBuilder();
            for (var at = 0; ;)
            {
                var done = reader.Read(wire.AsMemory(at), out var used, out var piece);
                back.Append(Encoding.Latin1.GetString(piece.Span));
                at += used;
                if (done) { at.ShouldBe(wire.Length); break; }
            }
            reader.Malformed.ShouldBeFalse();
            back.ToString().ShouldBe(text);
        }
    }

    /// <summary>Threat table: CRLF in envelope/headers we emit.</summary>
    [Theory, InlineData("a\rb"), InlineData("a\nb"), InlineData("a\0b"), InlineData("\r\n")]
    public async Task SmtpLine_refuses_CR_LF_and_NUL(string text)
    {
        (await WrittenAsync(c =>
        {
            Should.Throw<ArgumentException>(() => SmtpLine.Write(c, text, utf8: true));
            Should.Throw<ArgumentException>(() => SmtpLine.Write(c, Encoding.UTF8.GetBytes(text)));
        })).ShouldBe("");
    }

    [Fact]
    public async Task SmtpLine_keeps_to_ASCII_unless_told()
    {
        (await WrittenAsync(c => SmtpLine.Write(c, "jörg", utf8: false))).ShouldBe("j?rg");
        (await WrittenAsync(c => SmtpLine.Write(c, "ö", utf8: true))).ShouldBe("\u00c3\u00b6");
    }
}
