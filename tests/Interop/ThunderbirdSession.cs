using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Posthorn.Tests.Interop.Peers;
using Posthorn.Tests.Interop.Thunderbird;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>
/// Thunderbird from its first start on, driven in its windows: what the user does there is looked for on the server by a
/// second client, and the other way round. One session, since each step stands on the one before.
/// </summary>
public sealed class ThunderbirdSession : IAsyncLifetime
{
    const string Host = "mail.example.test";

    static readonly DemoAccount Alice = new("alice@example.test", Installation.Password, ""), Bob = new("bob@example.test", Installation.Password, "");

    readonly string _scratch = Directory.CreateTempSubdirectory("posthorn-thunderbird-").FullName;
    readonly int _base = Ports.FreeBase();
    Installation _installation = null!;
    ServerProcess? _server;
    byte[] _authority = [];
    Hands _hands = null!;
    ThunderbirdProgram _thunderbird = null!;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    int Imap => _base + 143;

    int Imaps => _base + 993;

    int Submissions => _base + 465;

    public async ValueTask InitializeAsync()
    {
        if (ThunderbirdProgram.Missing is not null) return;
        _authority = TestAuthority.Issue(Host, _scratch);
        _installation = new Installation(_scratch, Path.Combine(_scratch, "data"), _base)
        {
            Sections =
            {
                ["tls"] = new JsonObject { ["certificates"] = new JsonArray(new JsonObject { ["certificate"] = "cert.pem", ["key"] = "key.pem" }) },
                ["listeners"] = new JsonArray(Listener("imap", Imap), Listener("imaps", Imaps), Listener("submissions", Submissions)),
            },
        };
        _installation.Sections["listeners"]!.AsArray().Add(new JsonObject { ["protocol"] = "lmtp", ["address"] = "unix:" + _installation.LmtpSocket });
        await _installation.CreateAsync(["alice", "bob"], CancellationToken.None);
        _server = await ServerProcess.StartAsync(["serve", "--config", _installation.ConfigFile], [Imap, Imaps, Submissions], CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        Directory.Delete(_scratch, recursive: true);
    }

    static JsonObject Listener(string protocol, int port) => new() { ["protocol"] = protocol, ["address"] = $"127.0.0.1:{port}" };

    [Fact]
    public async Task From_the_first_start_on()
    {
        Assert.SkipWhen(ThunderbirdProgram.Missing is not null, ThunderbirdProgram.Missing ?? "");
        await using var server = await ImapReader.LoginAsync(Imap, Alice, Ct);
        for (var i = 0; i < 6; i++) await server.AppendAsync("INBOX", $"letter {i}", body: i == 5 ? "zebra stripes\n" : "");
        var home = Directory.CreateDirectory(Path.Combine(_scratch, "home")).FullName;
        await File.WriteAllTextAsync(ThunderbirdProgram.Settings(home, "example.test"), Settings(), Ct);
        await using (_thunderbird = await ThunderbirdProgram.StartAsync(home, Host, Ct))
        {
            _hands = new Hands(_thunderbird, Ct);
            await _hands.DoAsync("Cc['@mozilla.org/security/x509certdb;1'].getService(Ci.nsIX509CertDB).addCertFromBase64(arguments[0], 'CT,,');", Convert.ToBase64String(_authority));
            await SetsUpTheAccountAsync();
            await ReadsAsync(server);
            await MovesAsync(server);
            await DeletesAsync(server);
            await SearchesAsync();
            await SendsAsync(server);
            await HearsWhatIsNewAsync(server);
            await WorksOfflineAsync(server);
            Understood();
        }
    }

    /// <summary>Only the address and a password are typed; the servers are found.</summary>
    async Task SetsUpTheAccountAsync()
    {
        await _hands.WindowAsync("messenger.xhtml");
        await _hands.ClickAsync("hub.querySelector('#emailAutoConfigSubview #realName')");
        await _hands.PressAsync(Hands.Control, "a");
        await _hands.TypeAsync("Alice Archer");
        await _hands.ClickAsync("hub.querySelector('#emailAutoConfigSubview #email')");
        await _hands.TypeAsync(Alice.Address);
        await ContinueAsync("emailConfigFoundSubview");
        await ContinueAsync("emailPasswordSubview");
        await _hands.ClickAsync("hub.querySelector('#emailPasswordSubview #password')");
        await _hands.TypeAsync(Alice.Password);
        await ContinueAsync("emailAddedSuccessSubview");
        await _hands.ClickAsync("hub.querySelector('account-hub-footer #forward')");
        // Our folders are the ones it uses: it has marked them for their purposes, and has made none.
        await _hands.SeeAsync("""
            ['INBOX', 'Archive', 'Drafts', 'Junk', 'Sent', 'Trash'].every(n => folder(n)) && folder('Archive').getFlag(Ci.nsMsgFolderFlags.Archive)
              && folder('Drafts').getFlag(Ci.nsMsgFolderFlags.Drafts) && folder('Junk').getFlag(Ci.nsMsgFolderFlags.Junk)
              && folder('Sent').getFlag(Ci.nsMsgFolderFlags.SentMail) && folder('Trash').getFlag(Ci.nsMsgFolderFlags.Trash)
            """);
    }

    async Task ContinueAsync(string next)
    {
        await _hands.SeeAsync("!hub.querySelector('account-hub-footer #forward').disabled && !hub.classList.contains('busy')");
        await _hands.ClickAsync("hub.querySelector('account-hub-footer #forward')");
        await _hands.SeeAsync("hub.querySelector('#' + arguments[0]).checkVisibility()", next);
    }

    async Task ReadsAsync(ImapReader server)
    {
        await _hands.ClickAsync("inTree('INBOX')");
        await _hands.SeeAsync("pane.gDBView.rowCount == 6");
        await SelectAsync("letter 2");
        await _hands.SeeAsync("pane.messageBrowser.contentWindow.getMessagePaneBrowser().contentDocument.body.textContent.includes('body of letter 2')");
        await ServerShowsAsync(server, "INBOX", "letter 0:", "letter 1:", @"letter 2: \Seen", "letter 3:", "letter 4:", "letter 5:");
    }

    /// <summary>With the star that it has got just before.</summary>
    async Task MovesAsync(ImapReader server)
    {
        await _hands.PressAsync("s");
        await _hands.SeeAsync("pane.gDBView.hdrForFirstSelectedMessage.isFlagged");
        await _hands.DoAsync("pane.commandController.doCommand('cmd_moveMessage', folder('Archive'));");
        await _hands.SeeAsync("pane.gDBView.rowCount == 5");
        await ServerShowsAsync(server, "Archive", @"letter 2: \Flagged \Seen");
    }

    async Task DeletesAsync(ImapReader server)
    {
        await SelectAsync("letter 4");
        await _hands.PressAsync(Hands.Delete);
        await _hands.SeeAsync("pane.gDBView.rowCount == 4");
        await ServerShowsAsync(server, "Trash", @"letter 4: \Seen");
        Assert.DoesNotContain(await server.StoryAsync("INBOX"), static l => l.StartsWith("letter 2", StringComparison.Ordinal) || l.StartsWith("letter 4", StringComparison.Ordinal));
    }

    /// <summary>In the bodies, by the server.</summary>
    async Task SearchesAsync()
    {
        await _hands.PressAsync(Hands.Control, Hands.Shift, "f");
        await _hands.WindowAsync("SearchDialog.xhtml");
        await _hands.SeeAsync("window.gSearchTerms?.length == 1");
        await _hands.DoAsync("""
            gSearchTerms[0].obj.searchattribute.value = String(Ci.nsMsgSearchAttrib.Body);
            gSearchTerms[0].obj.searchoperator.value = String(Ci.nsMsgSearchOp.Contains);
            """);
        await _hands.ClickAsync("gSearchTerms[0].obj.searchvalue.querySelector('input')");
        await _hands.TypeAsync("Zebra stripes");
        await _hands.ClickAsync("document.getElementById('checkSearchOnline')");
        await _hands.SeeAsync("document.getElementById('checkSearchOnline').checked");
        await _hands.ClickAsync("document.getElementById('search-button')");
        await _hands.SeeAsync("window.gDBView?.rowCount == 1 && gDBView.getMsgHdrAt(0).subject == 'letter 5'");
        Assert.Contains(_thunderbird.ImapLog, static l => l.Contains("SEARCH UNDELETED BODY \"Zebra stripes\"", StringComparison.Ordinal));
        await _hands.DoAsync("window.close();");
        await _hands.WindowAsync("messenger.xhtml");
    }

    /// <summary>With an attachment; what has come to the other account is what lies in Sent.</summary>
    async Task SendsAsync(ImapReader server)
    {
        var octets = new byte[30_000];
        new Random(5).NextBytes(octets);
        var file = Path.Combine(_scratch, "attachment.bin");
        await File.WriteAllBytesAsync(file, octets, Ct);
        await _hands.ClickAsync("pane.document.getElementById('folderPaneWriteMessage')");
        await _hands.WindowAsync("messengercompose.xhtml");
        await _hands.SeeAsync("window.gMsgCompose?.editor && document.activeElement == document.getElementById('toAddrInput')");
        await _hands.TypeAsync(Bob.Address);
        await _hands.PressAsync(Hands.Enter);
        await _hands.ClickAsync("document.getElementById('msgSubject')");
        await _hands.TypeAsync("Grüße");
        await _hands.DoAsync("""
            const attachment = Cc['@mozilla.org/messengercompose/attachment;1'].createInstance(Ci.nsIMsgAttachment);
            attachment.url = Services.io.newFileURI(new FileUtils.File(arguments[0])).spec;
            attachment.name = 'Übersicht.bin';
            AddAttachments([attachment]);
            """, file);
        await _hands.SeeAsync("document.getElementById('attachmentBucket').itemCount == 1");
        await _hands.ClickAsync("document.getElementById('messageEditor')");
        await _hands.TypeAsync("Schöne Grüße aus dem Norden");
        await _hands.ClickAsync("document.getElementById('button-send')");
        await _hands.WindowAsync("messenger.xhtml");
        await using var other = await ImapReader.LoginAsync(Imap, Bob, Ct);
        await ServerShowsAsync(other, "INBOX", "=?UTF-8?B?R3LDvMOfZQ==?=:");
        await ServerShowsAsync(server, "Sent", @"=?UTF-8?B?R3LDvMOfZQ==?=: \Seen");
        var received = await TextAsync(other, "INBOX");
        Assert.Equal(received, await TextAsync(server, "Sent"));
        Assert.Contains("Schöne Grüße aus dem Norden", Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(received)));
        Assert.Contains(Convert.ToBase64String(octets), received.Replace("\n", ""));
    }

    /// <summary>The text of the first letter of a mailbox.</summary>
    static async Task<string> TextAsync(ImapReader reader, string mailbox)
    {
        await reader.CommandAsync($"EXAMINE {mailbox}");
        return string.Join('\n', (await reader.CommandAsync("FETCH 1 BODY.PEEK[TEXT]")).Skip(1));
    }

    /// <summary>Nothing is pressed: a delivery, and a change by another client, are shown since the server tells of them.</summary>
    async Task HearsWhatIsNewAsync(ImapReader server)
    {
        await using (var lmtp = await LineClient.ConnectAsync(new System.Net.Sockets.UnixDomainSocketEndPoint(_installation.LmtpSocket), Ct))
        {
            await lmtp.ReplyAsync(Ct);
            foreach (var command in (string[])["LHLO client.test", "MAIL FROM:<bob@example.test>", "RCPT TO:<alice@example.test>", "DATA"]) await lmtp.CommandAsync(command, Ct);
            Assert.StartsWith("250 ", await lmtp.CommandAsync("Subject: brand new\r\n\r\nhello\r\n.", Ct));
        }
        await _hands.SeeAsync("row('brand new')");
        await server.StoreAsync("INBOX", "brand new", "\\Flagged");
        await _hands.SeeAsync("[...folder('INBOX').messages].find(h => h.subject == 'brand new').isFlagged");
        await server.StoreAsync("INBOX", "letter 0", "\\Deleted");
        await _hands.SeeAsync("!row('letter 0')");
    }

    /// <summary>What is done while offline is on the server after it came back.</summary>
    async Task WorksOfflineAsync(ImapReader server)
    {
        await _hands.ClickAsync("document.getElementById('offline-status')");
        await _hands.SeeAsync("Services.io.offline");
        await SelectAsync("letter 1");
        await _hands.PressAsync("s");
        await _hands.SeeAsync("pane.gDBView.hdrForFirstSelectedMessage.isFlagged");
        await _hands.DoAsync("pane.commandController.doCommand('cmd_moveMessage', folder('Archive'));");
        await _hands.SeeAsync("!row('letter 1')");
        Assert.Contains(await server.StoryAsync("INBOX"), static l => l.StartsWith("letter 1:", StringComparison.Ordinal));
        await _hands.ClickAsync("document.getElementById('offline-status')");
        await ServerShowsAsync(server, "Archive", @"letter 1: \Flagged \Seen", @"letter 2: \Flagged \Seen");
        Assert.DoesNotContain(await server.StoryAsync("INBOX"), static l => l.StartsWith("letter 1:", StringComparison.Ordinal));
    }

    /// <summary>Each command was answered by OK, and it could read every answer.</summary>
    void Understood()
    {
        var log = _thunderbird.ImapLog.ToList();
        Assert.Contains(log, static l => Regex.IsMatch(l, "CreateNewLineFromSocket: [0-9]+ OK IDLE"));
        Assert.DoesNotContain(log, static l => Regex.IsMatch(l, "CreateNewLineFromSocket: [0-9]+ (NO|BAD)|Syntax Error"));
    }

    async Task SelectAsync(string subject)
    {
        await _hands.ClickAsync("row(arguments[0])", subject);
        await _hands.SeeAsync("pane.gDBView.hdrForFirstSelectedMessage?.subject == arguments[0] && pane.gDBView.hdrForFirstSelectedMessage.isRead", subject);
    }

    async Task ServerShowsAsync(ImapReader reader, string mailbox, params string[] expected)
    {
        for (var waited = 0; waited < 60_000; waited += 100)
        {
            if ((await reader.StoryAsync(mailbox)).SequenceEqual(expected)) return;
            await Task.Delay(100, Ct);
        }
        Assert.Fail($"{mailbox} holds [{string.Join(", ", await reader.StoryAsync(mailbox))}], not [{string.Join(", ", expected)}]\n{_thunderbird.Tail}\n{_server?.Tail}");
    }

    /// <summary>What a provider publishes for mail programs.</summary>
    string Settings() => $"""
        <?xml version="1.0"?>
        <clientConfig version="1.1"><emailProvider id="example.test"><domain>example.test</domain>
          <displayName>Example</displayName><displayShortName>Example</displayShortName>
          <incomingServer type="imap"><hostname>{Host}</hostname><port>{Imaps}</port><socketType>SSL</socketType>
            <authentication>password-cleartext</authentication><username>%EMAILADDRESS%</username></incomingServer>
          <outgoingServer type="smtp"><hostname>{Host}</hostname><port>{Submissions}</port><socketType>SSL</socketType>
            <authentication>password-cleartext</authentication><username>%EMAILADDRESS%</username></outgoingServer>
        </emailProvider></clientConfig>
        """;
}
