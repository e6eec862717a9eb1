using Posthorn.Imap.Session;

namespace Posthorn.Imap.Extensions.Notify;

/// <summary>NOTIFY (RFC 5465): the client says of what it wants to be told, in all mailboxes, at any time.</summary>
sealed class NotifyExtension : ImapExtension
{
    internal override IReadOnlyList<ImapCommand> Commands { get; } = [new NotifyCommand()];

    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is not null) words.Add("NOTIFY");
    }
}

/// <summary>NOTIFY SET and NOTIFY NONE (RFC 5465 §3.1).</summary>
sealed class NotifyCommand : ImapCommand
{
    const string Known = "BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange)";

    internal override string Verb => "NOTIFY";

    internal override When When => When.LoggedIn;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var wanted = Read(session, arguments);
        if (wanted.Groups?.Any(static g => (g.Events & NotifyEvents.Unknown) != 0) == true) return new(Reply.No(Known, "an event that is not offered"));
        // What has changed so far is told as before (RFC 5465 §3.1).
        session.Selected?.Tell(mayExpunge: true);
        session.Watch(new NotifyWatch(session, wanted.Groups ?? []), wanted.Status);
        return new(Reply.Ok("NOTIFY completed"));
    }

    static NotifyArguments Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        return NotifyArguments.Read(ref reader);
    }
}
