using System.Net.Sockets;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop.Thunderbird;

/// <summary>
/// Thunderbird on a screen of its own (Xvfb), with a new profile: what a user has who starts it for the first time. It looks
/// for settings of mail servers in a directory of ours only, believes a certificate authority of ours, and reaches no web.
/// </summary>
sealed class ThunderbirdProgram : IAsyncDisposable
{
    readonly string _home;
    readonly DaemonProcess _screen;
    readonly DaemonProcess _program;

    ThunderbirdProgram(string home, DaemonProcess screen, DaemonProcess program, Marionette marionette) =>
        (_home, _screen, _program, Marionette) = (home, screen, program, marionette);

    public Marionette Marionette { get; }

    /// <summary>What it has written down of its IMAP sessions: what it sent, what it read, what it could not read.</summary>
    public IEnumerable<string> ImapLog
    {
        get
        {
            // It is still writing.
            using var file = new FileStream(Path.Combine(_home, "imap.moz_log"), FileMode.OpenOrCreate, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return new StreamReader(file).ReadToEnd().Split('\n');
        }
    }

    /// <summary>Why it cannot run here, or null.</summary>
    public static string? Missing => Tool.Missing("thunderbird", "Xvfb");

    /// <summary>Where the settings for a domain are looked up: a file for each, named after it.</summary>
    public static string Settings(string home, string domain) => Path.Combine(home, domain + ".xml");

    /// <summary>Starts it.</summary>
    /// <param name="home">An existing directory for all that it writes.</param>
    /// <param name="host">The mail server's name, which is to mean this machine.</param>
    public static async Task<ThunderbirdProgram> StartAsync(string home, string host, CancellationToken ct)
    {
        var port = Ports.FreeUdpAndTcp();
        var profile = Directory.CreateDirectory(Path.Combine(home, "profile")).FullName;
        await File.WriteAllLinesAsync(Path.Combine(profile, "user.js"), Preferences(home, host, port).Select(static p => $"user_pref(\"{p.Name}\", {p.Value});"), ct);
        var screen = DaemonProcess.Launch("Xvfb", ["-displayfd", "1", "-screen", "0", "1280x1000x24", "-nolisten", "tcp"]);
        DaemonProcess? program = null;
        try
        {
            var display = await DisplayAsync(screen, ct);
            program = DaemonProcess.Launch("thunderbird", ["--profile", profile, "--no-remote", "--marionette", "--remote-allow-system-access"], new Dictionary<string, string>
            {
                ["HOME"] = home,
                ["DISPLAY"] = ":" + display,
                ["DBUS_SESSION_BUS_ADDRESS"] = "disabled:", // else one is started, and stays
                ["NO_AT_BRIDGE"] = "1",
                ["MOZ_CRASHREPORTER_DISABLE"] = "1",
                ["MOZ_LOG"] = "IMAP:4,sync",
                ["MOZ_LOG_FILE"] = Path.Combine(home, "imap"),
                ["TZ"] = "UTC",
            });
            await program.ListensAsync(port, ct);
            return new ThunderbirdProgram(home, screen, program, await Marionette.ConnectAsync(port, ct));
        }
        catch
        {
            if (program is not null) await program.DisposeAsync();
            await screen.DisposeAsync();
            throw;
        }
    }

    static IEnumerable<(string Name, string Value)> Preferences(string home, string host, int port) =>
    [
        ("marionette.port", $"{port}"),
        ("network.dns.localDomains", $"\"{host}\""),
        // No web: whatever it asks for goes to a proxy that is not there.
        ("network.proxy.type", "1"),
        ("network.proxy.http", "\"127.0.0.1\""),
        ("network.proxy.http_port", "1"),
        ("network.proxy.ssl", "\"127.0.0.1\""),
        ("network.proxy.ssl_port", "1"),
        ("network.captive-portal-service.enabled", "false"),
        ("network.connectivity-service.enabled", "false"),
        ("app.update.auto", "false"),
        ("extensions.update.enabled", "false"),
        ("datareporting.policy.dataSubmissionEnabled", "false"),
        ("datareporting.policy.dataSubmissionPolicyBypassNotification", "true"),
        ("datareporting.healthreport.uploadEnabled", "false"),
        ("toolkit.telemetry.enabled", "false"),
        // Nothing stands before the mail when it starts.
        ("mailnews.start_page.enabled", "false"),
        ("mail.rights.version", "1"),
        ("mail.shell.checkDefaultClient", "false"),
        ("mail.inappnotifications.enabled", "false"),
        ("mail.biff.show_alert", "false"),
        ("mail.biff.play_sound", "false"),
        ("calendar.timezone.useSystemTimezone", "true"),
        // Settings come from our file alone.
        ("mailnews.auto_config_url", $"\"file://{home}/{{{{domain}}}}.xml\""),
        ("mailnews.auto_config.fetchFromISP.enabled", "false"),
        ("mailnews.auto_config.fetchFromExchange.enabled", "false"),
        ("mailnews.auto_config.guess.enabled", "false"),
        // Going offline and coming back without questions: nothing is downloaded before, what was written is sent.
        ("offline.download.download_messages", "2"),
        ("offline.send.unsent_messages", "1"),
    ];

    /// <summary>The number of the screen, which Xvfb tells when it is there.</summary>
    static async Task<int> DisplayAsync(DaemonProcess screen, CancellationToken ct)
    {
        for (var waited = 0; waited < 60_000; waited += 50)
        {
            foreach (var line in screen.Tail.Split('\n'))
                if (int.TryParse(line, out var display)) return display;
            await Task.Delay(50, ct);
        }
        throw new TimeoutException("Xvfb did not start in 60 s\n" + screen.Tail);
    }

    /// <summary>The end of what it said and of its IMAP log, for failure messages.</summary>
    public string Tail => _program.Tail + "\n--- IMAP log\n" + string.Join('\n', ImapLog.Where(static l => l.Contains("SendData", StringComparison.Ordinal) || l.Contains("FromSocket", StringComparison.Ordinal)).TakeLast(40));

    public async ValueTask DisposeAsync()
    {
        await Marionette.DisposeAsync();
        await _program.DisposeAsync();
        await _screen.DisposeAsync();
    }
}
