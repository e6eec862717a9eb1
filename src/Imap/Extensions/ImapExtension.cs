using Posthorn.Imap.Session;

namespace Posthorn.Imap.Extensions;

/// <summary>
/// What one extension adds: its words in CAPABILITY and its commands. Each is a folder here; items, keys and options that
/// it adds to commands of others are read by the grammar and done where those commands are.
/// </summary>
abstract class ImapExtension
{
    /// <summary>All there are, in the order of CAPABILITY.</summary>
    internal static readonly IReadOnlyList<ImapExtension> All =
    [
        new BasicExtensions(), new Id.IdExtension(), new Idle.IdleExtension(), new Compress.CompressExtension(), new Unauthenticate.UnauthenticateExtension(),
        new Replace.ReplaceExtension(), new Sort.SortExtension(), new Thread.ThreadExtension(), new Context.ContextExtension(),
        new Acl.AclExtension(), new Quota.QuotaExtension(), new Metadata.MetadataExtension(), new Filters.FiltersExtension(),
        new MultiSearch.MultiSearchExtension(), new Notify.NotifyExtension(), new UrlAuth.UrlAuthExtension(), new UidOnly.UidOnlyExtension(), new InProgress.InProgressExtension(), new MessageLimit.MessageLimitExtension(), new Fuzzy.FuzzyExtension(),
    ];

    internal virtual IReadOnlyList<ImapCommand> Commands => [];

    /// <summary>Adds the words that hold for this session now.</summary>
    internal abstract void List(ImapSession session, List<string> words);
}

/// <summary>Capabilities without a command: what they allow is in the grammar, or in how commands of the base protocol answer.</summary>
sealed class BasicExtensions : ImapExtension
{
    static readonly string[] Always = ["SASL-IR", "ENABLE"];

    static readonly string[] AfterLogin =
    [
        "NAMESPACE", "CHILDREN", "UNSELECT", "LIST-EXTENDED", "LIST-STATUS", "SPECIAL-USE", "CREATE-SPECIAL-USE", "STATUS=SIZE",
        "UIDPLUS", "MOVE", "MULTIAPPEND", "CATENATE", "BINARY", "CONDSTORE", "QRESYNC", "UTF8=ACCEPT", "OBJECTID", "SAVEDATE", "PREVIEW",
        "ESEARCH", "SEARCHRES", "WITHIN", "PARTIAL", "I18NLEVEL=1",
    ];

    internal override void List(ImapSession session, List<string> words)
    {
        // RFC 7888 §5: one or the other. Who has logged in need not ask before a message.
        words.Add(session.Who is null || Capabilities.IsOff(session, "LITERAL+") ? "LITERAL-" : "LITERAL+");
        words.AddRange(Always);
        if (session.Who is null) return;
        words.AddRange(AfterLogin);
        words.Add($"APPENDLIMIT={session.Server.Options.MaxMessageSize}"); // RFC 7889 §2
    }
}
