using FsCheck;
using FsCheck.Fluent;
using Posthorn.Dns;
using Posthorn.Dns.Packets;
using Posthorn.Tests.Testing.Dns;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Dns;

/// <summary>No octets make the reader throw, read outside or go in circles.</summary>
public sealed class PacketProperties
{
    static readonly DnsType[] s_types = Enum.GetValues<DnsType>();

    static DnsReply? Read(byte[] packet, DnsType type) => ReplyReader.Read(packet, type, TimeSpan.Zero, TimeSpan.FromDays(1));

    static byte[] Rich()
    {
        var writer = DnsWriter.Answer(7, 0x81A0, answers: 10, authorities: 1, additionals: 2).Question("mail.a.test", DnsType.Mx);
        writer.Pointer(12).Rest(5, 300, DnsWriter.Data(DnsType.Cname, "b.test"));
        writer.Name("b.test").Rest(15, 300, [0, 10, 2, (byte)'m', (byte)'x', 0xC0, 17]);
        foreach (var (type, data) in new[] { (DnsType.A, "192.0.2.1"), (DnsType.Aaaa, "2001:db8::1"), (DnsType.Mx, "10 mx.test"), (DnsType.Txt, "v=spf1"), (DnsType.Ptr, "p.test"), (DnsType.Tlsa, "3 1 1 0a0b"), (DnsType.Srv, "1 2 3 s.test"), (DnsType.Cname, "c.test") })
            writer.Pointer(12).Rest((int)type, 60, DnsWriter.Data(type, data));
        return writer.Record("test", 6, 60, DnsWriter.Soa(5)).Record("x.test", 1, 60, [1, 2, 3, 4]).Opt(6).ToArray();
    }

    [Fact]
    public void Any_octets_are_read_or_not()
    {
        var octets = Gen.Choose(0, 255).Select(i => (byte)i).ArrayOf();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5000).WithEndSize(200), Prop.ForAll(octets.ToArbitrary(), packet =>
        {
            foreach (var type in s_types) Read(packet, type);
            Read([0, 7, 0x81, 0x80, 0, 1, 0, 9, 0, 9, 0, 9, .. packet], DnsType.Txt);
            DnsQuery.Create("a.test", DnsType.A, edns: true).Match(packet).ShouldBe(QueryMatch.NotOurs);
        }));
    }

    [Fact]
    public void Changed_answers_are_read_or_not()
    {
        var rich = Rich();
        foreach (var type in s_types) Read(rich, type).ShouldNotBeNull(type.ToString()).Records.Count.ShouldBeGreaterThan(0);
        // Every cut, and every octet with the values that mean something to a parser.
        for (var cut = 0; cut < rich.Length; cut++) Read(rich[..cut], DnsType.Mx).ShouldBeNull($"cut at {cut}");
        foreach (var value in (ReadOnlySpan<byte>)[0, 1, 0x3F, 0x40, 0x80, 0xC0, 0xC1, 0xFF])
            for (var at = 0; at < rich.Length; at++)
            {
                var changed = (byte[])rich.Clone();
                changed[at] = value;
                foreach (var type in s_types) Read(changed, type);
            }
        var edits = Gen.Choose(0, rich.Length - 1).Zip(Gen.Choose(0, 255), (at, value) => (at, value)).ArrayOf();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5000).WithEndSize(40), Prop.ForAll(edits.ToArbitrary(), list =>
        {
            var changed = (byte[])rich.Clone();
            foreach (var (at, value) in list) changed[at] = (byte)value;
            foreach (var type in s_types) Read(changed, type);
        }));
    }

    [Fact]
    public void The_work_is_bounded_by_the_size()
    {
        // The worst that fits: names of full length, each by 16 jumps, in every record of the largest packet.
        var writer = DnsWriter.Answer(7, 0x8180, answers: 65535).Raw(new byte[5]);
        var first = writer.Length;
        writer.Name(string.Join('.', new string('a', 63), new string('b', 63), new string('c', 63), new string('d', 61)));
        var last = first;
        for (var i = 0; i < 14; i++)
        {
            var at = writer.Length;
            writer.Pointer(last);
            last = at;
        }
        while (writer.Length < 65_500) writer.Pointer(last).Rest(5, 1, [(byte)(0xC0 | last >> 8), (byte)last]);
        var packet = writer.ToArray();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Read(packet, DnsType.A);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(16 << 20);
    }

    [Fact]
    public void Names_come_out_as_they_went_in()
    {
        var label = Gen.Elements("abcdefghijklmnopqrstuvwxyz0123456789-_/+".ToCharArray()).ArrayOf().Where(a => a.Length is > 0 and < 64).Select(a => new string(a));
        var names = label.ArrayOf().Where(a => a.Length is > 0 and < 12).Select(a => string.Join('.', a)).Where(n => n.Length <= 253);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000).WithEndSize(63), Prop.ForAll(names.ToArbitrary(), name =>
        {
            DnsName.Normalise(name.ToUpperInvariant() + ".").ShouldBe(name);
            var at = 12;
            var text = new char[NameReader.MaxText];
            NameReader.TryRead(DnsQuery.Create(name, DnsType.A, edns: false).Octets.Span, ref at, text, out var length).ShouldBeTrue();
            new string(text, 0, length).ShouldBe(name);
        }));
    }
}
