using FsCheck;
using FsCheck.Fluent;
using Posthorn.Smtp.Server;
using Posthorn.Tests.Testing.Transport;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Protocol.Smtp;

/// <summary>
/// Threat table: state left after a failed transaction. Random sequences of commands against a model of the session:
/// every reply code is foretold, and what is committed has exactly the recipients and the text of its own transaction.
/// </summary>
public class StateModelTests
{
    enum Act
    {
        Hello, OtherHello, Mail, MailBinary, MailRefused, MailFault, Rcpt, RcptUnknown, RcptFull, RcptBad, RcptFault,
        Data, DataBare, DataRefused, DataFault, Chunk, ChunkLast, ChunkBare, ChunkEmptyLast, Rset, Noop, Vrfy, Junk, Login, BadLogin,
    }

    const int Steps = 200;
    static int _done;

    [Theory, InlineData(SmtpService.Relay), InlineData(SmtpService.Submission), InlineData(SmtpService.Lmtp)]
    public void Random_commands_leave_no_state(SmtpService service)
    {
        _done = 0;
        // Weighted so that most sequences get somewhere.
        var acts = Gen.Frequency(
            (5, Gen.Elements(Act.Mail)), (5, Gen.Elements(Act.Rcpt)), (2, Gen.Elements(Act.Data, Act.Chunk, Act.ChunkLast)), (1, Gen.Elements(Act.Hello, Act.Login)),
            (8, Gen.Elements(Enum.GetValues<Act>())));
        var sequences = acts.ArrayOf(Steps).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(200).WithQuietOnSuccess(true), Prop.ForAll(sequences, s => RunAsync(service, s).GetAwaiter().GetResult()));
        _done.ShouldBeGreaterThanOrEqualTo(40_000);
    }

    static async Task RunAsync(SmtpService service, Act[] acts)
    {
        var rig = new SmtpRig
        {
            Service = service,
            PlaintextLogin = true,
            Client = "127.0.0.1",
            Options = new() { Hostname = "foo.com", MaxErrors = int.MaxValue, MaxJunkCommands = int.MaxValue, MaxUnknownCommands = int.MaxValue, MaxFailedLogins = int.MaxValue, SoftErrors = int.MaxValue },
        };
        await using (var talk = rig.Talk())
        {
            await talk.ReplyAsync();
            var model = new Model(service);
            for (var i = 0; i < acts.Length; i++)
            {
                var (command, expected) = model.Next(acts[i], i);
                foreach (var (send, codes) in Model.Parts(command, expected))
                {
                    await talk.SendAsync(send);
                    foreach (var code in codes)
                    {
                        var reply = await talk.ReplyAsync();
                        if (!reply.StartsWith(code)) throw new InvalidOperationException($"step {i} {acts[i]}: expected {code}, got {reply}; so far {string.Join(' ', acts[..(i + 1)])}");
                        if (code == "354") continue;
                    }
                }
                model.Settle();
                if (rig.Backend.Violations.Count > 0) throw new InvalidOperationException($"step {i} {acts[i]}: {rig.Backend.Violations[0]}");
                if (rig.Backend.Open != (model.InMail ? 1 : 0)) throw new InvalidOperationException($"step {i} {acts[i]}: {rig.Backend.Open} transactions open; so far {string.Join(' ', acts[..(i + 1)])}");
                if (!rig.Backend.Messages.Select(m => m.ToString()).SequenceEqual(model.Messages.Select(m => m.ToString())))
                    throw new InvalidOperationException($"step {i} {acts[i]}: the messages differ\n{string.Join('\n', rig.Backend.Messages.TakeLast(2))}\n{string.Join('\n', model.Messages.TakeLast(2))}");
                Interlocked.Increment(ref _done);
            }
        }
        rig.Backend.Open.ShouldBe(0);
    }

    /// <summary>What a session should be, in the fewest words.</summary>
    sealed class Model(SmtpService service)
    {
        bool _greeted, _loggedIn, _binary, _chunks, _bad, _skipping;
        string _from = "", _text = "";
        readonly List<string> _recipients = [];

        public bool InMail { get; private set; }
        public List<Committed> Messages { get; } = [];

        bool Blocked => service == SmtpService.Submission && !_loggedIn;

        void Drop() => (InMail, _chunks, _bad, _text) = (false, false, false, "");

        public void Settle()
        {
            if (!InMail) _recipients.Clear();
        }

        /// <summary>What to send, and the codes of the replies in order; a part that waits for 354 is separated by U+0001.</summary>
        public (string Command, string[] Codes) Next(Act act, int step)
        {
            switch (act)
            {
                case Act.Hello:
                    Drop();
                    (_greeted, _skipping) = (true, false);
                    return (service == SmtpService.Lmtp ? "LHLO a.example\r\n" : "EHLO a.example\r\n", ["250"]);
                case Act.OtherHello: return (service == SmtpService.Lmtp ? "EHLO a.example\r\n" : "LHLO a.example\r\n", ["502"]);
                case Act.Mail: return Mail($"f{step}@a.example", "", false, "250");
                case Act.MailBinary: return Mail($"f{step}@a.example", " BODY=BINARYMIME", true, "250");
                case Act.MailRefused: return Mail("denied@a.example", "", false, "550");
                case Act.MailFault: return Mail("fault@a.example", "", false, "451");
                case Act.Rcpt: return Rcpt($"r{step}@foo.com", "250");
                case Act.RcptUnknown: return Rcpt("unknown@foo.com", "550");
                case Act.RcptFull: return Rcpt("full@foo.com", "452");
                case Act.RcptBad: return Rcpt("@", "501");
                case Act.RcptFault: return Rcpt("fault@foo.com", "451");
                case Act.Data: return Data($"text {step}\r\n..dot\r\n", $"text {step}\r\n.dot\r\n", "250", true);
                case Act.DataBare: return Data("bare\rcr\r\n", "", "550", false);
                case Act.DataRefused: return Data("X-Refuse: 1\r\n", "", "554", false);
                case Act.DataFault: return Data("X-Fault: 1\r\n", "", "451", false);
                case Act.Chunk: return Bdat($"chunk {step}\r\n", false, false);
                case Act.ChunkLast: return Bdat($"last {step}\r\n", true, false);
                case Act.ChunkBare: return Bdat("QUIT\n", false, true);
                case Act.ChunkEmptyLast: return Bdat("", true, false);
                case Act.Rset:
                    Drop();
                    _skipping = false;
                    return ("RSET\r\n", ["250"]);
                case Act.Noop: return ("NOOP\r\n", ["250"]);
                case Act.Vrfy: return ("VRFY bob\r\n", [_loggedIn ? "250" : "252"]);
                case Act.Junk: return ("XYZZY\r\n", ["500"]);
                case Act.Login: return Login("AHRlc3QAMTIzNA==", "235");
                default: return Login("AHRlc3QAd3Jvbmc=", "535");
            }
        }

        (string, string[]) Login(string response, string code)
        {
            var line = "AUTH PLAIN " + response + "\r\n";
            if (service != SmtpService.Submission) return (line, ["502"]);
            if (!_greeted || InMail || _loggedIn) return (line, ["503"]);
            _loggedIn = code == "235";
            return (line, [code]);
        }

        (string, string[]) Mail(string from, string parameters, bool binary, string code)
        {
            var line = $"MAIL FROM:<{from}>{parameters}\r\n";
            if (!_greeted) return (line, ["503"]);
            if (Blocked) return (line, ["530"]);
            if (InMail) return (line, ["503"]);
            if (code == "250")
            {
                (InMail, _from, _binary, _text, _chunks, _bad, _skipping) = (true, from, binary, "", false, false, false);
                _recipients.Clear();
            }
            return (line, [code]);
        }

        (string, string[]) Rcpt(string to, string code)
        {
            var line = $"RCPT TO:<{to}>\r\n";
            if (!_greeted) return (line, ["503"]);
            if (Blocked) return (line, ["530"]);
            if (!InMail || _chunks) return (line, ["503"]);
            if (code == "250") _recipients.Add(to);
            else if (code == "451") Drop();
            return (line, [code]);
        }

        string? NotNow()
        {
            if (!_greeted) return "503";
            if (Blocked) return "530";
            if (!InMail) return "503";
            return _recipients.Count == 0 ? "503" : null;
        }

        (string, string[]) Data(string wire, string text, string code, bool kept)
        {
            if ((NotNow() ?? (_chunks ? "503" : null)) is { } refusal) return ("DATA\r\n", [refusal]);
            if (_binary)
            {
                Drop();
                return ("DATA\r\n", ["503"]);
            }
            if (kept) Messages.Add(new(_from, [.. _recipients], text, false));
            var codes = Final(code);
            Drop();
            return ("DATA\r\n\u0001" + wire + ".\r\n", ["354", .. codes]);
        }

        string[] Final(string code) => service == SmtpService.Lmtp ? [.. _recipients.Select(_ => code)] : [code];

        (string, string[]) Bdat(string text, bool last, bool bare)
        {
            var line = $"BDAT {text.Length}{(last ? " LAST" : "")}\r\n{text}";
            if (NotNow() is { } refusal)
            {
                var code = _skipping ? "503" : refusal;
                if (_skipping) _skipping = !last;
                return (line, [code]);
            }
            _chunks = true;
            if (bare && !_binary)
            {
                if (service == SmtpService.Submission) text = text.Replace("\n", "\r\n"); // a user's bare LF is mended
                else _bad = true;
            }
            _text += text;
            if (_bad)
            {
                Drop();
                _skipping = !last;
                return (line, ["550"]);
            }
            if (!last) return (line, ["250"]);
            Messages.Add(new(_from, [.. _recipients], _text, false));
            var codes = Final("250");
            Drop();
            return (line, codes);
        }

        public static IEnumerable<(string Send, string[] Codes)> Parts(string command, string[] codes)
        {
            var at = command.IndexOf('\u0001');
            if (at < 0) return [(command, codes)];
            return [(command[..at], codes[..1]), (command[(at + 1)..], codes[1..])];
        }
    }
}
