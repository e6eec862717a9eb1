namespace Posthorn.Imap.Grammar;

/// <summary><c>status-att</c> (RFC 9051 §6.3.11 and extensions).</summary>
[Flags]
enum StatusItems
{
    None = 0,
    Messages = 1,
    UidNext = 2,
    UidValidity = 4,
    Unseen = 8,
    Deleted = 16,

    /// <summary>RFC 8438 in rev1.</summary>
    Size = 32,

    /// <summary>RFC 3501 only.</summary>
    Recent = 64,

    /// <summary>RFC 7162 §3.1.7.</summary>
    HighestModSeq = 128,

    /// <summary>RFC 8474 §4.3.</summary>
    MailboxId = 256,

    /// <summary>RFC 7889 §3.1.</summary>
    AppendLimit = 512,

    /// <summary>RFC 9208 §4.1.4.</summary>
    DeletedStorage = 1024,
}

/// <summary>The arguments of STATUS.</summary>
sealed record StatusArguments(string Mailbox, StatusItems Items)
{
    internal static StatusArguments Read(ref ImapReader r)
    {
        var mailbox = r.Mailbox();
        r.SP();
        var items = ReadItems(ref r);
        r.End();
        return new StatusArguments(mailbox, items);
    }

    /// <summary><c>"(" status-att *(SP status-att) ")"</c></summary>
    internal static StatusItems ReadItems(ref ImapReader r)
    {
        r.Open();
        var items = StatusItems.None;
        do items |= r.Keyword() switch
        {
            "MESSAGES" => StatusItems.Messages,
            "UIDNEXT" => StatusItems.UidNext,
            "UIDVALIDITY" => StatusItems.UidValidity,
            "UNSEEN" => StatusItems.Unseen,
            "DELETED" => StatusItems.Deleted,
            "SIZE" => StatusItems.Size,
            "RECENT" => StatusItems.Recent,
            "HIGHESTMODSEQ" => StatusItems.HighestModSeq,
            "MAILBOXID" => StatusItems.MailboxId,
            "APPENDLIMIT" => StatusItems.AppendLimit,
            "DELETED-STORAGE" => StatusItems.DeletedStorage,
            _ => throw r.Bad("a STATUS item expected"),
        };
        while (r.TryTake((byte)' '));
        r.Close();
        return items;
    }
}
