using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop.Thunderbird;

/// <summary>
/// The remote control of Mozilla's programs: JSON over TCP, each packet with its length in octets before it
/// (<c>11:[0,1,"x",{}]</c>). A command is [0, id, name, parameters], its answer [1, id, error, result].
/// </summary>
sealed class Marionette : IAsyncDisposable
{
    readonly NetworkStream _stream;
    readonly CancellationToken _ct;
    int _id;

    Marionette(NetworkStream stream, CancellationToken ct) => (_stream, _ct) = (stream, ct);

    /// <summary>Connects as soon as the program listens, and begins a session that sees the program's own windows.</summary>
    public static async Task<Marionette> ConnectAsync(int port, CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(Ports.Loopback(port), ct);
        var marionette = new Marionette(new NetworkStream(socket, ownsSocket: true), ct);
        await marionette.ReadAsync(); // who it is
        await marionette.CommandAsync("WebDriver:NewSession", []);
        await marionette.CommandAsync("Marionette:SetContext", new JsonObject { ["value"] = "chrome" });
        return marionette;
    }

    /// <summary>Runs a command; what it gives back. Throws <see cref="MarionetteException"/> when it is refused.</summary>
    public async Task<JsonNode?> CommandAsync(string name, JsonObject parameters)
    {
        var packet = Encoding.UTF8.GetBytes(new JsonArray(0, ++_id, name, parameters).ToJsonString());
        await _stream.WriteAsync(Encoding.ASCII.GetBytes($"{packet.Length}:"), _ct);
        await _stream.WriteAsync(packet, _ct);
        var answer = (await ReadAsync()).AsArray();
        if (answer[2] is { } error) throw new MarionetteException($"{name}: {error["error"]}: {error["message"]}");
        return answer[3] is JsonObject result && result.ContainsKey("value") ? result["value"] : answer[3];
    }

    /// <summary>Runs JavaScript with the program's own rights in its current window; what it returns.</summary>
    public Task<JsonNode?> ScriptAsync(string script, params JsonNode?[] arguments) =>
        CommandAsync("WebDriver:ExecuteScript", new JsonObject { ["script"] = script, ["args"] = new JsonArray(arguments), ["sandbox"] = "system", ["newSandbox"] = false });

    async Task<JsonNode> ReadAsync()
    {
        var length = 0;
        var one = new byte[1];
        while (true)
        {
            await _stream.ReadExactlyAsync(one, _ct);
            if (one[0] == ':') break;
            length = length * 10 + one[0] - '0';
        }
        var packet = new byte[length];
        await _stream.ReadExactlyAsync(packet, _ct);
        return JsonNode.Parse(packet)!;
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();
}

/// <summary>The program refused a command, or a script threw.</summary>
sealed class MarionetteException(string message) : Exception(message);
