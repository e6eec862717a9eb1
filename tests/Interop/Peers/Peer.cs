using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop.Peers;

/// <summary>What a mail server of somebody else is to do.</summary>
/// <param name="Sink">The port on 127.0.0.1 to which it sends all mail for its own domain.</param>
/// <param name="Here">Our smtp listener, to which it sends mail for here.test; null for none.</param>
/// <param name="Size">The largest message it takes, in octets.</param>
public sealed record PeerPlan(int Sink, System.Net.IPEndPoint? Here, int Size)
{
    /// <summary>The only recipient in a peer's own domain that it does not know.</summary>
    public const string Unknown = "nobody";

    /// <summary>The words with which it refuses him.</summary>
    public const string Refusal = "there is nobody of that name";

    /// <summary>What a peer with a login by XOAUTH2 believes of the user "me".</summary>
    public const string Token = "ya29.a-token";
}

/// <summary>
/// A mail server of somebody else on a port of its own on 127.0.0.1, in the foreground, with all its files below a temporary
/// directory. It takes mail for its domain and passes it on to a sink, and mail for here.test, which it brings to us.
/// </summary>
public sealed class Peer : IAsyncDisposable
{
    readonly DirectoryInfo _home;
    readonly DaemonProcess _process;
    readonly string _log;

    Peer(string name, DirectoryInfo home, DaemonProcess process, string log, int port) => (Name, _home, _process, _log, Port) = (name, home, process, log, port);

    public string Name { get; }
    public int Port { get; }

    /// <summary>Its host name and the domain it takes mail for.</summary>
    public string Domain => Name + ".test";

    /// <summary>All that it has logged so far.</summary>
    public string Log => File.Exists(_log) ? File.ReadAllText(_log) : "";

    /// <summary>The lines of <see cref="Log"/> with this text.</summary>
    public IReadOnlyList<string> LinesWith(string text) => [.. Log.Split('\n').Where(l => l.Contains(text, StringComparison.Ordinal))];

    /// <summary>Waits until it has logged a line with this text.</summary>
    public async Task<string> LoggedAsync(string text, CancellationToken ct, int seconds = 30)
    {
        for (var waited = 0; ; waited += 50)
        {
            if (LinesWith(text) is [.., var last]) return last;
            if (waited > seconds * 1000) throw new TimeoutException($"{Name} did not log \"{text}\" in {seconds} s:\n{Tail}");
            await Task.Delay(50, ct);
        }
    }

    /// <summary>The end of the log, for failure messages.</summary>
    public string Tail => string.Join('\n', Log.Split('\n').TakeLast(60));

    /// <summary>Why it cannot run here, or null.</summary>
    public static string? Missing(string name) => Recipe(name).Missing();

    public static async Task<Peer> StartAsync(string name, PeerPlan plan, CancellationToken ct)
    {
        var home = Directory.CreateTempSubdirectory($"posthorn-{name}-");
        File.SetUnixFileMode(home.FullName, (UnixFileMode)0x1ED); // its other users come in here: 0755
        var log = Path.Combine(home.FullName, "log", "log");
        Directory.CreateDirectory(Path.Combine(home.FullName, "log"));
        var port = Ports.FreeUdpAndTcp();
        PeerCertificate.Write(name + ".test", home.FullName);
        var command = Recipe(name).Prepare(home.FullName, port, plan);
        var process = DaemonProcess.Launch(command[0], command[1..]);
        var peer = new Peer(name, home, process, log, port);
        try
        {
            await process.ListensAsync(port, ct);
            return peer;
        }
        catch (Exception e) when (e is InvalidOperationException or OperationCanceledException)
        {
            var tail = peer.Tail;
            await peer.DisposeAsync();
            throw new InvalidOperationException($"{e.Message}\n{tail}", e);
        }
    }

    static IPeerRecipe Recipe(string name) => name switch
    {
        "postfix" => new PostfixRecipe(),
        "exim" => new EximRecipe(),
        "opensmtpd" => new OpenSmtpdRecipe(),
        "aiosmtpd" => new AiosmtpdRecipe(SevenBit: false, Login: false),
        "sevenbit" => new AiosmtpdRecipe(SevenBit: true, Login: false),
        "oauth" => new AiosmtpdRecipe(SevenBit: false, Login: true),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
    };

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        for (var tries = 0; ; tries++)
        {
            try
            {
                _home.Delete(recursive: true);
                return;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException && tries < 50)
            {
                await Task.Delay(100); // its children are ending, and still write
            }
        }
    }
}

/// <summary>How a peer is set up.</summary>
interface IPeerRecipe
{
    /// <summary>Why it cannot run here, or null.</summary>
    string? Missing();

    /// <summary>
    /// Writes its configuration below <paramref name="home"/>, where cert.pem and key.pem are; the command that runs it in the
    /// foreground and makes it write its log to log/log there.
    /// </summary>
    string[] Prepare(string home, int port, PeerPlan plan);
}
