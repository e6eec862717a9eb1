using System.Net;
using Posthorn.Dns;
using Posthorn.Dns.Asking;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Dns;

public sealed class NameTests
{
    [Theory]
    [InlineData("Example.ORG", "example.org")]
    [InlineData("example.org.", "example.org")]
    [InlineData("", "")]
    [InlineData(".", "")]
    [InlineData("_25._tcp.mx.example", "_25._tcp.mx.example")]
    [InlineData("1.0/25.2.0.192.in-addr.arpa", "1.0/25.2.0.192.in-addr.arpa")]
    [InlineData("MÜLLER.example", "xn--mller-kva.example")]
    [InlineData("_25._tcp.münchen.example", "_25._tcp.xn--mnchen-3ya.example")]
    public void One_form_of_a_name(string text, string name) => DnsName.Normalise(text).ShouldBe(name);

    [Theory]
    [InlineData("..")]
    [InlineData(".a")]
    [InlineData("a..b")]
    [InlineData("a b")]
    [InlineData("a\r\nb.example")]
    [InlineData(@"a\046b")]
    [InlineData("a\0b")]
    public void What_is_no_name(string text) => DnsName.Normalise(text).ShouldBeNull();

    [Fact]
    public void Lengths()
    {
        DnsName.Normalise(new string('a', 63)).ShouldNotBeNull();
        DnsName.Normalise(new string('a', 64)).ShouldBeNull();
        var longest = string.Join('.', Enumerable.Repeat("abc", 63)) + ".d";
        longest.Length.ShouldBe(253);
        DnsName.Normalise(longest).ShouldNotBeNull();
        DnsName.Normalise(longest + ".").ShouldNotBeNull();
        DnsName.Normalise(longest + "e").ShouldBeNull();
        DnsName.Normalise(new string('ü', 100_000)).ShouldBeNull();
    }

    [Theory]
    [InlineData("192.0.2.1", "1.2.0.192.in-addr.arpa")]
    [InlineData("::ffff:192.0.2.1", "1.2.0.192.in-addr.arpa")]
    [InlineData("2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa")]
    public void Names_of_addresses(string address, string name) => DnsName.Reverse(IPAddress.Parse(address)).ShouldBe(name);

    [Fact]
    public void Resolv_conf()
    {
        var conf = ResolvConf.Parse("# comment\nsearch corp.example\nnameserver 192.0.2.1\r\n\tnameserver\t2001:db8::1 # mine\nnameserver nonsense\nnameserver\n;nameserver 192.0.2.9\noptions edns0 trust-ad\n");
        conf.Servers.Select(s => s.ToString()).ShouldBe(["192.0.2.1", "2001:db8::1"]);
        conf.TrustAd.ShouldBeTrue();
        var empty = ResolvConf.Parse("options ndots:2\n");
        empty.Servers.ShouldBe([IPAddress.Loopback]);
        empty.TrustAd.ShouldBeFalse();
        ResolvConf.Parse(string.Concat(Enumerable.Range(1, 200).Select(i => $"nameserver 192.0.2.{i}\n"))).Servers.Count.ShouldBe(8);
    }
}
