using Posthorn.Imap.Session;

namespace Posthorn.Imap.Commands;

/// <summary>The commands of RFC 9051, and those of RFC 3501 that it left out.</summary>
static class BaseCommands
{
    internal static readonly IReadOnlyList<ImapCommand> All =
    [
        new CapabilityCommand(), new NoopCommand("NOOP", When.Any), new NoopCommand("CHECK", When.Selected), new LogoutCommand(),
        new StartTlsCommand(), new LoginCommand(), new AuthenticateCommand(), new EnableCommand(),
        new SelectCommand("SELECT", readOnly: false), new SelectCommand("EXAMINE", readOnly: true), new StatusCommand(),
        new CreateCommand(), new DeleteCommand(), new RenameCommand(),
        new SubscribeCommand("SUBSCRIBE", subscribe: true), new SubscribeCommand("UNSUBSCRIBE", subscribe: false),
        new ListCommand("LIST", subscribed: false), new ListCommand("LSUB", subscribed: true), new NamespaceCommand(),
        new CloseCommand("CLOSE", expunge: true), new CloseCommand("UNSELECT", expunge: false),
        new ExpungeCommand(byUid: false), new ExpungeCommand(byUid: true), new FetchCommand(), new SearchCommand(), new StoreCommand(),
        new CopyCommand("COPY", move: false), new CopyCommand("MOVE", move: true), new AppendCommand(),
    ];
}
