using System.Net;
using Posthorn.Dns;
using Posthorn.Dns.Packets;
using Posthorn.Tests.Testing.Dns;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Dns;

/// <summary>The format of the wire, by packets made by hand.</summary>
public sealed class PacketTests
{
    static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    static DnsReply? Read(DnsWriter packet, DnsType type) => ReplyReader.Read(packet.ToArray(), type, TimeSpan.FromSeconds(5), s_day);

    static DnsReply Good(DnsWriter packet, DnsType type) => Read(packet, type).ShouldNotBeNull();

    static DnsWriter Head(DnsType type, int answers = 1) => DnsWriter.Answer(7, 0x8180, answers: answers).Question("a.test", type);

    [Theory]
    [InlineData(DnsType.A, "192.0.2.1")]
    [InlineData(DnsType.Aaaa, "2001:db8::1")]
    [InlineData(DnsType.Mx, "10 MX.Example")]
    [InlineData(DnsType.Txt, "v=spf1 -all")]
    [InlineData(DnsType.Ptr, "host.example")]
    [InlineData(DnsType.Cname, "other.example")]
    [InlineData(DnsType.Tlsa, "3 1 1 0A0B0C")]
    [InlineData(DnsType.Srv, "1 2 25 srv.example")]
    public void Each_type_of_record(DnsType type, string data)
    {
        var reply = Good(Head(type).Pointer(12).Rest((int)type, 300, DnsWriter.Data(type, data)), type);
        var record = reply.Records.ShouldHaveSingleItem();
        record.Owner.ShouldBe("a.test");
        record.Alias.ShouldBeFalse();
        record.Record.Ttl.ShouldBe(TimeSpan.FromSeconds(300));
        var text = record.Record switch
        {
            DnsRecord.Host h => h.Address.ToString(),
            DnsRecord.Mx m => $"{m.Preference} {m.Exchange}",
            DnsRecord.Txt t => t.Text,
            DnsRecord.Name n => n.Target,
            DnsRecord.Tlsa t => $"{t.Usage} {t.Selector} {t.MatchingType} {Convert.ToHexString(t.Data)}",
            DnsRecord.Srv s => $"{s.Priority} {s.Weight} {s.Port} {s.Target}",
            _ => "",
        };
        text.ShouldBe(type == DnsType.Mx ? "10 mx.example" : data);
    }

    [Fact]
    public void A_null_MX_is_the_root() =>
        ((DnsRecord.Mx)Good(Head(DnsType.Mx).Pointer(12).Rest(15, 300, [0, 0, 0]), DnsType.Mx).Records[0].Record).Exchange.ShouldBe("");

    [Fact]
    public void Strings_of_a_TXT_are_joined_and_octets_kept()
    {
        byte[] data = [3, .. "v=s"u8, 0, 4, .. "pf1 "u8, 2, 0xFF, 0x07];
        ((DnsRecord.Txt)Good(Head(DnsType.Txt).Pointer(12).Rest(16, 300, data), DnsType.Txt).Records[0].Record).Text.ShouldBe("v=spf1 \u00FF\u0007");
    }

    [Theory]
    [InlineData(0u, 5)]
    [InlineData(4u, 5)]
    [InlineData(3600u, 3600)]
    [InlineData(604_800u, 86_400)]
    [InlineData(0x7FFFFFFFu, 86_400)]
    [InlineData(0x80000000u, 5)] // RFC 2181 §8
    public void Lives_are_kept_in_bounds(uint ttl, int seconds) =>
        Good(Head(DnsType.A).Pointer(12).Rest(1, ttl, [192, 0, 2, 1]), DnsType.A).Records[0].Record.Ttl.ShouldBe(TimeSpan.FromSeconds(seconds));

    [Fact]
    public void Names_that_could_disturb_a_log_are_escaped()
    {
        var name = new DnsWriter().U8(5).Raw("a\r\n.b"u8).U8(3).Raw([0x1B, 0x5C, 0xC3]).Name("").ToArray();
        ((DnsRecord.Name)Good(Head(DnsType.Ptr).Pointer(12).Rest(12, 300, name), DnsType.Ptr).Records[0].Record).Target.ShouldBe(@"a\013\010\046b.\027\092\195");
    }

    [Fact]
    public void Records_of_other_types_and_classes_are_passed_over()
    {
        var packet = Head(DnsType.A, 4).Pointer(12).Rest(46, 300, [1, 2, 3]).Pointer(12).Rest(65, 300, []).Pointer(12).U16(1).U16(3).U32(1).U16(2).U16(0).Pointer(12).Rest(1, 300, [192, 0, 2, 1]);
        Good(packet, DnsType.A).Records.Count.ShouldBe(1);
    }

    [Fact]
    public void The_authority_section_says_how_long_nothing_holds()
    {
        Good(DnsWriter.Answer(7, 0x8183, authorities: 1).Question("a.test", DnsType.A).Record("test", 6, 3600, DnsWriter.Soa(60)), DnsType.A).NegativeTtl.ShouldBe(TimeSpan.FromMinutes(1));
        Good(DnsWriter.Answer(7, 0x8183, authorities: 1).Question("a.test", DnsType.A).Record("test", 6, 30, DnsWriter.Soa(60)), DnsType.A).NegativeTtl.ShouldBe(TimeSpan.FromSeconds(30));
        Good(DnsWriter.Answer(7, 0x8183).Question("a.test", DnsType.A), DnsType.A).NegativeTtl.ShouldBeNull();
    }

    [Fact]
    public void The_OPT_record_extends_code_and_reason()
    {
        var bogus = Good(DnsWriter.Answer(7, 0x8182, additionals: 1).Question("a.test", DnsType.A).Opt(error: 7), DnsType.A);
        bogus.Bogus.ShouldBeTrue();
        bogus.Refusal.ShouldBe("says that the signatures of the answer are not valid (signature expired)");
        Good(DnsWriter.Answer(7, 0x8182, additionals: 1).Question("a.test", DnsType.A).Opt(error: 22), DnsType.A).Bogus.ShouldBeFalse();
        Good(DnsWriter.Answer(7, 0x8180, additionals: 1).Question("a.test", DnsType.A).Opt(error: 6), DnsType.A).Bogus.ShouldBeFalse(); // only with SERVFAIL
        Good(DnsWriter.Answer(7, 0x8180, additionals: 1).Question("a.test", DnsType.A).Opt(extendedRcode: 1), DnsType.A).Rcode.ShouldBe(16);
    }

    [Theory]
    [InlineData("C00C")] // at itself
    [InlineData("C030")] // forwards
    [InlineData("FFFF")] // outside
    [InlineData("C0")] // half a pointer
    [InlineData("40")] // a kind of label that there is not
    [InlineData("80")]
    [InlineData("3F61")] // runs out
    [InlineData("0161")] // no end
    [InlineData("0161C00C")] // a label and then itself: forwards from where it stands
    public void Names_that_lead_nowhere(string hex)
    {
        byte[] packet = [.. new byte[12], .. Convert.FromHexString(hex)];
        var at = 12;
        NameReader.TryRead(packet, ref at, new char[NameReader.MaxText], out _).ShouldBeFalse();
    }

    [Fact]
    public void Pointers_lead_backwards_and_are_at_most_16()
    {
        // "a" and behind it pointers, each to the one before.
        var packet = new byte[12 + 3 + 2 * 20];
        packet[12] = 1;
        packet[13] = (byte)'a';
        for (var i = 0; i < 20; i++) (packet[15 + 2 * i], packet[16 + 2 * i]) = (0xC0, (byte)(i == 0 ? 12 : 13 + 2 * i));
        for (var i = 0; i < 20; i++)
        {
            var at = 15 + 2 * i;
            var text = new char[NameReader.MaxText];
            NameReader.TryRead(packet, ref at, text, out var length).ShouldBe(i < 16, $"{i + 1} jumps");
            if (i >= 16) continue;
            new string(text, 0, length).ShouldBe("a");
            at.ShouldBe(17 + 2 * i);
        }
    }

    [Fact]
    public void Names_have_255_octets_and_no_more()
    {
        var longest = string.Join('.', new string('a', 63), new string('b', 63), new string('c', 63), new string('d', 61));
        foreach (var (name, good) in new[] { (longest, true), (longest + "d", false) })
        {
            var at = 0;
            NameReader.TryRead(new DnsWriter().Name(name).ToArray(), ref at, new char[NameReader.MaxText], out var length).ShouldBe(good);
            if (good) length.ShouldBe(253);
        }
    }

    [Fact]
    public void A_name_of_nothing_but_escapes_has_room()
    {
        var writer = new DnsWriter();
        for (var i = 0; i < 3; i++) writer.U8(63).Raw(new byte[63]);
        var at = 0;
        NameReader.TryRead(writer.U8(61).Raw(new byte[61]).U8(0).ToArray(), ref at, new char[NameReader.MaxText], out var length).ShouldBeTrue();
        length.ShouldBe(250 * 4 + 3);
    }

    public static TheoryData<string, byte[]> Broken() => new()
    {
        { "fewer records than it says", Head(DnsType.Mx, 2).Pointer(12).Rest(15, 300, DnsWriter.Data(DnsType.Mx, "10 mx.test")).ToArray() },
        { "65535 records", DnsWriter.Answer(7, 0x8180, answers: 65535).Question("a.test", DnsType.Mx).ToArray() },
        { "data over the end", Head(DnsType.Mx).Pointer(12).U16(15).U16(1).U32(300).U16(500).U16(10).Name("mx.test").ToArray() },
        { "MX without a name", Head(DnsType.Mx).Pointer(12).Rest(15, 300, [0, 10]).ToArray() },
        { "MX longer than its data", Head(DnsType.Mx).Pointer(12).U16(15).U16(1).U32(300).U16(4).U16(10).Name("mx.test").ToArray() },
        { "MX shorter than its data", Head(DnsType.Mx).Pointer(12).Rest(15, 300, [0, 10, 1, (byte)'a', 0, 9, 9]).ToArray() },
        { "a CNAME of nothing", Head(DnsType.Mx).Pointer(12).Rest(5, 300, []).ToArray() },
        { "an option over the end", DnsWriter.Answer(7, 0x8180, additionals: 1).Question("a.test", DnsType.Mx).U8(0).U16(41).U16(1232).U32(0).U16(4).U16(15).U16(99).ToArray() },
        { "a header alone", DnsWriter.Answer(7, 0x8180).ToArray() },
        { "half a header", [0, 7, 0x81] },
        { "nothing", [] },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void Broken_answers_are_none(string what, byte[] packet) => ReplyReader.Read(packet, DnsType.Mx, TimeSpan.Zero, s_day).ShouldBeNull(what);

    [Theory]
    [InlineData(DnsType.A, "C0000201FF")]
    [InlineData(DnsType.Aaaa, "C0000201")]
    [InlineData(DnsType.Txt, "05616263")]
    [InlineData(DnsType.Tlsa, "030101")]
    [InlineData(DnsType.Srv, "000100020019")]
    public void Data_of_the_wrong_form(DnsType type, string hex) => Read(Head(type).Pointer(12).Rest((int)type, 300, Convert.FromHexString(hex)), type).ShouldBeNull();

    [Fact]
    public void The_question_is_random_in_id_and_case_and_asks_for_AD()
    {
        var (ids, spellings) = (new HashSet<int>(), new HashSet<string>());
        for (var i = 0; i < 64; i++)
        {
            var query = DnsQuery.Create("mail.example.test", DnsType.Mx, edns: true).Octets.Span;
            ids.Add(query[0] << 8 | query[1]);
            var (name, type, end) = DnsWriter.ReadQuestion(query);
            spellings.Add(name);
            name.ToLowerInvariant().ShouldBe("mail.example.test");
            type.ShouldBe(DnsType.Mx);
            query[2..4].ToArray().ShouldBe([1, 0x20]);
            query[end..].ToArray().ShouldBe(new DnsWriter().Opt().ToArray());
        }
        ids.Count.ShouldBeGreaterThan(50);
        spellings.Count.ShouldBeGreaterThan(50);
        DnsQuery.Create("", DnsType.Mx, edns: false).Octets.Span[12..].ToArray().ShouldBe([0, 0, 15, 0, 1]);
    }

    [Fact]
    public void An_answer_must_fit_its_question()
    {
        var query = DnsQuery.Create("mail.example.test", DnsType.Mx, edns: true);
        var right = query.Octets.ToArray();
        right[2] |= 0x80;
        query.Match(right).ShouldBe(QueryMatch.Ours);
        query.Match(query.Octets.Span).ShouldBe(QueryMatch.NotOurs, "our own question");

        void Changed(int at, int bits, QueryMatch expected)
        {
            var packet = (byte[])right.Clone();
            packet[at] ^= (byte)bits;
            query.Match(packet).ShouldBe(expected, $"octet {at}");
        }
        Changed(0, 1, QueryMatch.NotOurs); // id
        Changed(1, 0x80, QueryMatch.NotOurs);
        Changed(2, 0x08, QueryMatch.NotOurs); // opcode
        Changed(5, 3, QueryMatch.NotOurs); // two questions
        Changed(12, 1, QueryMatch.NotOurs); // length of the label
        Changed(13, 0x20, QueryMatch.OtherCase);
        Changed(14, 1, QueryMatch.NotOurs); // another name
        Changed(12 + 19, 0x20, QueryMatch.NotOurs); // the type is no letter
        Changed(12 + 20, 1, QueryMatch.NotOurs);
        Changed(12 + 22, 2, QueryMatch.NotOurs); // the class
        for (var cut = 0; cut < 12 + 19 + 4; cut++) query.Match(right.AsSpan(0, cut)).ShouldBe(QueryMatch.NotOurs);
        // Without its question only for the two errors of those who could not read it.
        foreach (var (rcode, expected) in new[] { (1, QueryMatch.Ours), (4, QueryMatch.Ours), (0, QueryMatch.NotOurs), (3, QueryMatch.NotOurs), (2, QueryMatch.NotOurs) })
            query.Match(DnsWriter.Answer((ushort)(right[0] << 8 | right[1]), 0x8180 | rcode, questions: 0).ToArray()).ShouldBe(expected, $"code {rcode}");
    }
}
