using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>Notices as other programs take them apart: the golden ones of the unit tests.</summary>
public sealed class NoticeReaders
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("notice-failed.txt", "x@far.example failed 5.1.1 smtp; 550 5.1.1 no such user")]
    [InlineData("notice-several.txt", "x@far.example failed 5.1.1 smtp; 550 5.1.1 no such user|y@far.example failed 5.1.1 smtp; 550 5.1.1 no such user|z@dead.example failed 4.4.7 None|full@far.example failed 5.2.2 smtp; 552 5.2.2 over quota|l@late.example delayed 4.4.1 None|d@far.example relayed 2.1.9 None")]
    [InlineData("notice-delivered.txt", "bob@example.test delivered 2.1.5 None")]
    public async Task Python_reads_a_report(string name, string recipients)
    {
        Assert.SkipWhen(Tool.Missing("python3") is not null, Tool.Missing("python3") ?? "");
        const string script = """
            import email, email.policy, sys
            m = email.message_from_bytes(open(sys.argv[1], "rb").read().replace(b"\n", b"\r\n"), policy=email.policy.default)
            words, status, returned = m.get_payload()
            assert m.get_content_type() == "multipart/report" and m.get_param("report-type") == "delivery-status"
            assert words.get_content_type() == "text/plain" and words.get_content().startswith("This is the mail server")
            assert status.get_content_type() == "message/delivery-status" and returned.get_content_type() == "text/rfc822-headers"
            whole, *each = status.get_payload()
            assert whole["Reporting-MTA"] == "dns; mail.example.test"
            assert not [d for part in m.walk() for d in part.defects], [d for part in m.walk() for d in part.defects]
            print("|".join(f'{r["Final-Recipient"].split("; ")[1]} {r["Action"]} {r["Status"]} {r["Diagnostic-Code"]}' for r in each))
            """;
        var read = await Tool.RunAsync("python3", ["-c", script, Path.Combine(ServerProcess.Repository, "tests", "Unit", "Delivery", "Golden", name)], Ct);
        Assert.True(read.ExitCode == 0, read.Told);
        Assert.Equal(recipients, read.Output.TrimEnd());
    }
}
