namespace Posthorn.Verbs;

/// <summary>All verbs, one list for each noun.</summary>
static class VerbTable
{
    public static IReadOnlyList<Verb> All { get; } =
    [
        .. DomainVerbs.All,
        .. AccountVerbs.All,
        .. AppPasswordVerbs.All,
        .. AliasVerbs.All,
        .. MailboxVerbs.All,
        .. MailboxAclVerbs.All,
        .. TransferVerbs.All,
        .. ArchiveVerbs.All,
        .. AddressVerbs.All,
        .. RouteVerbs.All,
        .. SrsVerbs.All,
        .. PlanVerbs.All,
        .. StoreVerbs.All,
        .. SearchVerbs.All,
        .. TraceVerbs.All,
        .. QueueVerbs.All,
        .. DnsVerbs.All,
    ];

    /// <summary>What stands in the help for the words that are not verbs themselves.</summary>
    public static IReadOnlyDictionary<string, string> Nouns { get; } = new Dictionary<string, string>
    {
        ["domain"] = "Domains: ours, and other names of ours.",
        ["account"] = "Accounts: people with a login and mailboxes.",
        ["app-password"] = "Passwords for one program of an account each, made by the server.",
        ["alias"] = "Aliases: addresses and patterns that lead to other addresses.",
        ["mailbox"] = "Mailboxes: the folders of an account.",
        ["acl"] = "Who else may do what with a mailbox.",
        ["import"] = "Brings mail in from elsewhere.",
        ["retention"] = "How long mail is kept.",
        ["address"] = "Addresses and where they lead.",
        ["route"] = "Routes: the ways by which mail leaves.",
        ["srs"] = "Rewritten reverse-paths of forwarded mail (SRS).",
        ["store"] = "The store.",
        ["search"] = "The index that makes searches quick.",
        ["queue"] = "The queue: mail that waits for other hosts.",
        ["dns"] = "The DNS as this server sees it.",
        ["check"] = "Checks that change nothing.",
        ["config"] = "The configuration file.",
    };

    public static Verb? Find(string path) => All.FirstOrDefault(v => v.Path == path);
}
