using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace Posthorn.Control;

/// <summary>Asks the running server.</summary>
static class ControlClient
{
    /// <summary>Begins a conversation of another kind than question and answer; null when no server listens at this path.</summary>
    public static async Task<Stream?> OpenAsync(string path, string verb, CancellationToken ct)
    {
        if (await ConnectAsync(path, ct).ConfigureAwait(false) is not { } socket) return null;
        var stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            await ControlFrame.WriteAsync(stream, new JsonObject { ["verb"] = verb }, ct).ConfigureAwait(false);
            if (await ControlFrame.ReadAsync(stream, ct).ConfigureAwait(false) is { } answer)
                return answer["error"] is { } error ? throw new Verbs.VerbException((int?)answer["exit"] ?? Cli.ExitCode.Software, (string)error!) : stream;
            throw new Verbs.VerbException(Cli.ExitCode.TemporaryFailure, "the running server ended the conversation without an answer");
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The answer, or null when no server listens at this path. Throws <see cref="Verbs.VerbException"/> when one does and we may not talk to it.</summary>
    public static async Task<JsonObject?> AskAsync(string path, string verb, JsonObject arguments, CancellationToken ct)
    {
        using var socket = await ConnectAsync(path, ct).ConfigureAwait(false);
        if (socket is null) return null;
        try
        {
            using var stream = new NetworkStream(socket, ownsSocket: false);
            await ControlFrame.WriteAsync(stream, new JsonObject { ["verb"] = verb, ["arguments"] = arguments.DeepClone() }, ct).ConfigureAwait(false);
            if (await ControlFrame.ReadAsync(stream, ct).ConfigureAwait(false) is { } answer) return answer;
        }
        catch (Exception e) when (e is IOException or SocketException) { }
        throw new Verbs.VerbException(Cli.ExitCode.TemporaryFailure, "the running server ended the conversation without an answer; whether it did what was asked is not known");
    }

    static async Task<Socket?> ConnectAsync(string path, CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct).ConfigureAwait(false);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            return e.SocketErrorCode is SocketError.AccessDenied ? throw new Verbs.VerbException(Cli.ExitCode.NoPermission, $"no permission to talk to the running server at {path}") : null;
        }
    }
}
