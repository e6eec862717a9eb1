using Posthorn.Imap.Session;

namespace Posthorn.Imap.Extensions.Acl;

/// <summary>ACL (RFC 4314): who may do what with a mailbox; LIST-MYRIGHTS (RFC 8440).</summary>
sealed class AclExtension : ImapExtension
{
    internal override IReadOnlyList<ImapCommand> Commands { get; } =
        [new SetAclCommand("SETACL", delete: false), new SetAclCommand("DELETEACL", delete: true), new GetAclCommand(), new ListRightsCommand(), new MyRightsCommand()];

    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is not null) words.AddRange(["ACL", "RIGHTS=kxte", "LIST-MYRIGHTS"]);
    }
}
