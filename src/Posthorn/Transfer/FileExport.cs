using System.Text.Json.Nodes;
using Posthorn.Cli;
using Posthorn.Transfer.Files;
using Posthorn.Transfer.Link;
using Posthorn.Verbs;

namespace Posthorn.Transfer;

/// <summary>Writes the mail of an account into files. What an earlier run wrote is not written again.</summary>
sealed class FileExport(LocalWork work, CancellationToken ct)
{
    long _written, _known, _octets;

    public async Task<JsonObject> RunAsync()
    {
        var mbox = work.Arguments.Optional("format") switch
        {
            "mbox" => true,
            "maildir" => false,
            var other => throw new VerbException(ExitCode.Usage, other is null ? "--format is missing: mbox or maildir" : $"--format: \"{other}\" is neither mbox nor maildir"),
        };
        var root = Path.GetFullPath(work.Arguments.Text("to"));
        var account = await work.Client.OpenAsync(work.Arguments.Text("account"), null, ct).ConfigureAwait(false);
        var (all, subscriptions) = await work.Client.MailboxesAsync(ct).ConfigureAwait(false);
        var wanted = work.Arguments.Texts("mailboxes");
        foreach (var name in wanted)
            if (all.All(m => m.Name != name)) throw new VerbException(ExitCode.DataError, $"there is no mailbox {name}");
        var mailboxes = all.Where(m => wanted.Count == 0 || wanted.Contains(m.Name)).ToList();
        Directory.CreateDirectory(root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var mailbox in mailboxes)
        {
            work.Progress.Begin(mailbox.Name, mailbox.Size);
            try { await (mbox ? MboxAsync(root, mailbox) : MaildirAsync(root, mailbox)).ConfigureAwait(false); }
            catch (ForeignFileException e) { work.Fail(mailbox.Name, e.Message); }
        }
        if (!mbox) MaildirWriter.WriteSubscriptions(root, all.Where(static m => m.Subscribed).Select(static m => m.Name).Concat(subscriptions));
        return work.Finish(new JsonObject { ["account"] = account, ["written"] = _written, ["known"] = _known, ["octets"] = _octets, ["mailboxes"] = mailboxes.Count, ["to"] = root });
    }

    async Task MaildirAsync(string root, RemoteMailbox mailbox)
    {
        var writer = new MaildirWriter(root, mailbox.Name, mailbox.UidValidity);
        await work.Client.ReadAsync(mailbox.Id, (mail, content) => OneAsync(mailbox, mail, content, root, writer.Has, (m, s) => writer.Write(m, s)), ct).ConfigureAwait(false);
        writer.Finish();
        if (writer.Lost.Count > 0) work.Fail(mailbox.Name, $"a Maildir has place for {MaildirFileName.MostKeywords} keywords in a folder; not written: {string.Join(' ', writer.Lost)}");
    }

    async Task MboxAsync(string root, RemoteMailbox mailbox)
    {
        var path = Path.Combine(root, MboxNames.PathOf(mailbox.Name));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        using var writer = new MboxWriter(path, mailbox.UidValidity);
        await work.Client.ReadAsync(mailbox.Id, (mail, content) => OneAsync(mailbox, mail, content, root, writer.Has, writer.Write), ct).ConfigureAwait(false);
        writer.Finish();
    }

    async ValueTask OneAsync(RemoteMailbox mailbox, OutgoingMail mail, IMailContent content, string root, Func<OutgoingMail, bool> has, Action<OutgoingMail, MailSpool> write)
    {
        if (mail.Error is not null)
        {
            work.Fail($"{mailbox.Name}, UID {mail.Uid}", mail.Error, io: true);
            return;
        }
        using var message = await MailSpool.ReadAsync(content, root, ct).ConfigureAwait(false) ?? throw new LinkException("a message was broken off");
        work.Progress.Message(message.Length);
        if (has(mail))
        {
            _known++;
            return;
        }
        write(mail, message);
        (_written, _octets) = (_written + 1, _octets + message.Length);
    }
}
