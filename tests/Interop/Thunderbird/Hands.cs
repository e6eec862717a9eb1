using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Posthorn.Tests.Interop.Thunderbird;

/// <summary>
/// What a user does: looks, clicks and types. An element is told by a JavaScript expression, in which <c>pane</c> is the mail
/// tab, <c>hub</c> the assistant for new accounts, <c>folder(name)</c> a folder, <c>inTree(name)</c> its line in the tree and
/// <c>row(subject)</c> the line of a letter in the list.
/// </summary>
sealed class Hands(ThunderbirdProgram program, CancellationToken ct)
{
    public const string Control = "\uE009", Shift = "\uE008", Enter = "\uE007", Tab = "\uE004", Delete = "\uE017";

    const string Words = """
        const pane = document.getElementById('tabmail')?.currentAbout3Pane;
        const hub = document.querySelector('account-hub-container')?.modal.querySelector('account-hub-email');
        const folder = name => MailServices.accounts.accounts[0].incomingServer.rootFolder.descendants.find(f => f.URI.endsWith('/' + name));
        const inTree = name => pane.folderPane.getRowForFolder(folder(name), 'all').querySelector('.name');
        const row = subject => {
          const header = [...pane.gFolder.messages].find(h => h.mime2DecodedSubject == subject);
          return header && pane.threadTree.getRowAtIndex(pane.gDBView.findIndexOfMsgHdr(header, false));
        };

        """;

    const string Middle = """
        if (!element) return null;
        element.scrollIntoView?.({ block: 'nearest' });
        let { left, top, width, height } = element.getBoundingClientRect();
        if (!width || !height) return null;
        let [x, y] = [left + width / 2, top + height / 2];
        for (let f = element; f = f.ownerDocument.defaultView.browsingContext.embedderElement;) {
          const outer = f.getBoundingClientRect();
          x += outer.left;
          y += outer.top;
        }
        return [Math.round(x), Math.round(y)];
        """;

    /// <summary>Runs a script with the words above.</summary>
    public Task<JsonNode?> DoAsync(string script, params JsonNode?[] arguments) => program.Marionette.ScriptAsync(Words + script, arguments);

    /// <summary>Looks until an expression is true, for at most a minute.</summary>
    public async Task SeeAsync(string expression, params string[] arguments)
    {
        var trouble = "it is false";
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(60); await Task.Delay(50, ct))
        {
            try
            {
                if ((bool)(await DoAsync($"return !!({expression});", [.. arguments.Select(static a => (JsonNode?)a)]))!) return;
            }
            catch (MarionetteException e)
            {
                trouble = e.Message; // something it looks through is not there yet
            }
        }
        throw new TimeoutException($"not seen in 60 s: {expression}: {trouble}\nwindows: {await WindowsAsync()}\n{program.Tail}");
    }

    /// <summary>Clicks in the middle of an element, as soon as it is on the screen and stays where it is.</summary>
    public async Task ClickAsync(string expression, params string[] arguments)
    {
        JsonNode? place = null;
        JsonNode? before = null;
        for (var clock = Stopwatch.StartNew(); place is null || !JsonNode.DeepEquals(place, before); await Task.Delay(100, ct))
        {
            if (clock.Elapsed > TimeSpan.FromSeconds(60)) throw new TimeoutException($"not on the screen in 60 s: {expression}\n{program.Tail}");
            before = place;
            try
            {
                place = await DoAsync($"const element = {expression};\n{Middle}", [.. arguments.Select(static a => (JsonNode?)a)]);
            }
            catch (MarionetteException)
            {
                // Not yet.
            }
        }
        await ActAsync("pointer", new JsonObject { ["type"] = "pointerMove", ["duration"] = 0, ["x"] = (int)place[0]!, ["y"] = (int)place[1]!, ["origin"] = "viewport" },
            new JsonObject { ["type"] = "pointerDown", ["button"] = 0 }, new JsonObject { ["type"] = "pointerUp", ["button"] = 0 });
    }

    /// <summary>Types a text, one key after the other.</summary>
    public Task TypeAsync(string text) =>
        ActAsync("key", [.. text.EnumerateRunes().SelectMany(static r => (JsonObject[])[Key("keyDown", r.ToString()), Key("keyUp", r.ToString())])]);

    /// <summary>Presses keys together.</summary>
    public Task PressAsync(params string[] keys) => ActAsync("key", [.. keys.Select(static k => Key("keyDown", k)), .. keys.Reverse().Select(static k => Key("keyUp", k))]);

    /// <summary>Goes to the window with this address, as soon as there is one and it is loaded.</summary>
    public async Task WindowAsync(string address)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(60); await Task.Delay(50, ct))
        {
            foreach (var handle in (await program.Marionette.CommandAsync("WebDriver:GetWindowHandles", []))!.AsArray())
            {
                try
                {
                    await program.Marionette.CommandAsync("WebDriver:SwitchToWindow", new JsonObject { ["handle"] = handle!.DeepClone() });
                    if ((bool)(await program.Marionette.ScriptAsync("return document.location.href.endsWith(arguments[0]) && document.readyState == 'complete';", address))!) return;
                }
                catch (MarionetteException)
                {
                    // It closes, or is not ready.
                }
            }
        }
        throw new TimeoutException($"no window {address} in 60 s\n{program.Tail}");
    }

    async Task<string> WindowsAsync() =>
        (string?)await program.Marionette.ScriptAsync("return [...Services.wm.getEnumerator(null)].map(w => w.location.href).join(' ');") ?? "";

    Task ActAsync(string kind, params JsonNode?[] actions) =>
        program.Marionette.CommandAsync("WebDriver:PerformActions", new JsonObject
        {
            ["actions"] = new JsonArray(new JsonObject { ["type"] = kind, ["id"] = kind, ["actions"] = new JsonArray(actions) }),
        });

    static JsonObject Key(string type, string value) => new() { ["type"] = type, ["value"] = value };
}
