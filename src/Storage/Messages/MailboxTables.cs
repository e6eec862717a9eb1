namespace Posthorn.Storage.Messages;

/// <summary>System flags as bits (RFC 9051 §2.3.2); frozen by a test, they are on disk.</summary>
[Flags]
public enum MessageFlags { None = 0, Seen = 1, Answered = 2, Flagged = 4, Deleted = 8, Draft = 16, Forwarded = 32, MdnSent = 64, Junk = 128, NotJunk = 256, Phishing = 512 }

/// <summary>What a mailbox is for (RFC 6154); frozen by a test.</summary>
public enum MailboxRole { None = 0, Inbox = 1, Drafts = 2, Sent = 3, Junk = 4, Trash = 5, Archive = 6 }

/// <summary>A mailbox (folder) of an account. Names are Unicode, hierarchy separator "/"; INBOX is upper case.</summary>
/// <param name="UidValidity">Never goes back, never repeats for the same name.</param>
/// <param name="UidNext">The next UID to be given.</param>
/// <param name="HighestModSeq">The account's change number at the last change in this mailbox.</param>
public sealed record Mailbox(long Id, long AccountId, string Name, MailboxRole Role, uint UidValidity, uint UidNext, long HighestModSeq, long Messages, long Unseen, long Size, bool Subscribed);

/// <summary>A message to be filed.</summary>
/// <param name="Blob">Its body as stored in this unit (or before).</param>
/// <param name="Prefix">Header lines that stand before the body for this recipient: Return-Path, Delivered-To, Received … (CRLF ended).</param>
/// <param name="Structure">The encoded part tree made by Posthorn.Mime at ingest; offsets count from the start of the blob.</param>
/// <param name="Received">INTERNALDATE.</param>
/// <param name="Trace">The story it belongs to.</param>
public sealed record NewMessage(BlobLocation Blob, byte[] Prefix, byte[] Structure, DateTimeOffset Received, TraceId Trace, MessageFlags Flags = MessageFlags.None);

/// <summary>Where a message was filed.</summary>
public readonly record struct Filed(long MessageId, uint Uid, long ModSeq);

/// <summary>One message of a mailbox as POP3 lists it. <see cref="Size"/> is prefix + body.</summary>
public readonly record struct MaildropEntry(uint Uid, long MessageId, long Size);

/// <summary>What it takes to send a message to a client: prefix, then the blob.</summary>
public sealed record StoredMessage(long MessageId, byte[] Prefix, BlobLocation Blob, byte[] Structure, DateTimeOffset Received, TraceId Trace);

/// <summary>Mailboxes, messages and the change log of accounts. Every method takes the account, and sees only its rows.</summary>
public sealed class MailboxTables
{
    public Mailbox Create(long accountId, string name, MailboxRole role = MailboxRole.None) => throw new NotImplementedException();
    public Mailbox? Find(long accountId, string name) => throw new NotImplementedException();
    public Mailbox? Get(long accountId, long mailboxId) => throw new NotImplementedException();
    public IReadOnlyList<Mailbox> List(long accountId) => throw new NotImplementedException();

    /// <summary>Files a message: row, UID, change number, counters, quota use, change and event rows.</summary>
    public Filed Deliver(long accountId, long mailboxId, NewMessage message) => throw new NotImplementedException();

    /// <summary>The mailbox as a maildrop, by UID.</summary>
    public IReadOnlyList<MaildropEntry> Maildrop(long accountId, long mailboxId) => throw new NotImplementedException();

    /// <summary>Messages by id, in the order asked for; a missing one is left out.</summary>
    public IReadOnlyList<StoredMessage> Load(long accountId, ReadOnlySpan<long> messageIds) => throw new NotImplementedException();

    /// <summary>Removes messages from a mailbox; those already gone are ignored. Returns how many went.</summary>
    public int Expunge(long accountId, long mailboxId, IReadOnlyCollection<uint> uids, string protocol) => throw new NotImplementedException();

    /// <summary>Sets and clears flags; returns the UIDs that changed. Keywords are atoms other than the system flags.</summary>
    public IReadOnlyList<uint> SetFlags(long accountId, long mailboxId, IReadOnlyCollection<uint> uids, MessageFlags add, MessageFlags remove, IReadOnlyCollection<string>? addKeywords = null, IReadOnlyCollection<string>? removeKeywords = null) => throw new NotImplementedException();
}
