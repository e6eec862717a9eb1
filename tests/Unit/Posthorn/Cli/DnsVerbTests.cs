using Posthorn.Dns;
using Posthorn.Tests.Testing.Dns;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Cli;

/// <summary><c>dns lookup</c>, which needs no server and no store.</summary>
public sealed class DnsVerbTests
{
    [Fact]
    public async Task Lookups_by_a_named_server()
    {
        await using var dns = ScriptedDnsServer.Start();
        dns.Add("a.test", DnsType.Mx, "10 mx.a.test", 600).Add("a.test", DnsType.Mx, "5 b.test").Add("a.test", DnsType.Txt, "say \"hi\"\r\nthere").Add("1.2.0.192.in-addr.arpa", DnsType.Ptr, "p.test")
            .Add("_25._tcp.a.test", DnsType.Tlsa, "3 1 1 0A0B").Add("c.test", DnsType.Cname, "a.test").Add("_smtp._tcp.a.test", DnsType.Srv, "0 5 25 mx.a.test");
        dns.Authentic = true;
        await using var program = new Program();
        async Task<string[]> LookupAsync(string what, int exit)
        {
            (await program.RunAsync($"dns lookup {what} --server {dns.EndPoint}")).ShouldBe(exit, program.Output + program.Errors);
            return program.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
        var mx = await LookupAsync("mx C.test", 0);
        mx[..2].ShouldBe(["a.test  600  MX  10 mx.a.test", "a.test  300  MX  5 b.test"]);
        mx[2].ShouldMatch($@"^{dns.EndPoint} answered after \d+ ms; authentic \(AD\)$");
        (await LookupAsync("TXT a.test", 0))[0].ShouldBe("""a.test  300  TXT  "say \"hi\"\013\010there" """.Trim());
        (await LookupAsync("PTR 192.0.2.1", 0))[0].ShouldBe("1.2.0.192.in-addr.arpa  300  PTR  p.test");
        (await LookupAsync("TLSA _25._tcp.a.test", 0))[0].ShouldBe("_25._tcp.a.test  300  TLSA  3 1 1 0a0b");
        (await LookupAsync("SRV _smtp._tcp.a.test", 0))[0].ShouldBe("_smtp._tcp.a.test  300  SRV  0 5 25 mx.a.test");
        (await LookupAsync("A a.test", 68))[0].ShouldBe("no data: a.test has no A record");
        (await LookupAsync("A none.test", 68))[0].ShouldBe("no such domain: the domain none.test does not exist");
        dns.Fault = DnsFault.ExtendedError;
        (await LookupAsync("A a.test", 75))[0].ShouldBe($"bogus: {dns.EndPoint} says that the signatures of the answer are not valid (DNSSEC bogus)");
        dns.Fault = DnsFault.ServFail;
        (await LookupAsync("A a.test", 75))[1].ShouldStartWith("nobody answered after ");
        (await program.RunAsync("dns lookup NS a.test")).ShouldBe(64);
        program.Errors.ShouldBe("posthorn: type: \"NS\" is none of A, CNAME, PTR, MX, TXT, AAAA, SRV, TLSA\n");
        (await program.RunAsync("dns lookup 15 a.test")).ShouldBe(64);
        (await program.RunAsync("dns lookup A a.test --server example")).ShouldBe(64);
    }

    [Fact]
    public async Task Lookups_by_the_configured_server()
    {
        await using var dns = ScriptedDnsServer.Start();
        dns.Add("a.test", DnsType.Aaaa, "2001:db8::1");
        await using var program = new Program();
        program.WriteConfig($"\"dns\": {{ \"servers\": [\"{dns.EndPoint}\"] }}");
        var result = await program.JsonAsync("dns lookup AAAA a.test");
        result["status"]!.GetValue<string>().ShouldBe("found");
        result["server"]!.GetValue<string>().ShouldBe(dns.EndPoint.ToString());
        result["records"]!.ToJsonString().ShouldBe("""[{"ttl":300,"data":"2001:db8::1"}]""");
        result["authentic"]!.GetValue<bool>().ShouldBeFalse();
        Directory.Exists(program.DataDirectory).ShouldBeFalse();
        // A configuration that somebody named has to be there.
        (await program.RunAsync("dns lookup AAAA a.test --config /nowhere/posthorn.json")).ShouldBe(78);
    }
}
