using System.Text;
using Posthorn.Smtp.Server;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Protocol.Smtp;

/// <summary>Threat table: SMTP smuggling, inbound; STARTTLS command injection; cross-protocol.</summary>
public class SmugglingTests
{
    static readonly string[] Ends = ["\n", "\r", "\r\n", "\n\r", "\r\n\0"];
    static readonly string[] Afters = ["\n", "\r", "\r\n", "\n\r", "\0\r\n"];

    /// <summary>All ways to write the end of data but the right one.</summary>
    public static TheoryData<string, SmtpService> Variants
    {
        get
        {
            var all = new TheoryData<string, SmtpService>();
            foreach (var before in Ends)
                foreach (var after in Afters)
                    if (before != "\r\n" || after != "\r\n")
                        foreach (var service in Enum.GetValues<SmtpService>()) all.Add(before + "." + after, service);
            return all;
        }
    }

    static SmtpRig Rig(SmtpService service) => service == SmtpService.Submission
        ? new() { Service = service, PlaintextLogin = true, Client = "127.0.0.1" }
        : new() { Service = service };

    static string Hello(SmtpService service) => service switch
    {
        SmtpService.Lmtp => "LHLO a.example\r\n",
        SmtpService.Submission => "EHLO a.example\r\n",
        _ => "EHLO a.example\r\n",
    };

    const string Smuggled = "MAIL FROM:<evil@a.example>\r\nRCPT TO:<victim@foo.com>\r\nDATA\r\nFrom: ceo\r\n\r\ninjected";

    async Task RunAsync(SmtpService service, string opening, string text, string closing, int split, Action<SmtpRig, string> check)
    {
        var rig = Rig(service);
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        await talk.AskAsync(Hello(service).TrimEnd());
        if (service == SmtpService.Submission) (await talk.AskAsync("AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=")).ShouldStartWith("235");
        await talk.AskAsync("MAIL FROM:<a@a.example>");
        await talk.AskAsync("RCPT TO:<b@foo.com>");
        if (opening.Length > 0) (await talk.AskAsync(opening)).ShouldStartWith("354");
        await talk.SendAsync(text[..split]);
        for (var i = 0; i < 20; i++) await Task.Yield();
        await talk.SendAsync(text[split..] + closing);
        var answer = await talk.ReplyAsync();
        (await talk.AskAsync("QUIT")).ShouldStartWith("221");
        (await talk.LineAsync()).ShouldBeNull();
        check(rig, answer);
        rig.Backend.Opened.ShouldBe(1);
        rig.Backend.Violations.ShouldBeEmpty();
    }

    [Theory, MemberData(nameof(Variants))]
    public async Task Smuggling_inbound_by_DATA(string end, SmtpService service)
    {
        var text = "Subject: x\r\n\r\nbody" + end + Smuggled;
        // Every split around the false end, and some elsewhere.
        for (var split = 16; split <= 16 + end.Length + 4; split++)
            await RunAsync(service, "DATA", text, "\r\n.\r\n", split, (rig, answer) => Check(rig, answer, end, service));
    }

    static void Check(SmtpRig rig, string answer, string end, SmtpService service)
    {
        var repairable = service == SmtpService.Submission && !end.Contains('\0') && !end.Replace("\r\n", "").Contains('\r');
        if (!repairable)
        {
            answer.ShouldStartWith("550 5.5.2");
            rig.Backend.Messages.ShouldBeEmpty();
            rig.Log.Lines.ShouldContain(l => l.Contains("abuse: bare CR, LF or NUL"));
            return;
        }
        // A user's bare LFs are mended; the text behind them is still text.
        answer.ShouldStartWith("250");
        rig.Backend.Messages.Single().Text.ShouldContain("injected");
        rig.Backend.Messages.Single().Text.Replace("\r\n", "").ShouldNotContain("\n");
    }

    [Theory, MemberData(nameof(Variants))]
    public async Task Smuggling_inbound_by_BDAT(string end, SmtpService service)
    {
        var body = "Subject: x\r\n\r\nbody" + end + Smuggled + "\r\n";
        var text = $"BDAT {body.Length} LAST\r\n{body}";
        for (var split = 1; split < text.Length; split += 3)
            await RunAsync(service, "", text, "", split, (rig, answer) => Check(rig, answer, end, service));
    }

    [Fact]
    public async Task Chunks_of_text_may_not_end_in_a_bare_CR()
    {
        var rig = new SmtpRig { Client = "127.0.0.1" };
        (await rig.SayAsync("HELO a.example\r\n"u8.ToArray(), "MAIL FROM:<>\r\nRCPT TO:<b@foo.com>\r\nBDAT 2 LAST\r\na\r"u8.ToArray())).ShouldContain("550 5.5.2");
        rig.Backend.Messages.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_line_end_split_over_two_chunks_is_one()
    {
        var rig = new SmtpRig { Client = "127.0.0.1" };
        var said = await rig.SayAsync("HELO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<b@foo.com>\r\nBDAT 2\r\na\rBDAT 3 LAST\r\n\nb\rQUIT\r\n");
        said.ShouldContain("550 5.5.2");
        said = await rig.SayAsync("HELO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<b@foo.com>\r\nBDAT 2\r\na\rBDAT 4 LAST\r\n\nb\r\nQUIT\r\n");
        said.ShouldContain("250 2.0.0 Ok");
        rig.Backend.Messages.Single().Text.ShouldBe("a\r\nb\r\n");
    }

    [Theory, InlineData("NOOP\nMAIL FROM:<a@b.example>"), InlineData("NOOP\rQUIT"), InlineData("NO\0OP"), InlineData("NOOP\r")]
    public async Task Smuggling_inbound_in_commands(string line)
    {
        var rig = new SmtpRig { Client = "127.0.0.1" };
        var said = await rig.SayAsync("EHLO a.example\r\n"u8.ToArray(), Encoding.Latin1.GetBytes(line + "\r\nQUIT\r\n"));
        said.ShouldContain("550 5.5.2");
        rig.Backend.Opened.ShouldBe(0);
    }

    [Fact]
    public async Task Text_behind_DATA_is_an_injection_for_strangers()
    {
        var rig = new SmtpRig();
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        await talk.AskAsync("EHLO a.example");
        await talk.SendAsync("MAIL FROM:<a@a.example>\r\nRCPT TO:<b@foo.com>\r\nDATA\r\nSubject: x\r\n\r\ntext\r\n.\r\nQUIT\r\n");
        (await talk.ReplyAsync()).ShouldStartWith("250");
        (await talk.ReplyAsync()).ShouldStartWith("250");
        (await talk.ReplyAsync()).ShouldStartWith("503 5.5.0");
        (await talk.LineAsync()).ShouldBeNull();
        rig.Backend.Messages.ShouldBeEmpty();
    }

    [Fact]
    public async Task Commands_behind_EHLO_are_an_injection_for_strangers()
    {
        var rig = new SmtpRig();
        var said = await rig.SayAsync("EHLO a.example\r\nMAIL FROM:<a@a.example>\r\nQUIT\r\n");
        said.ShouldEndWith("503 5.5.0 Improper pipelining\r\n");
        rig.Backend.Opened.ShouldBe(0);
    }

    /// <summary>Threat table: STARTTLS command injection.</summary>
    [Theory, InlineData("NOOP\r\n"), InlineData("EHLO evil\r\n"), InlineData("A"), InlineData("AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=\r\n")]
    public async Task STARTTLS_command_injection_in_the_same_segment(string injected)
    {
        var rig = new SmtpRig();
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        await talk.AskAsync("EHLO a.example");
        (await talk.AskAsync("STARTTLS\r\n" + injected.TrimEnd('\n', '\r'))).ShouldStartWith("501 5.5.4");
        (await talk.LineAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task STARTTLS_command_injection_in_the_next_segment()
    {
        var rig = new SmtpRig();
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        await talk.AskAsync("EHLO a.example");
        (await talk.AskAsync("STARTTLS")).ShouldStartWith("220");
        // In clear behind the 220: taken for a handshake, which fails; nothing is run.
        await talk.SendAsync("MAIL FROM:<evil@a.example>\r\nRCPT TO:<b@foo.com>\r\n");
        while (await talk.LineAsync() is { } line) line.ShouldNotStartWith("250");
        rig.Backend.Opened.ShouldBe(0);
        rig.Log.Lines.ShouldContain(l => l.Contains("TLS handshake failed"));
    }

    /// <summary>Threat table: cross-protocol (ALPACA, HTTP to SMTP).</summary>
    [Theory, InlineData("GET / HTTP/1.1"), InlineData("POST / HTTP/1.1"), InlineData("CONNECT foo.com:25 HTTP/1.1"), InlineData("PUT /x HTTP/1.0"),
     InlineData("OPTIONS * HTTP/1.1"), InlineData("TRACE / HTTP/1.1"), InlineData("PRI * HTTP/2.0")]
    public async Task Cross_protocol_HTTP(string first)
    {
        var rig = new SmtpRig { Client = "127.0.0.1" };
        var said = await rig.SayAsync(first + "\r\nHost: foo.com\r\n\r\nEHLO evil\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<b@foo.com>\r\nDATA\r\nx\r\n.\r\n");
        said.ShouldBe("220 foo.com ESMTP Posthorn\r\n421 4.7.0 This is a mail server\r\n");
        rig.Backend.Opened.ShouldBe(0);
    }

    [Fact]
    public async Task Cross_protocol_TLS_on_a_plaintext_port()
    {
        var rig = new SmtpRig();
        (await rig.SayAsync([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, (byte)'\r', (byte)'\n'])).ShouldBe("220 foo.com ESMTP Posthorn\r\n");
        (await rig.SayAsync([0x16], [0x03, 0x01, 0x02, 0x00, 0x01, (byte)'\r', (byte)'\n'])).ShouldNotContain("250");
    }

    [Fact]
    public async Task Cross_protocol_three_unknown_commands()
    {
        var rig = new SmtpRig { Client = "127.0.0.1" };
        var said = await rig.SayAsync("USER root\r\nPASS x\r\nLIST\r\nEHLO a.example\r\n");
        said.ShouldBe("220 foo.com ESMTP Posthorn\r\n500 5.5.1 Unknown command\r\n500 5.5.1 Unknown command\r\n421 4.7.0 Too many unknown commands\r\n");
    }
}
