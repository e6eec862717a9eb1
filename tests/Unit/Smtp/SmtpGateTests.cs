using System.Text;
using Posthorn.Smtp.Server;
using Posthorn.Smtp.Server.Commands;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Smtp;

public class SmtpGateTests
{
    /// <summary>The verb × state matrix: the reply code of the gate, or "." where the command runs.</summary>
    [Fact]
    public void Matrix_of_verbs_and_states()
    {
        Matrix().ShouldBe("""
            verb      relay                        submission                   submission, logged in        lmtp
                      conn gree mail refu rcpt bdat conn gree mail refu rcpt bdat conn gree mail refu rcpt bdat conn gree mail refu rcpt bdat
            HELO      .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    502  502  502  502  502  502
            EHLO      .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    502  502  502  502  502  502
            LHLO      502  502  502  502  502  502  502  502  502  502  502  502  502  502  502  502  502  502  .    .    .    .    .    .
            MAIL      503  .    503  503  503  503  503  530  530  530  530  530  503  .    503  503  503  503  503  .    503  503  503  503
            RCPT      503  503  .    .    .    503  503  530  530  530  530  530  503  503  .    .    .    503  503  503  .    .    .    503
            DATA      503  503  503  503  .    503  503  530  530  530  530  530  503  503  503  503  .    503  503  503  503  503  .    503
            BDAT      503  503  503  503  .    .    503  530  530  530  530  530  503  503  503  503  .    .    503  503  503  503  .    .
            RSET      .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .
            NOOP      .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .
            QUIT      .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .
            HELP      .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .
            VRFY      .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .
            EXPN      .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    502  502  502  502  502  502
            VERB      .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .
            AUTH      502  502  502  502  502  502  503  .    503  503  503  503  503  .    503  503  503  503  502  502  502  502  502  502
            STARTTLS  .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .
            XCLIENT   .    .    503  503  503  503  .    .    503  503  503  503  .    .    503  503  503  503  .    .    503  503  503  503

            """.ReplaceLineEndings("\n"));
    }

    static string Matrix()
    {
        var b = new StringBuilder();
        b.Append("verb      relay                        submission                   submission, logged in        lmtp\n         ");
        for (var i = 0; i < 4; i++) b.Append(" conn gree mail refu rcpt bdat");
        b.Append('\n');
        foreach (var command in SmtpCommands.All)
        {
            var row = new StringBuilder(command.Verb.PadRight(10));
            foreach (var (service, loggedIn) in new[] { (SmtpService.Relay, false), (SmtpService.Submission, false), (SmtpService.Submission, true), (SmtpService.Lmtp, false) })
                foreach (var stage in Enum.GetValues<Stage>())
                {
                    var reply = SmtpGate.Check(command.When, service, stage, loggedIn);
                    row.Append((reply.Length == 0 ? "." : Encoding.ASCII.GetString(reply[..3])).PadRight(5));
                }
            b.Append(row.ToString().TrimEnd()).Append('\n');
        }
        return b.ToString();
    }

    [Fact]
    public void Commands_that_end_a_group() =>
        SmtpCommands.All.Where(c => c.When.HasFlag(When.EndsGroup)).Select(c => c.Verb).ShouldBe(["HELO", "EHLO", "LHLO", "DATA", "AUTH", "STARTTLS", "XCLIENT"]);

    [Fact]
    public void Every_verb_is_found_in_any_case()
    {
        foreach (var command in SmtpCommands.All)
        {
            SmtpCommands.Find(Encoding.ASCII.GetBytes(command.Verb)).ShouldBe(command);
            SmtpCommands.Find(Encoding.ASCII.GetBytes(command.Verb.ToLowerInvariant())).ShouldBe(command);
            SmtpCommands.Find(Encoding.ASCII.GetBytes(command.Verb + "X")).ShouldBeNull();
            // A verb with one octet changed is another verb.
            for (var i = 0; i < command.Verb.Length; i++)
                for (var c = 0; c < 256; c++)
                {
                    if (c == command.Verb[i] || c == char.ToLowerInvariant(command.Verb[i])) continue;
                    var other = Encoding.ASCII.GetBytes(command.Verb);
                    other[i] = (byte)c;
                    SmtpCommands.Find(other).ShouldNotBe(command);
                }
        }
    }
}
