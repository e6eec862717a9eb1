using System.Collections;
using System.Text;
using System.Text.Json.Nodes;
using Posthorn.Accounts;
using Posthorn.Accounts.Service;
using Posthorn.Cli;
using Posthorn.Configuration;
using Posthorn.Control;
using Posthorn.Logging;

namespace Posthorn.Serving;

/// <param name="Data">Where to keep the store; null for a place that is thrown away.</param>
sealed record DemoRequest(string? Data, string Domain, int PortBase, bool Json);

/// <summary>An account of the demo with its secrets, which are printed and open nothing but this machine.</summary>
sealed record DemoAccount(string Address, string Password, string AppPassword);

/// <summary><c>posthorn demo</c>: the server as it is, with a configuration, a domain and two accounts made for it.</summary>
static class DemoCommand
{
    static readonly (ListenerProtocol Protocol, int Port, string Tls)[] Services =
    [
        (ListenerProtocol.Smtp, 25, "starttls"),
        (ListenerProtocol.Submission, 587, "starttls"),
        (ListenerProtocol.Submissions, 465, "implicit"),
        (ListenerProtocol.Pop3, 110, "starttls"),
        (ListenerProtocol.Pop3s, 995, "implicit"),
        (ListenerProtocol.Imap, 143, "starttls"),
        (ListenerProtocol.Imaps, 993, "implicit"),
    ];

    public static async Task<int> RunAsync(DemoRequest request, Terminal terminal)
    {
        if (!ConfigRules.IsHostName(request.Domain)) return Usage(terminal, $"--domain: \"{request.Domain}\" is not a domain");
        if (request.PortBase is < 0 or > 65535 - 995) return Usage(terminal, $"--port-base: must be from 0 to {65535 - 995}");
        var thrownAway = request.Data is null;
        var data = request.Data is { } kept ? Path.GetFullPath(kept) : Directory.CreateTempSubdirectory("posthorn-demo-").FullName;
        try
        {
            Directory.CreateDirectory(data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            var file = Path.Combine(data, "posthorn.json");
            await File.WriteAllTextAsync(file, Configuration(request)).ConfigureAwait(false);
            await File.WriteAllTextAsync(Path.Combine(data, "hello.txt"), "Hello from Posthorn.\n").ConfigureAwait(false);
            var loader = new ConfigLoader(new Hashtable());
            var config = loader.Load(file);
            using var logs = new LogProvider(new LogOutput(null), request.Json ? LogFormat.Json : LogFormat.Text, request.Json ? LogSeverity.Information : LogSeverity.Warning, TimeProvider.System);
            // Whoever reads both streams as one gets the ready line first.
            logs.Output.Hold();
            return await ServeCommand.RunAsync(config, logs, terminal, () => loader.Load(file), holdForeign: true, async server =>
            {
                var accounts = await SetUpAsync(server.Services.Verbs(config).Accounts, request.Domain).ConfigureAwait(false);
                terminal.Out.WriteLine(request.Json ? Ready(request, data, accounts) : DemoGuide.Text(request, data, thrownAway, accounts));
                terminal.Out.Flush();
                logs.Output.Release();
            }).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            terminal.Error.WriteLine($"posthorn: cannot use {data}: {e.Message}");
            return ExitCode.CannotCreate;
        }
        finally
        {
            if (thrownAway) Directory.Delete(data, recursive: true);
        }
    }

    static int Usage(Terminal terminal, string message)
    {
        terminal.Error.WriteLine("posthorn: " + message);
        return ExitCode.Usage;
    }

    /// <summary>An ordinary configuration file, so that the other commands work on the demo too.</summary>
    static string Configuration(DemoRequest request)
    {
        var text = new StringBuilder();
        text.Append("{\n");
        text.Append("  // Made by \"posthorn demo\" at each start.\n");
        text.Append($"  \"hostname\": \"mail.{request.Domain}\",\n");
        text.Append("  \"dataDirectory\": \".\",\n");
        text.Append("  \"listeners\": [\n");
        foreach (var (protocol, port, tls) in Services)
        {
            var login = tls == "implicit" || protocol == ListenerProtocol.Smtp ? "" : ", \"plaintextLogin\": \"loopback\"";
            text.Append($"    {{ \"protocol\": \"{Deployment.Name(protocol)}\", \"address\": \"127.0.0.1:{request.PortBase + port}\"{login} }},\n");
        }
        text.Append("  ],\n");
        text.Append($"  \"accounts\": {{ \"defaultDomain\": \"{request.Domain}\" }},\n");
        // All clients of a demo come from one address.
        text.Append("  \"limits\": { \"connectionsPerAddress\": 12000, \"connectionsPerNetwork\": 12000, \"connectionRate\": 1000000 },\n");
        text.Append("}\n");
        return text.ToString();
    }

    static async Task<IReadOnlyList<DemoAccount>> SetUpAsync(AccountService service, string domain)
    {
        if (!service.Domains().Any(d => d.Name == domain)) await service.AddDomainAsync(domain).ConfigureAwait(false);
        var made = new List<DemoAccount>();
        foreach (var (user, name) in (ReadOnlySpan<(string, string)>)[("alice", "Alice Demo"), ("bob", "Bob Demo")])
            made.Add(new($"{user}@{domain}", Secret(), name));
        for (var i = 0; i < made.Count; i++)
        {
            var (address, password, name) = made[i];
            if (service.Accounts().Any(a => a.Address == address)) await service.SetPasswordAsync(address, password).ConfigureAwait(false);
            else await service.AddAccountAsync(new NewAccount { Address = address, Name = name, Password = password }).ConfigureAwait(false);
            if (service.AppPasswords(address).Any(p => p.Name == "demo")) await service.RevokeAppPasswordAsync(address, "demo").ConfigureAwait(false);
            var app = await service.AddAppPasswordAsync(address, "demo", [], null).ConfigureAwait(false);
            made[i] = new(address, password, app.Secret);
        }
        return made;
    }

    /// <summary>Letters that cannot be mistaken for each other, in groups that can be read aloud.</summary>
    static string Secret() => string.Join('-', Enumerable.Range(0, 4).Select(_ => System.Security.Cryptography.RandomNumberGenerator.GetString("abcdefghjkmnpqrstvwxyz23456789", 4)));

    static string Ready(DemoRequest request, string data, IReadOnlyList<DemoAccount> accounts)
    {
        var line = new JsonObject
        {
            ["event"] = "ready",
            ["data"] = data,
            ["config"] = Path.Combine(data, "posthorn.json"),
            ["domain"] = request.Domain,
            ["listeners"] = new JsonArray([.. Services.Select(s => (JsonNode)new JsonObject { ["protocol"] = Deployment.Name(s.Protocol), ["address"] = "127.0.0.1", ["port"] = request.PortBase + s.Port, ["tls"] = s.Tls })]),
            ["accounts"] = new JsonArray([.. accounts.Select(a => (JsonNode)new JsonObject { ["address"] = a.Address, ["password"] = a.Password, ["appPassword"] = a.AppPassword })]),
        };
        return line.ToJsonString(ControlJson.Default.Options);
    }
}
