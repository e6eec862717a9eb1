using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Posthorn.Verbs;
using Posthorn.Wire.Connections;

namespace Posthorn.Control;

/// <summary>
/// The local socket on which the running server takes verbs. Mode 0600, and the peer must be our own user or root: the
/// mode keeps others out, the check keeps out whoever was handed the directory by mistake.
/// </summary>
sealed partial class ControlServer : IAsyncDisposable
{
    const int Backlog = 16;
    static readonly TimeSpan ReadTimeout = TimeSpan.FromMinutes(1);

    readonly string _path;
    readonly VerbContext _context;
    readonly ILogger _log;
    readonly Socket _socket;
    readonly CancellationTokenSource _stop = new();
    Task _accepting = Task.CompletedTask;

    public ControlServer(string path, VerbContext context, ILogger log)
    {
        (_path, _context, _log) = (path, context, log);
        if (Path.GetDirectoryName(path) is { Length: > 0 } directory && !Directory.Exists(directory))
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.Delete(path); // left over from a killed run: the store's lock says that nobody else serves
        _socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var before = Umask(0x7F); // 0177: the socket is never, not even for a moment, open to others
        try { _socket.Bind(new UnixDomainSocketEndPoint(path)); }
        finally { Umask(before); }
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _socket.Listen(Backlog);
    }

    public void Start() => _accepting = Task.Run(AcceptAsync);

    async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var client = await _socket.AcceptAsync(_stop.Token).ConfigureAwait(false);
                _ = ServeAsync(client);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException) { return; }
            catch (SocketException)
            {
                if (_stop.IsCancellationRequested) return; // "cancelled" comes as either kind
                await Task.Delay(100, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    async Task ServeAsync(Socket client)
    {
        using var stream = new NetworkStream(client, ownsSocket: true);
        try
        {
            if (!IsOurs(client))
            {
                LogStranger();
                return;
            }
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            limit.CancelAfter(ReadTimeout);
            if (await ControlFrame.ReadAsync(stream, limit.Token).ConfigureAwait(false) is not { } request) return;
            limit.CancelAfter(Timeout.InfiniteTimeSpan);
            var reply = await AnswerAsync(request, _stop.Token).ConfigureAwait(false);
            await ControlFrame.WriteAsync(stream, reply, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException) { }
    }

    async Task<JsonObject> AnswerAsync(JsonObject request, CancellationToken ct)
    {
        var path = request["verb"] is JsonValue v && v.TryGetValue<string>(out var text) ? text : "";
        var arguments = new VerbArguments(request["arguments"] as JsonObject ?? []);
        if (VerbTable.Find(path) is not { } verb) return VerbRunner.Failure(Cli.ExitCode.Usage, $"the running server knows no \"{path}\"");
        var answer = await VerbRunner.RunAsync(verb, _context, arguments, _log, ct).ConfigureAwait(false);
        LogVerb(path, (int?)answer["exit"] ?? 0);
        return answer;
    }

    static bool IsOurs(Socket client) => PeerCredentials.UserOf(client) is { } user && (user == 0 || user == EffectiveUser());

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        _socket.Dispose();
        await _accepting.ConfigureAwait(false);
        File.Delete(_path);
    }

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial int Umask(int mask);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial int EffectiveUser();

    [LoggerMessage(4301, LogLevel.Warning, "control socket: refused a process of another user")]
    partial void LogStranger();

    [LoggerMessage(4302, LogLevel.Information, "command \"{Verb}\" ended with {Exit}")]
    partial void LogVerb(string verb, int exit);
}
