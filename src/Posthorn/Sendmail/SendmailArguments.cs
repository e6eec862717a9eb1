namespace Posthorn.Sendmail;

/// <summary>What a sendmail command line asks for (its <c>-b</c> options).</summary>
enum SendmailMode
{
    /// <summary>-bm, or nothing: sends a message.</summary>
    Send,

    /// <summary>-bp: lists the queue.</summary>
    ListQueue,

    /// <summary>-bs: speaks SMTP on the standard streams.</summary>
    Smtp,

    /// <summary>-bv: asks whether the recipients would be taken, and sends nothing.</summary>
    Verify,

    /// <summary>-bi, -I: makes the alias database anew; there is none.</summary>
    Aliases,

    /// <summary>-q: tries what waits now.</summary>
    RunQueue,
}

/// <summary>The command line is none of sendmail's; the message says why.</summary>
sealed class SendmailUsageException(string message) : Exception(message);

/// <summary>
/// The command line that programs have called sendmail with for forty years: letters behind one dash, a value behind its
/// letter or in the next word, recipients between the options. What only matters to other programs is taken and ignored.
/// </summary>
sealed record SendmailArguments
{
    /// <summary>Letters that are followed by a value.</summary>
    const string WithValue = "ABCFLNORVXbfhopr";

    /// <summary>Letters alone. Of those not handled below, all are ignored.</summary>
    const string Alone = "GIUcimntvx";

    public SendmailMode Mode { get; private set; }

    /// <summary>-C: the configuration file.</summary>
    public string? Config { get; private set; }

    /// <summary>-f, -r: the envelope's sender; "" for the null sender, null for the user who calls.</summary>
    public string? Sender { get; private set; }

    /// <summary>-F: the name of the sender.</summary>
    public string? Name { get; private set; }

    /// <summary>-t: recipients also from To, Cc and Bcc.</summary>
    public bool FromHeader { get; private set; }

    /// <summary>-i, -oi: a line with a dot alone does not end the message.</summary>
    public bool IgnoreDots { get; private set; }

    /// <summary>-v: says what was done.</summary>
    public bool Verbose { get; private set; }

    /// <summary>-N: NOTIFY (RFC 3461 §4.1), checked, upper case.</summary>
    public string? Notify { get; private set; }

    /// <summary>-R: RET (RFC 3461 §4.3), FULL or HDRS.</summary>
    public string? Return { get; private set; }

    /// <summary>-V: ENVID (RFC 3461 §4.4), not yet encoded.</summary>
    public string? EnvelopeId { get; private set; }

    /// <summary>-q with I, R or S: what of the queue is meant.</summary>
    public string? QueuePart { get; private set; }

    public List<string> Recipients { get; } = [];

    /// <summary>Reads a command line; throws <see cref="SendmailUsageException"/>.</summary>
    public static SendmailArguments Parse(IReadOnlyList<string> words)
    {
        var parsed = new SendmailArguments();
        for (var i = 0; i < words.Count; i++)
        {
            var word = words[i];
            if (word == "--")
            {
                parsed.Recipients.AddRange(words.Skip(i + 1));
                break;
            }
            if (word.Length < 2 || word[0] != '-') parsed.Recipients.Add(word);
            else if (word == "--config") parsed.Config = i + 1 < words.Count ? words[++i] : throw new SendmailUsageException("--config needs a file");
            else parsed.Letters(word, words, ref i);
        }
        return parsed;
    }

    void Letters(string word, IReadOnlyList<string> words, ref int at)
    {
        for (var i = 1; i < word.Length; i++)
        {
            var letter = word[i];
            if (letter == 'q')
            {
                Mode = SendmailMode.RunQueue;
                QueuePart = word.Length > i + 1 && word[i + 1] is 'I' or 'R' or 'S' ? word[(i + 1)..] : null; // else an interval
                return;
            }
            if (WithValue.Contains(letter))
            {
                if (i + 1 < word.Length) Value(letter, word[(i + 1)..]);
                else if (at + 1 < words.Count) Value(letter, words[++at]);
                else throw new SendmailUsageException($"-{letter} needs a value");
                return;
            }
            if (letter == 'e') return; // -em, -ep …: how errors are told; they are told one way here
            if (!Alone.Contains(letter)) throw new SendmailUsageException($"-{letter} is no option of sendmail");
            switch (letter)
            {
                case 't': FromHeader = true; break;
                case 'i': IgnoreDots = true; break;
                case 'v': Verbose = true; break;
                case 'I': Mode = SendmailMode.Aliases; break;
            }
        }
    }

    void Value(char letter, string value)
    {
        switch (letter)
        {
            case 'C': Config = value; break;
            case 'f' or 'r': Sender = value; break;
            case 'F': Name = value; break;
            case 'V': EnvelopeId = Checked(value.Length is > 0 and <= 100 && !value.AsSpan().ContainsAnyExceptInRange(' ', '~'), value, "-V takes up to 100 printable characters"); break;
            case 'N': Notify = NotifyOf(value); break;
            case 'R': Return = value.ToUpperInvariant() is "FULL" or "HDRS" ? value.ToUpperInvariant() : throw new SendmailUsageException("-R takes full or hdrs"); break;
            case 'o':
                if (value == "i") IgnoreDots = true;
                break;
            case 'b': Mode = ModeOf(value); break;
        }
    }

    static SendmailMode ModeOf(string value) => value switch
    {
        "m" => SendmailMode.Send,
        "p" => SendmailMode.ListQueue,
        "s" => SendmailMode.Smtp,
        "v" => SendmailMode.Verify,
        "i" => SendmailMode.Aliases,
        "d" or "D" => throw new SendmailUsageException("-bd is not for here: \"posthorn serve\" runs the server"),
        _ => throw new SendmailUsageException($"-b{value} is not in this program"),
    };

    static string NotifyOf(string value)
    {
        var parts = value.ToUpperInvariant().Split(',', StringSplitOptions.TrimEntries);
        var good = parts is ["NEVER"] || parts.All(static p => p is "SUCCESS" or "FAILURE" or "DELAY");
        return Checked(good, string.Join(',', parts), "-N takes never, or success, failure and delay with commas between");
    }

    static string Checked(bool good, string value, string rule) => good ? value : throw new SendmailUsageException(rule);
}
