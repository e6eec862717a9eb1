using System.Collections;
using Posthorn.Cli;
using Posthorn.Configuration;
using Posthorn.Serving;
using Posthorn.Verbs;
using Posthorn.Wire.Addresses;

namespace Posthorn.Sendmail;

/// <summary>
/// The program under the names <c>sendmail</c>, <c>mailq</c> and <c>newaliases</c>, as cron, PHP, mutt and others call it:
/// hands a message to the running server. Silent when all went well; else a line on the error stream and a code of sysexits.
/// </summary>
sealed class SendmailCommand(Terminal terminal, IDictionary environment)
{
    /// <summary>Where the server's socket is looked for by users who may not read the configuration.</summary>
    internal const string PublicSocket = "/run/posthorn/sendmail.sock";

    const int MostInput = 1 << 30;

    public static bool IsName(string word) => word is "sendmail" or "mailq" or "newaliases";

    /// <param name="name">The name it was called by.</param>
    public async Task<int> RunAsync(string name, IReadOnlyList<string> words, CancellationToken ct)
    {
        try
        {
            var arguments = SendmailArguments.Parse(words);
            var mode = name switch { "mailq" => SendmailMode.ListQueue, "newaliases" => SendmailMode.Aliases, _ => arguments.Mode };
            switch (mode)
            {
                case SendmailMode.Aliases:
                    return ExitCode.Ok; // aliases are in the store and hold at once
                case SendmailMode.ListQueue:
                    return await QueueAsync(QueueVerbs.List with { Print = MailqForm.Print }, arguments, new() { ["limit"] = "100000" }, ct).ConfigureAwait(false);
                case SendmailMode.RunQueue:
                    return await RunQueueAsync(arguments, ct).ConfigureAwait(false);
                case SendmailMode.Smtp:
                    return await RelayAsync(Place(arguments).Socket, ct).ConfigureAwait(false);
                default:
                    return await SendAsync(arguments, mode == SendmailMode.Verify, ct).ConfigureAwait(false);
            }
        }
        catch (SendmailUsageException e) { return Fail(name, ExitCode.Usage, e.Message); }
        catch (BadRecipientException e) { return Fail(name, ExitCode.DataError, e.Message); }
        catch (VerbException e) { return Fail(name, e.Exit, e.Message); }
        catch (IOException e) { return Fail(name, ExitCode.IoError, e.Message); }
    }

    int Fail(string name, int exit, string message)
    {
        terminal.Error.WriteLine($"{name}: {message}");
        return exit;
    }

    async Task<int> SendAsync(SendmailArguments arguments, bool verifyOnly, CancellationToken ct)
    {
        var (socket, origin) = Place(arguments);
        // All of it first: a program that writes slowly holds no session of the server.
        var letter = verifyOnly ? Letter.Read([], false) : Letter.Read(await InputAsync(ct).ConfigureAwait(false), dotEnds: !arguments.IgnoreDots);
        await using var session = await LocalSession.OpenAsync(socket, ct).ConfigureAwait(false);
        var domain = origin ?? session.Host;
        var recipients = Recipients(arguments, letter, domain);
        if (recipients.Count == 0)
            throw new VerbException(ExitCode.DataError, arguments.FromHeader ? "the message names no recipients in To, Cc or Bcc" : "no recipients: name them, or say -t to take them from the message");
        var user = ProcessUser.Current();
        var sender = Originator.Sender(arguments.Sender, user.Name, domain);
        Originator.Complete(letter, sender, arguments.Name ?? environment["NAME"] as string ?? (arguments.Sender is null ? user.FullName : null), session.Host, TimeProvider.System);
        var octets = letter.ToOctets();
        var utf8 = sender?.NeedsSmtpUtf8 == true || recipients.Exists(static r => r.NeedsSmtpUtf8);
        var mail = await session.MailAsync(sender, arguments, octets.Length, octets.AsSpan().ContainsAnyInRange((byte)128, (byte)255), utf8).ConfigureAwait(false);
        if (!mail.Good) throw new VerbException(mail.Exit, $"the sender <{sender}> was refused: {mail}");
        var (accepted, exit) = (0, ExitCode.Ok);
        foreach (var recipient in recipients)
        {
            var reply = await session.RecipientAsync(recipient, arguments.Notify).ConfigureAwait(false);
            if (reply.Good) accepted++;
            // What can be tried again must not hide what cannot, nor the other way round: the first one counts.
            else if (exit == ExitCode.Ok) exit = reply.Exit;
            if (!reply.Good) terminal.Error.WriteLine($"sendmail: <{recipient}> was refused: {reply}");
            else if (verifyOnly) terminal.Out.WriteLine($"<{recipient}> is taken");
        }
        if (accepted == 0 || verifyOnly) return exit;
        var done = await session.DataAsync(octets).ConfigureAwait(false);
        if (!done.Good) throw new VerbException(done.Exit, "the message was refused: " + done);
        if (arguments.Verbose) terminal.Out.WriteLine(done);
        return exit;
    }

    /// <summary>Each address once. Fields of a resent message come before those of the message (RFC 5322 §3.6.6).</summary>
    static List<EmailAddress> Recipients(SendmailArguments arguments, Letter letter, string domain)
    {
        var texts = new List<string>(arguments.Recipients);
        if (arguments.FromHeader)
        {
            string[] names = ["To", "Cc", "Bcc"], resent = ["Resent-To", "Resent-Cc", "Resent-Bcc"];
            foreach (var name in resent.Any(letter.Has) ? resent : names) texts.AddRange(letter.Values(name));
        }
        return [.. texts.SelectMany(t => RecipientWords.Read(t, domain)).Distinct()];
    }

    async Task<byte[]> InputAsync(CancellationToken ct)
    {
        using var all = new MemoryStream();
        await using var input = terminal.OpenInput();
        var piece = new byte[64 << 10];
        while (await input.ReadAsync(piece, ct).ConfigureAwait(false) is > 0 and var n)
        {
            if (all.Length + n > MostInput) throw new VerbException(ExitCode.DataError, "the message is larger than 1 GB");
            all.Write(piece, 0, n);
        }
        return all.ToArray();
    }

    /// <summary>-bs: what comes goes to the server, and what it says comes back, until one of both ends.</summary>
    async Task<int> RelayAsync(string path, CancellationToken ct)
    {
        using var socket = await LocalSession.ConnectAsync(path, ct).ConfigureAwait(false);
        await using var server = new System.Net.Sockets.NetworkStream(socket, ownsSocket: false);
        await using var input = terminal.OpenInput();
        await using var output = terminal.OpenOutput();
        var asked = AskAsync();
        await server.CopyToAsync(output, ct).ConfigureAwait(false);
        await output.FlushAsync(ct).ConfigureAwait(false);
        _ = asked; // the client may go on writing to nobody
        return ExitCode.Ok;

        async Task AskAsync()
        {
            try
            {
                await input.CopyToAsync(server, ct).ConfigureAwait(false);
                socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            }
            catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException or ObjectDisposedException) { }
        }
    }

    Task<int> RunQueueAsync(SendmailArguments arguments, CancellationToken ct) => arguments.QueuePart switch
    {
        ['I', .. var id] => QueueAsync(Silent(QueueVerbs.Retry), arguments, new() { ["ids"] = new System.Text.Json.Nodes.JsonArray(id) }, ct),
        ['R' or 'S', .. var domain] => QueueAsync(Silent(QueueVerbs.Retry), arguments, new() { ["domain"] = domain }, ct),
        _ => QueueAsync(Silent(QueueVerbs.Flush), arguments, [], ct),
    };

    static Verb Silent(Verb verb) => verb with { Print = static (_, _) => { } };

    async Task<int> QueueAsync(Verb verb, SendmailArguments arguments, System.Text.Json.Nodes.JsonObject values, CancellationToken ct)
    {
        var input = new VerbInput { Yes = true };
        foreach (var (name, value) in values) input.Values[name] = value?.DeepClone();
        try { return await new VerbCommand(verb, terminal, new ConfigLoader(environment)).RunAsync(input, arguments.Config, [], ct).ConfigureAwait(false); }
        catch (ConfigException e) { return ConfigCommands.Report(terminal, e, json: false); }
    }

    /// <summary>The socket, and the domain of users without one; null to ask the server for its name.</summary>
    (string Socket, string? Origin) Place(SendmailArguments arguments)
    {
        try
        {
            var config = new ConfigLoader(environment).Load(arguments.Config);
            return (config.SendmailSocket, config.Options.Accounts.DefaultDomain);
        }
        catch (ConfigException e)
        {
            // Others than the owner may be unable to read it, or the keys that it names; the socket then has its known place.
            if (arguments.Config is null && File.Exists(PublicSocket)) return (PublicSocket, null);
            throw new VerbException(ExitCode.Configuration, $"{e.Errors[0]} (and there is no socket {PublicSocket})");
        }
    }
}
