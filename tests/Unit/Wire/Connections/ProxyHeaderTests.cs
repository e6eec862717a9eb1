using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Wire.Connections;
using Shouldly;
using Xunit;
using static Posthorn.Wire.Connections.ProxyHeader;

namespace Posthorn.Tests.Unit.Wire.Connections;

public class ProxyHeaderTests
{
    static readonly byte[] V2 =
    [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A, 0x21, 0x11, 0x00, 0x0F,
        192, 0, 2, 1, 198, 51, 100, 2, 0xC0, 0x01, 0x00, 0x19, 0xEE, 0x00, 0x00,
    ];

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 49153 25\r\n", "192.0.2.1:49153", "198.51.100.2:25")]
    [InlineData("PROXY TCP6 2001:db8::1 2001:db8::2 49153 25\r\n", "[2001:db8::1]:49153", "[2001:db8::2]:25")]
    public void Version_1_names_both_ends(string header, string source, string destination)
    {
        var octets = Encoding.ASCII.GetBytes(header + "EHLO x\r\n");
        Read(octets, out var s, out var d, out var length).ShouldBe(Found.Proxied);
        s!.ToString().ShouldBe(source);
        d!.ToString().ShouldBe(destination);
        length.ShouldBe(header.Length);
    }

    [Fact]
    public void Version_2_names_both_ends_and_skips_its_extras()
    {
        Read(V2, out var s, out var d, out var length).ShouldBe(Found.Proxied);
        (s!.ToString(), d!.ToString(), length).ShouldBe(("192.0.2.1:49153", "198.51.100.2:25", V2.Length));
    }

    [Fact]
    public void Every_shorter_start_of_a_header_is_incomplete()
    {
        var v1 = "PROXY TCP4 192.0.2.1 198.51.100.2 49153 25\r\n"u8.ToArray();
        foreach (var header in new[] { v1, V2 })
            for (var n = 0; n < header.Length; n++)
                Read(header.AsSpan(0, n), out _, out _, out _).ShouldBe(Found.Incomplete, $"{n} octets");
    }

    [Theory]
    [InlineData("EHLO there\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 49153\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 2001:db8::2 49153 25\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 65536 25\r\n")]
    [InlineData("PROXY TCP5 192.0.2.1 198.51.100.2 1 25\r\n")]
    public void Anything_else_is_bad(string text) => Read(Encoding.ASCII.GetBytes(text), out _, out _, out _).ShouldBe(Found.Bad);

    [Fact]
    public void Unknown_keeps_the_connections_own_addresses()
    {
        Read("PROXY UNKNOWN\r\n"u8, out _, out _, out var length).ShouldBe(Found.Own);
        length.ShouldBe(15);
    }

    [Fact]
    public void A_line_that_never_ends_is_bad_and_not_waited_for() =>
        Read(Encoding.ASCII.GetBytes("PROXY TCP4 " + new string('1', 120)), out _, out _, out _).ShouldBe(Found.Bad);

    [Fact]
    public void No_octets_make_it_throw() =>
        Prop.ForAll<byte[]>(tail =>
        {
            Read([.. V2[..13], .. tail], out _, out _, out _);
            Read([.. "PROXY "u8, .. tail], out _, out _, out _);
        }).Check(Config.QuickThrowOnFailure);
}
