using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Posthorn.Imap.Grammar;
using Posthorn.Wire.Connections;
using Posthorn.Wire.Sasl;

namespace Posthorn.Imap.Client;

/// <summary>
/// A session with another IMAP server, for copying from it: it reads and changes nothing there. Every trouble is an
/// <see cref="ImapClientException"/>. Not thread-safe.
/// </summary>
public sealed class ImapClient : IAsyncDisposable
{
    static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(30), GreetingTimeout = TimeSpan.FromMinutes(1);

    readonly Connection _connection;
    readonly DeadlineWatch _watch;
    readonly ClientWire _wire;
    readonly HashSet<string> _capabilities = new(StringComparer.OrdinalIgnoreCase);

    ImapClient(Connection connection, DeadlineWatch watch)
    {
        (_connection, _watch, _wire) = (connection, watch, new ClientWire(connection));
        watch.Add(connection);
    }

    /// <summary>Connects, and encrypts where that is wanted; nothing is said about anybody before.</summary>
    public static async Task<ImapClient> ConnectAsync(ImapServerAddress to, TimeProvider time, CancellationToken ct)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var timeout = new CancellationTokenSource(ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
        try { await socket.ConnectAsync(to.Host, to.Port, either.Token).ConfigureAwait(false); }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            socket.Dispose();
            ct.ThrowIfCancellationRequested();
            throw new ImapClientException($"{to.Host}, port {to.Port}: {(e is SocketException ? e.Message : "no answer")}");
        }
        var connection = new Connection(new NetworkStream(socket, ownsSocket: true), socket.RemoteEndPoint!, socket.LocalEndPoint!, () => socket.Shutdown(SocketShutdown.Receive), time);
        var client = new ImapClient(connection, new DeadlineWatch(time));
        try
        {
            if (to.Tls == ImapClientTls.Implicit) await client.EncryptAsync(to).ConfigureAwait(false);
            await client.GreetAsync().ConfigureAwait(false);
            if (to.Tls == ImapClientTls.StartTls) await client.StartTlsAsync(to).ConfigureAwait(false);
            return client;
        }
        catch
        {
            connection.Abort();
            await client.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    async ValueTask GreetAsync()
    {
        _connection.SetSessionDeadline(GreetingTimeout);
        var greeting = Encoding.UTF8.GetString((await _wire.ReadAsync(null).ConfigureAwait(false)).Span);
        if (greeting.StartsWith("* BYE", StringComparison.OrdinalIgnoreCase)) throw new ImapClientException("the server refuses: " + CleanText.Of(Encoding.UTF8.GetBytes(greeting[5..])));
        if (!greeting.StartsWith("* OK", StringComparison.OrdinalIgnoreCase)) throw new ImapClientException("this is no IMAP server: it said \"" + CleanText.Of(Encoding.UTF8.GetBytes(greeting[..Math.Min(80, greeting.Length)])) + "\"");
        _connection.SetSessionDeadline(null);
        await AskCapabilitiesAsync().ConfigureAwait(false);
    }

    async ValueTask StartTlsAsync(ImapServerAddress to)
    {
        if (!_capabilities.Contains("STARTTLS")) throw new ImapClientException("the server offers no STARTTLS");
        var answer = await _wire.RunAsync("STARTTLS").ConfigureAwait(false);
        if (!answer.Ok) throw new ImapClientException("the server refused STARTTLS: " + answer.Text);
        // RFC 9051 §6.2.1: what came in clear behind the answer is nobody's word (CVE-2011-0411).
        if (_connection.HasBufferedInput) throw new ImapClientException("the server, or somebody on the way, sent more behind its answer to STARTTLS");
        await EncryptAsync(to).ConfigureAwait(false);
        await AskCapabilitiesAsync().ConfigureAwait(false);
    }

    async ValueTask EncryptAsync(ImapServerAddress to)
    {
        var check = new ServerCertificate(to);
        if (!await _connection.UpgradeToTlsAsync(check.Options(), ConnectTimeout).ConfigureAwait(false))
            throw new ImapClientException($"no encrypted connection to {to.Host}: {check.Problem ?? _connection.TlsFailure ?? "the handshake failed"}");
    }

    async ValueTask AskCapabilitiesAsync()
    {
        _capabilities.Clear();
        await AskAsync("CAPABILITY", r =>
        {
            var words = new ResponseText(r.Span);
            if (!words.Word().Equals("CAPABILITY", StringComparison.OrdinalIgnoreCase)) return;
            while (words.Word() is { Length: > 0 } word) _capabilities.Add(word);
        }).ConfigureAwait(false);
    }

    /// <summary>Logs in by the strongest way that is offered. A password goes in clear only where <paramref name="inClear"/> says so, or over TLS.</summary>
    public async ValueTask LogInAsync(string user, string password, bool inClear)
    {
        var safe = _connection.Tls is not null || inClear;
        var offered = _capabilities.Where(static c => c.StartsWith("AUTH=", StringComparison.OrdinalIgnoreCase)).Select(static c => c[5..]).ToList();
        var mechanisms = SaslClient.ForPassword(offered, user, password).Where(m => safe || !m.ShowsSecret).ToList();
        if (mechanisms.Count == 0 && !safe) throw new ImapClientException("the password would go in clear: use TLS");
        if (mechanisms.Count == 0 && _capabilities.Contains("LOGINDISABLED")) throw new ImapClientException("the server offers no login by password");
        var answer = default(Tagged);
        foreach (var mechanism in mechanisms)
        {
            answer = await AuthenticateAsync(mechanism).ConfigureAwait(false);
            if (answer.Ok && mechanism.ProofMissing) throw new ImapClientException("the server takes the login and does not prove that it knows the password");
            // Some servers offer SCRAM and have the keys for it of some passwords only: the next way may be the one.
            if (answer.Ok || mechanism.ShowsSecret) break;
        }
        if (mechanisms.Count == 0) answer = await _wire.RunAsync($"LOGIN {Quote(user)} {Quote(password)}").ConfigureAwait(false);
        if (!answer.Ok) throw new ImapClientException($"the server refused the login of {user}: {answer.Text}");
        await AskCapabilitiesAsync().ConfigureAwait(false);
    }

    async ValueTask<Tagged> AuthenticateAsync(SaslClient mechanism)
    {
        var first = mechanism.Initial();
        var line = "AUTHENTICATE " + mechanism.Name;
        // RFC 4959: with the command where the server takes it so, else to its first, empty challenge.
        if (first is not null && _capabilities.Contains("SASL-IR")) (line, first) = ($"{line} {(first.Length == 0 ? "=" : Convert.ToBase64String(first))}", null);
        return await _wire.RunAsync(line, continued: challenge =>
        {
            var answer = first;
            first = null;
            if (answer is null)
                try { answer = mechanism.Answer(Convert.FromBase64String(challenge)); }
                catch (FormatException) { return null; }
            return answer is null ? null : Encoding.ASCII.GetBytes(Convert.ToBase64String(answer));
        }).ConfigureAwait(false);
    }

    /// <summary>The folders of the user's own, INBOX first.</summary>
    public async ValueTask<IReadOnlyList<RemoteFolder>> FoldersAsync()
    {
        var (prefix, others) = await NamespacesAsync().ConfigureAwait(false);
        var folders = new List<RemoteFolder>();
        var subscribed = new HashSet<string>();
        await AskAsync("LSUB \"\" \"*\"", r => ReadFolder(r.Span, "LSUB", (name, _, _) => subscribed.Add(name))).ConfigureAwait(false);
        var list = _capabilities.Contains("SPECIAL-USE") && _capabilities.Contains("LIST-EXTENDED") ? "LIST \"\" \"*\" RETURN (SPECIAL-USE)" : "LIST \"\" \"*\"";
        await AskAsync(list, r => ReadFolder(r.Span, "LIST", (name, delimiter, attributes) =>
        {
            if (Array.Exists(others, o => name.StartsWith(o, StringComparison.Ordinal))) return;
            var inbox = name.Equals("INBOX", StringComparison.OrdinalIgnoreCase);
            var own = !inbox && prefix.Length > 0 && name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) ? name[prefix.Length..] : name;
            if (own.Length > 0) folders.Add(new RemoteFolder(name, inbox ? "INBOX" : Plain(own, delimiter), attributes, subscribed.Count == 0 || subscribed.Contains(name)));
        })).ConfigureAwait(false);
        return [.. folders.OrderBy(static f => f.Name != "INBOX").ThenBy(static f => f.Name, StringComparer.Ordinal)];
    }

    /// <summary>The prefix of the personal namespace, and those of all others (RFC 2342).</summary>
    async ValueTask<(string Prefix, string[] Others)> NamespacesAsync()
    {
        if (!_capabilities.Contains("NAMESPACE")) return ("", []);
        var (prefix, others) = ("", new List<string>());
        await AskAsync("NAMESPACE", r =>
        {
            var words = new ResponseText(r.Span);
            if (!words.Word().Equals("NAMESPACE", StringComparison.OrdinalIgnoreCase)) return;
            for (var kind = 0; kind < 3; kind++)
            {
                words.Spaces();
                if (!words.TryTake((byte)'('))
                {
                    words.Word();
                    continue;
                }
                for (var first = true; !words.AtEnd && !words.TryTake((byte)')'); first = false)
                {
                    var one = words.List();
                    if (one.Count == 0) continue;
                    if (kind > 0) others.Add(one[0]);
                    else if (first) prefix = one[0];
                }
            }
        }).ConfigureAwait(false);
        return (prefix, [.. others.Where(static o => o.Length > 0)]);
    }

    static void ReadFolder(ReadOnlySpan<byte> response, string kind, Action<string, char, HashSet<string>> take)
    {
        var words = new ResponseText(response);
        if (!words.Word().Equals(kind, StringComparison.OrdinalIgnoreCase)) return;
        var attributes = words.List().Select(static a => a.ToLowerInvariant()).ToHashSet();
        var delimiter = words.Word();
        var name = words.Word();
        if (name.Length > 0) take(name, delimiter.Length == 1 ? delimiter[0] : '\0', attributes);
    }

    /// <summary>A name in our own form: a slash that parted nothing there becomes a dash.</summary>
    static string Plain(string encoded, char delimiter)
    {
        var levels = delimiter == '\0' ? [encoded] : encoded.Split(delimiter, StringSplitOptions.RemoveEmptyEntries);
        return string.Join('/', levels.Select(static l => (Administration.MailboxEncoding.TryDecode(l) ?? l).Replace('/', '-')));
    }

    /// <summary>Opens a folder for reading only.</summary>
    public async ValueTask<ExaminedFolder> ExamineAsync(RemoteFolder folder)
    {
        var (validity, messages) = (0u, 0L);
        await AskAsync("EXAMINE " + Quote(folder.Encoded), r =>
        {
            var words = new ResponseText(r.Span);
            var word = words.Word();
            if (long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                if (words.Word().Equals("EXISTS", StringComparison.OrdinalIgnoreCase)) messages = number;
            }
            else if (words.Word() is { } code && code.StartsWith("[UIDVALIDITY ", StringComparison.OrdinalIgnoreCase))
                _ = uint.TryParse(code.AsSpan(13).TrimEnd(']'), NumberStyles.None, CultureInfo.InvariantCulture, out validity);
        }).ConfigureAwait(false);
        return new ExaminedFolder(validity, messages);
    }

    /// <summary>All messages of the open folder, without their texts, by UID.</summary>
    public async ValueTask<IReadOnlyList<RemoteMessage>> MessagesAsync()
    {
        var messages = new SortedDictionary<uint, RemoteMessage>();
        await AskAsync("UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)", r =>
        {
            if (ReadMessage(r.Span) is { } message) messages[message.Uid] = message;
        }).ConfigureAwait(false);
        return [.. messages.Values];
    }

    static RemoteMessage? ReadMessage(ReadOnlySpan<byte> response)
    {
        var words = new ResponseText(response);
        words.Word();
        if (!words.Word().Equals("FETCH", StringComparison.OrdinalIgnoreCase)) return null;
        words.Spaces();
        if (!words.TryTake((byte)'(')) return null;
        var (uid, flags, date, size) = (0u, new List<string>(), (DateTimeOffset?)null, 0L);
        while (!words.AtEnd && words.Peek != ')')
        {
            switch (words.Word().ToUpperInvariant())
            {
                case "UID": uid = words.Number(); break;
                case "FLAGS": flags = words.List(); break;
                case "INTERNALDATE": date = Date(words.Word()); break;
                case "RFC822.SIZE": size = words.Number(); break;
                case "": return null;
                default: words.Skip(); break;
            }
            words.Spaces();
        }
        // What a server tells of other sessions' changes has no size.
        return uid > 0 && size > 0 ? new RemoteMessage(uid, flags, date, size) : null;
    }

    static DateTimeOffset? Date(string text)
    {
        try
        {
            var reader = new ImapReader(Encoding.ASCII.GetBytes($"\"{text}\""), ImapLimits.User);
            return ImapDate.Time(ref reader);
        }
        catch (BadSyntax) { return null; }
    }

    /// <summary>Streams the texts of messages of the open folder, in the order in which the server sends them.</summary>
    /// <param name="uids">A set as IMAP writes it.</param>
    public async ValueTask TextsAsync(string uids, IRemoteText texts)
    {
        var answer = await _wire.RunAsync($"UID FETCH {uids} (UID BODY.PEEK[])", texts: texts).ConfigureAwait(false);
        if (answer.Word == "BAD") throw new ImapClientException("the server does not take FETCH: " + answer.Text);
    }

    async ValueTask AskAsync(string command, Action<ReadOnlyMemory<byte>> untagged)
    {
        var answer = await _wire.RunAsync(command, untagged).ConfigureAwait(false);
        if (!answer.Ok) throw new ImapClientException($"the server refused {command.Split(' ')[0]}: {answer.Text}");
    }

    static string Quote(string text) => text.AsSpan().ContainsAny('\r', '\n', '\0')
        ? throw new ImapClientException("a name or password with a line end cannot be sent")
        : $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!_connection.WriteFailed) await _wire.RunAsync("LOGOUT").ConfigureAwait(false);
        }
        catch (ImapClientException) { } // it is over in any case
        _watch.Remove(_connection);
        await _connection.DisposeAsync().ConfigureAwait(false);
        _watch.Dispose();
    }
}
