using Posthorn.Imap.Session;

namespace Posthorn.Imap.Commands;

/// <summary>The commands of RFC 9051, and those of RFC 3501 that it left out.</summary>
static class BaseCommands
{
    internal static readonly IReadOnlyList<ImapCommand> All =
    [
        new CapabilityCommand(), new NoopCommand("NOOP", When.Any), new NoopCommand("CHECK", When.Selected), new LogoutCommand(),
        new StartTlsCommand(), new LoginCommand(), new AuthenticateCommand(), new EnableCommand(),
    ];
}
