using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Posthorn.Accounts.Routes;
using Posthorn.Delivery.Outbound;
using Posthorn.Delivery.Queue;
using Posthorn.Dns;
using Posthorn.Tests.Unit.House;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery.Outbound;

/// <summary>
/// Promise 8: trouble of other servers is classified right at every stage. Each line of remote-failures.tsv is played through
/// the real agent and the real client, against scripted servers on real sockets.
/// </summary>
public sealed class RemoteFailureTests(OutboundStore store) : IClassFixture<OutboundStore>
{
    static readonly string Table = Path.Combine(Repository.Root, "tests/Unit/Delivery/Outbound/remote-failures.tsv");

    static IEnumerable<string[]> Rows() => File.ReadLines(Table).Where(l => l.Length > 0 && l[0] != '#').Select(l => l.Split('\t'));

    public static TheoryData<string> Cases() => [.. Rows().Select(r => r[0])];

    [Fact]
    public void The_table_is_large_and_names_each_case_once()
    {
        var rows = Rows().ToList();
        rows.Count.ShouldBeGreaterThanOrEqualTo(60);
        rows.ShouldAllBe(r => r.Length == 10);
        rows.Select(r => r[0]).ShouldBeUnique();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task MX_trouble_and_remote_trouble_is_classified_as_the_table_says(string name)
    {
        var row = Rows().Single(r => r[0] == name);
        var setup = row[1].Split(' ').Select(s => s.Split('=', 2)).ToDictionary(s => s[0], s => s.Length > 1 ? s[1] : "");
        var certificate = setup.TryGetValue("cert", out var cert) ? cert == "other" ? store.OtherCertificate : store.Certificate : null;
        var roots = setup.TryGetValue("roots", out var trusted) ? Pem(trusted == "other" ? store.OtherCertificate : store.Certificate) : null;
        var tls = setup.TryGetValue("tls", out var policy) ? Enum.Parse<TlsPolicy>(policy) : TlsPolicy.Opportunistic;
        var dns = setup.GetValueOrDefault("dns", "");

        await using var rig = new OutboundRig(store, row[2], row[3] == "same" ? row[2] : row[3], setup.ContainsKey("lmtp"), certificate, o => o with
        {
            Tls = tls,
            Roots = roots,
            OwnNetworks = dns == "ownaddress" ? [IPNetwork.Parse("127.0.0.1/32")] : [],
        });
        Prepare(rig.Dns, dns);
        var to = setup.TryGetValue("rcpts", out var named) ? named.Split(',')
            : [.. Enumerable.Range(0, int.Parse(setup.GetValueOrDefault("to", "1"))).Select(i => $"user{i}@peer.example")];
        var job = await rig.JobAsync(to, Texts(setup.GetValueOrDefault("text", "")), RouteFor(rig, setup), setup.GetValueOrDefault("body", "7BIT"), setup.ContainsKey("utf8"), int.Parse(setup.GetValueOrDefault("attempts", "1")));

        var report = await rig.DeliverAsync(job);

        var seen = string.Join('\n', report.Results.Select(r => $"{r.Status} {r.Enhanced} {r.Reply} {r.Relay}").Concat(rig.Log.Lines));
        report.Results.Select(r => r.Status switch { AttemptStatus.Delivered => "OK", AttemptStatus.Failed => "F", _ => "D" }).ShouldBe(row[4].Split(','), seen);
        report.Results.Select(r => r.Enhanced).ShouldBe(row[5].Split(','), seen);
        report.Health.ToString().ShouldBe(row[6], seen);
        (rig.Second.Connections > 0 || row[3] == "connect=refuse" || row[3] == "same" && row[2] == "connect=refuse" ? "yes" : "no").ShouldBe(row[7], seen);
        var waits = row[8].Split(',');
        report.Results.Select((r, i) => r.NotBefore is { } t ? t.TotalMinutes.ToString("0") : "-").ShouldBe(report.Results.Select((_, i) => waits[Math.Min(i, waits.Length - 1)]), seen);
        if (row[9] != "-") report.Results[0].Reply.ShouldContain(row[9]);

        foreach (var result in report.Results)
        {
            result.Enhanced.ShouldStartWith(result.Status switch { AttemptStatus.Delivered => "2.", AttemptStatus.Failed => "5.", _ => "4." });
            result.Reply.ShouldNotContain(c => char.IsControl(c));
            result.Reply.Length.ShouldBeInRange(1, 1000);
            if (result.FromPeer) result.Reply.ShouldMatch("^[2-5][0-9][0-9] ");
        }
        rig.Log.Lines.ShouldNotContain(l => l.Contains("fault of this program"));
    }

    static void Prepare(FakeResolver dns, string what)
    {
        switch (what)
        {
            case "nxdomain": dns.Remove("peer.example"); break;
            case "nullmx": dns.Mx("peer.example", (0, ".")); break;
            case "nullmx+": dns.Mx("peer.example", (0, "."), (10, "mx1.peer.example")); break;
            case "temporary": dns.Everything = DnsStatus.Temporary; break;
            case "bogus": dns.Everything = DnsStatus.Bogus; break;
            case "implicit":
                dns.Set("peer.example", DnsType.Mx);
                dns.Host("peer.example", "127.0.0.1");
                break;
            case "empty": dns.Set("peer.example", DnsType.Mx); break;
            case "nohosts":
                dns.Remove("mx1.peer.example");
                dns.Remove("mx2.peer.example");
                break;
            case "hoststemporary":
                foreach (var host in new[] { "mx1.peer.example", "mx2.peer.example" })
                    foreach (var type in new[] { DnsType.A, DnsType.Aaaa }) dns.Set(host, type, DnsStatus.Temporary);
                break;
            case "firstgone": dns.Remove("mx1.peer.example"); break;
            case "firsttemporary":
                dns.Set("mx1.peer.example", DnsType.A, DnsStatus.Temporary);
                break;
            case "ownfirst": dns.Mx("peer.example", (5, "US.example"), (10, "mx1.peer.example")); break;
            case "ownsecond": dns.Mx("peer.example", (10, "mx1.peer.example"), (15, "us.example"), (20, "mx2.peer.example")); break;
            case "loopback": dns.Host("mx1.peer.example", "::1"); break;
            case "private":
                dns.Host("mx1.peer.example", "10.1.2.3");
                dns.Host("mx2.peer.example", "fd00::5");
                break;
            case "firstprivate": dns.Host("mx1.peer.example", "::ffff:192.168.1.1"); break;
        }
    }

    Route RouteFor(OutboundRig rig, Dictionary<string, string> setup)
    {
        var smart = setup.ContainsKey("smart") || setup.ContainsKey("smarts");
        if (!smart && !setup.ContainsKey("lmtp")) return RouteBook.Mx;
        var kind = smart ? TransportKind.Smtp : TransportKind.Lmtp;
        return OutboundRig.Route(new Transport(kind, "mx1.peer.example", rig.First.Port, setup.ContainsKey("smarts")), new RouteSettings(Login: LoginFor(setup.GetValueOrDefault("login"))));
    }

    RouteLogin? LoginFor(string? how)
    {
        if (how is null) return null;
        var file = Path.Combine(store.Rig.Root, "password-" + how);
        if (how != "missing")
        {
            File.WriteAllText(file, "geheim\n");
            File.SetUnixFileMode(file, how == "open" ? UnixFileMode.UserRead | UnixFileMode.OtherRead : UnixFileMode.UserRead);
        }
        return new RouteLogin("us", file, null, null);
    }

    string Pem(X509Certificate2 certificate)
    {
        var file = Path.Combine(store.Rig.Root, certificate.Thumbprint + ".pem");
        File.WriteAllText(file, certificate.ExportCertificatePem());
        return file;
    }

    static byte[]? Texts(string kind) => kind switch
    {
        "eight" => Encoding.UTF8.GetBytes("Subject: x\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\u00fc\u00dfe\r\n"),
        "odd" => Encoding.UTF8.GetBytes("Subject: x\r\nContent-Transfer-Encoding: x-odd\r\n\r\nGr\u00fc\u00dfe\r\n"),
        "utf8header" => Encoding.UTF8.GetBytes("Subject: Gr\u00fc\u00dfe\r\n\r\nhello\r\n"),
        "binary" => Encoding.UTF8.GetBytes("Content-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\n\r"),
        "big" => Encoding.ASCII.GetBytes("Subject: x\r\n\r\n" + string.Concat(Enumerable.Repeat(new string('z', 998) + "\r\n", 12_000))),
        _ => null,
    };
}
