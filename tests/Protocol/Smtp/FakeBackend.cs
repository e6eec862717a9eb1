using System.Text;
using Posthorn.Smtp.Server;

namespace Posthorn.Tests.Protocol.Smtp;

/// <summary>One message that was answered with a positive reply.</summary>
sealed record Committed(string From, string[] Recipients, string Text, bool Verbose)
{
    public override string ToString() => $"{From} -> {string.Join(',', Recipients)}: {Text.Replace("\r", "\\r").Replace("\n", "\\n").Replace("\0", "\\0")}";
}

/// <summary>
/// A backend in memory. Local parts tell it what to do: <c>unknown…</c>, <c>Green</c> 550 5.1.1, <c>denied…</c> 550 5.7.1,
/// <c>full…</c> 452 4.2.2, <c>fault…</c> throws, <c>late…</c> is refused at the end of data in LMTP; a text with
/// <c>X-Refuse</c> is refused, one with <c>X-Fault</c> throws.
/// </summary>
sealed class FakeBackend : ISmtpBackend
{
    int _next;

    public List<Committed> Messages { get; } = [];
    public int Open { get; private set; }
    public int Opened { get; private set; }
    public List<string> Violations { get; } = [];
    public SmtpClientInfo? LastClient { get; private set; }
    public MailParameters? LastMail { get; private set; }
    public List<RcptParameters> LastRecipients { get; } = [];

    public ValueTask<(ISmtpTransaction? Transaction, SmtpReply? Refusal)> MailAsync(SmtpClientInfo client, MailParameters mail, CancellationToken ct)
    {
        LastClient = client;
        LastMail = mail;
        LastRecipients.Clear();
        var local = mail.ReversePath?.LocalPart ?? "";
        if (local.StartsWith("fault")) throw new InvalidOperationException("planted");
        if (local.StartsWith("denied")) return new((null, new SmtpReply(550, "5.7.1", "Not you")));
        if (Open > 0) Violations.Add("MAIL with a transaction still open");
        Open++;
        Opened++;
        return new((new Transaction(this, client, mail, ++_next), null));
    }

    public ValueTask<IReadOnlyList<string>> VerifyAsync(SmtpClientInfo client, string argument, CancellationToken ct) =>
        new(argument switch
        {
            "bob" => ["Bob <bob@example.test>"],
            "smith" => ["Joe Smith <jsmith@example.test>", "Sue Smith <ssmith@example.test>"],
            "evil" => ["one\r\n250 two"],
            "jörg" => ["Jörg <jörg@example.test>"],
            _ => [],
        });

    public ValueTask<IReadOnlyList<string>> ExpandAsync(SmtpClientInfo client, string argument, CancellationToken ct) =>
        new(argument == "staff" ? ["<alice@example.test>", "<bob@example.test>"] : []);

    sealed class Transaction(FakeBackend backend, SmtpClientInfo client, MailParameters mail, int number) : ISmtpTransaction
    {
        readonly List<string> _recipients = [];
        readonly MemoryStream _text = new();
        bool _begun, _ended, _disposed;

        public string Id => "m" + number;

        void Alive(string what)
        {
            if (_disposed) backend.Violations.Add(what + " after dispose");
            if (_ended) backend.Violations.Add(what + " after commit");
        }

        public ValueTask<SmtpReply> RecipientAsync(RcptParameters rcpt, CancellationToken ct)
        {
            Alive("RCPT");
            if (_begun) backend.Violations.Add("RCPT after data");
            var local = rcpt.Recipient.LocalPart;
            if (local.StartsWith("fault")) throw new InvalidOperationException("planted");
            if (local.StartsWith("unknown") || local is "Green" or "green") return new(new SmtpReply(550, "5.1.1", "No such user here"));
            if (local.StartsWith("denied")) return new(new SmtpReply(550, "5.7.1", "Relaying denied"));
            if (local.StartsWith("full")) return new(new SmtpReply(452, "4.2.2", "Mailbox full"));
            _recipients.Add(rcpt.Recipient.ToString());
            backend.LastRecipients.Add(rcpt);
            return new(new SmtpReply(250, "2.1.5", "Ok"));
        }

        public SmtpReply? BeginData()
        {
            Alive("DATA");
            if (_recipients.Count == 0) backend.Violations.Add("DATA without recipient");
            _begun = true;
            return mail.ReversePath?.LocalPart == "nospace" ? new SmtpReply(452, "4.3.1", "No space") : null;
        }

        public ValueTask WriteAsync(ReadOnlyMemory<byte> octets, CancellationToken ct)
        {
            Alive("write");
            if (!_begun) backend.Violations.Add("write before DATA");
            _text.Write(octets.Span);
            if (mail.ReversePath?.LocalPart == "badwrite") throw new IOException("planted");
            return default;
        }

        public ValueTask<IReadOnlyList<SmtpReply>> CommitAsync(bool verbose, CancellationToken ct)
        {
            Alive("commit");
            _ended = true;
            var text = Encoding.Latin1.GetString(_text.ToArray());
            if (text.Contains("X-Fault")) throw new InvalidOperationException("planted");
            if (text.Contains("X-Refuse")) return new([.. Each(_ => new SmtpReply(554, "5.6.0", "Refused"))]);
            var kept = _recipients.Where(r => !r.StartsWith("late")).ToArray();
            if (kept.Length > 0) backend.Messages.Add(new(mail.ReversePath?.ToString() ?? "<>", kept, text, verbose));
            if (client.Service == SmtpService.Lmtp)
                return new([.. Each(r => r.StartsWith("late") ? new SmtpReply(452, "4.2.2", $"<{r}> is over quota") : new SmtpReply(250, "2.1.5", $"<{r}> delivered"))]);
            return new([verbose
                ? new SmtpReply(250, "2.0.0", [.. _recipients.Select(r => $"<{r}> delivered"), $"Ok: {Id}"])
                : new SmtpReply(250, "2.0.0", $"Ok: {Id}")]);
        }

        IEnumerable<SmtpReply> Each(Func<string, SmtpReply> reply) => client.Service == SmtpService.Lmtp ? _recipients.Select(reply) : [reply(_recipients[0])];

        public ValueTask DisposeAsync()
        {
            if (_disposed) backend.Violations.Add("disposed twice");
            _disposed = true;
            backend.Open--;
            return default;
        }
    }
}
