using Posthorn.Sendmail;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Sendmail;

public class SendmailArgumentsTests
{
    static SendmailArguments Parse(string line) => SendmailArguments.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    [Theory]
    [InlineData("-t -i", "sender= t i to=")] // PHP
    [InlineData("-ti", "sender= t i to=")]
    [InlineData("-FCronDaemon -i -B8BITMIME -oem root", "sender= i to=root")] // cron
    [InlineData("-i -FCronDaemon -odi -oem -oi -t -f root", "sender=root t i to=")]
    [InlineData("-oi -f a@b.test c@d.test", "sender=a@b.test i to=c@d.test")] // mutt
    [InlineData("-oem -oi -fa@b.test -- -c@d.test", "sender=a@b.test i to=-c@d.test")]
    [InlineData("c@d.test -i e@f.test", "sender= i to=c@d.test,e@f.test")]
    [InlineData("-r a@b.test -h 3 -p SMTP -L tag -X log -A m -G -U -n -x c@d.test", "sender=a@b.test to=c@d.test")]
    [InlineData("-om -o i c@d.test", "sender= i to=c@d.test")]
    [InlineData("-O DeliveryMode=b -ODeliveryMode=b -em c@d.test", "sender= to=c@d.test")]
    public void As_programs_call_it(string line, string shown)
    {
        var a = Parse(line);
        $"sender={a.Sender}{(a.FromHeader ? " t" : "")}{(a.IgnoreDots ? " i" : "")} to={string.Join(',', a.Recipients)}".ShouldBe(shown);
        a.Mode.ShouldBe(SendmailMode.Send);
    }

    [Theory]
    [InlineData("-bp", "ListQueue")]
    [InlineData("-bs", "Smtp")]
    [InlineData("-bv x", "Verify")]
    [InlineData("-bm x", "Send")]
    [InlineData("-bi", "Aliases")]
    [InlineData("-I", "Aliases")]
    [InlineData("-q", "RunQueue")]
    [InlineData("-q30m", "RunQueue")]
    public void Modes(string line, string mode) => Parse(line).Mode.ToString().ShouldBe(mode);

    [Theory]
    [InlineData("-q", null)]
    [InlineData("-q30m", null)]
    [InlineData("-qIabc", "Iabc")]
    [InlineData("-qRexample.net", "Rexample.net")]
    public void Parts_of_the_queue(string line, string? part) => Parse(line).QueuePart.ShouldBe(part);

    [Fact]
    public void Delivery_status()
    {
        var a = Parse("-N success,Delay -R hdrs -V id+1 -C file x");
        (a.Notify, a.Return, a.EnvelopeId, a.Config).ShouldBe(("SUCCESS,DELAY", "HDRS", "id+1", "file"));
        Parse("-N never x").Notify.ShouldBe("NEVER");
    }

    [Theory]
    [InlineData("-bd", "posthorn serve")]
    [InlineData("-bt", "-bt is not in this program")]
    [InlineData("-f", "-f needs a value")]
    [InlineData("-Z", "-Z is no option")]
    [InlineData("-N never,success", "-N takes")]
    [InlineData("-N nonsense", "-N takes")]
    [InlineData("-R all", "-R takes")]
    [InlineData("--config", "--config needs")]
    public void What_is_no_command_line(string line, string why) => Should.Throw<SendmailUsageException>(() => Parse(line)).Message.ShouldContain(why);

    [Fact]
    public void An_envelope_id_holds_no_control_character() => Should.Throw<SendmailUsageException>(() => SendmailArguments.Parse(["-V", "a\r\nRCPT TO:<x@y.test>"]));
}
