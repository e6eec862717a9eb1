using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Chaos;

/// <summary>
/// Clients that send without pause and never send the same message twice: SMTP, LMTP and submission sessions, some that
/// stop in the middle of a message, and one POP3 reader that deletes.
/// </summary>
sealed class Load
{
    static int s_runs;

    readonly ChaosRig _rig;
    readonly int _run = Interlocked.Increment(ref s_runs);
    readonly int _pause;
    readonly int _largest;
    readonly CancellationTokenSource _stop = new();
    readonly List<Task> _sessions = [];
    int _acked;

    /// <param name="pause">Mean pause of a session between messages, in milliseconds.</param>
    /// <param name="largest">Octets of the largest messages.</param>
    public Load(ChaosRig rig, int smtp = 26, int lmtp = 6, int submission = 2, int half = 3, bool popper = true, int pause = 40, int largest = 200_000)
    {
        (_rig, _pause, _largest) = (rig, pause, largest);
        for (var i = 0; i < smtp; i++) Begin(i, Ports.Loopback(rig.Installation.Smtp), "EHLO load.test", SendAsync);
        for (var i = 0; i < lmtp; i++) Begin(100 + i, new UnixDomainSocketEndPoint(rig.Installation.LmtpSocket), "LHLO load.test", SendAsync);
        for (var i = 0; i < submission; i++) Begin(200 + i, Ports.Loopback(rig.Installation.Submission), "EHLO load.test", SubmitAsync);
        for (var i = 0; i < half; i++) Begin(300 + i, Ports.Loopback(rig.Installation.Smtp), "EHLO load.test", HalfAsync);
        if (popper) _sessions.Add(GuardAsync(() => PopAsync(ChaosRig.Users[0])));
    }

    /// <summary>Messages answered 250 so far.</summary>
    public int Acked => _acked;

    /// <summary>Waits until so many were answered 250, however slow the machine is.</summary>
    public async Task UntilAsync(int acked, CancellationToken ct)
    {
        for (var clock = Stopwatch.StartNew(); _acked < acked; await Task.Delay(20, ct))
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), $"{_acked} of {acked} messages in a minute\n{_rig.Server?.Tail}");
    }

    /// <summary>No new messages; waits for the sessions to end.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_sessions);
    }

    void Begin(int number, EndPoint to, string hello, Func<LineClient, int, Task> session) => _sessions.Add(GuardAsync(async () =>
    {
        var client = await LineClient.ConnectAsync(to, CancellationToken.None);
        try
        {
            var greeting = await client.ReplyAsync(CancellationToken.None);
            if (greeting?.StartsWith("220 ", StringComparison.Ordinal) != true) return;
            if (!(await client.CommandAsync(hello, CancellationToken.None)).StartsWith("250", StringComparison.Ordinal)) return;
            await session(client, number);
            // Leaves without waiting: a server that is going down owes nothing here.
            await client.SendAsync("QUIT", CancellationToken.None);
        }
        finally
        {
            await client.DisposeAsync();
        }
    }));

    async Task GuardAsync(Func<Task> session)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await session();
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                // The server went away; that is what these tests are about.
            }
            try
            {
                await Task.Delay(100, _stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    Task SendAsync(LineClient client, int number) => SendAllAsync(client, number, "sender@load.test", mixed: true);

    async Task SubmitAsync(LineClient client, int number)
    {
        var user = ChaosRig.Users[1] + "@example.test";
        var login = Convert.ToBase64String(Encoding.UTF8.GetBytes($"\0{user}\0{Installation.Password}"));
        if (!(await client.CommandAsync("AUTH PLAIN " + login, CancellationToken.None)).StartsWith("235 ", StringComparison.Ordinal)) return;
        await SendAllAsync(client, number, user, mixed: true);
    }

    async Task SendAllAsync(LineClient client, int number, string from, bool mixed)
    {
        var random = new Random(_run * 1000 + number);
        var perRecipient = number is >= 100 and < 200;
        for (var n = _rig.NextSerial(); !_stop.IsCancellationRequested; n = _rig.NextSerial())
        {
            var id = $"{_run}-{number}-{n}";
            var message = ChaosMessage.Make(id, from, Size(random), random);
            var recipients = ChaosRig.Users.OrderBy(_ => random.Next()).Take(mixed && random.Next(4) == 0 ? 2 : 1).ToList();
            if (!await TransactAsync(client, from, recipients, id, message, perRecipient)) return;
            await Task.Delay(random.Next(_pause * 2) + 1);
        }
    }

    /// <summary>One transaction; false when the session must end.</summary>
    async Task<bool> TransactAsync(LineClient client, string from, List<string> recipients, string id, byte[] message, bool perRecipient)
    {
        var commands = new StringBuilder($"MAIL FROM:<{from}>\r\n");
        foreach (var user in recipients) commands.Append($"RCPT TO:<{user}@example.test>\r\n");
        commands.Append("DATA\r\n");
        _rig.Ledger.Never[id] = "not sent";
        await client.WriteAsync(Encoding.ASCII.GetBytes(commands.ToString()), CancellationToken.None);
        var accepted = new List<string>();
        var mail = await ReplyAsync(client);
        foreach (var user in recipients)
            if ((await ReplyAsync(client)).StartsWith("250", StringComparison.Ordinal)) accepted.Add(user);
        var data = await ReplyAsync(client);
        if (!data.StartsWith("354", StringComparison.Ordinal))
        {
            _rig.Ledger.Refusals.Enqueue((TimeProvider.System.GetUtcNow(), mail.StartsWith('2') ? data : mail));
            return !mail.StartsWith("421", StringComparison.Ordinal) && !data.StartsWith("421", StringComparison.Ordinal);
        }
        await client.WriteAsync(message, CancellationToken.None);
        _rig.Ledger.Unanswered[id] = true;
        _rig.Ledger.Never.TryRemove(id, out _);
        await client.WriteAsync(".\r\n"u8.ToArray(), CancellationToken.None);
        var (open, unsure) = (true, false);
        var final = perRecipient ? accepted.Count : 1;
        for (var i = 0; i < final; i++)
        {
            var reply = await ReplyAsync(client);
            if (reply.StartsWith("250 2.", StringComparison.Ordinal))
            {
                foreach (var user in perRecipient ? [accepted[i]] : accepted) _rig.Ledger.Ack(user, id);
                Interlocked.Increment(ref _acked);
            }
            else
            {
                _rig.Ledger.Refusals.Enqueue((TimeProvider.System.GetUtcNow(), reply));
                open &= !reply.StartsWith("421", StringComparison.Ordinal);
                // 4.3.0 after the final dot says that the server does not know: a commit whose sync failed may be on the
                // disk or not. The client will send again, and better twice than never.
                unsure |= reply[4..].StartsWith("4.3.0", StringComparison.Ordinal);
                if (!perRecipient && !unsure) _rig.Ledger.Never[id] = "refused: " + reply;
            }
        }
        if (!unsure) _rig.Ledger.Unanswered.TryRemove(id, out _);
        return open;
    }

    /// <summary>Sends a part of a message and then nothing more, or hangs up.</summary>
    async Task HalfAsync(LineClient client, int number)
    {
        var random = new Random(_run * 1000 + number);
        var id = $"{_run}-{number}-{_rig.NextSerial()}";
        _rig.Ledger.Never[id] = "half sent";
        await client.CommandAsync("MAIL FROM:<half@load.test>", CancellationToken.None);
        await client.CommandAsync($"RCPT TO:<{ChaosRig.Users[random.Next(ChaosRig.Users.Length)]}@example.test>", CancellationToken.None);
        if (!(await client.CommandAsync("DATA", CancellationToken.None)).StartsWith("354", StringComparison.Ordinal)) return;
        var message = ChaosMessage.Make(id, "half@load.test", Size(random), random);
        await client.WriteAsync(message.AsMemory(0, message.Length / 2), CancellationToken.None);
        if (random.Next(2) == 0) client.Reset();
        else await Task.Delay(random.Next(500) + 1);
    }

    /// <summary>Reads and deletes while mail comes in.</summary>
    async Task PopAsync(string user)
    {
        await using var reader = await Pop3Reader.LoginAsync(_rig.Installation.Pop3, user + "@example.test", Installation.Password, CancellationToken.None);
        var read = new List<(int Number, string Id)>();
        await foreach (var message in reader.AllAsync(CancellationToken.None))
        {
            if (ChaosMessage.Check(message.Octets) is ({ } id, null)) read.Add((message.Number, id));
            if (message.Number == 50) break;
        }
        await reader.DeleteAsync([.. read.Select(r => r.Number)], CancellationToken.None);
        foreach (var (_, id) in read) _rig.Ledger.PerhapsTaken[(user, id)] = true;
        await reader.QuitAsync(CancellationToken.None);
        foreach (var (_, id) in read)
        {
            _rig.Ledger.Take(user, id);
            _rig.Ledger.PerhapsTaken.TryRemove((user, id), out _);
        }
    }

    int Size(Random random) => random.Next(10) switch
    {
        < 7 => random.Next(500, 4_000),
        < 9 => random.Next(4_000, Math.Max(4_001, _largest / 3)),
        _ => random.Next(_largest / 3, _largest),
    };

    static async Task<string> ReplyAsync(LineClient client) =>
        await client.ReplyAsync(CancellationToken.None) ?? throw new IOException("connection ended");
}
