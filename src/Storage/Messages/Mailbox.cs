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
/// <param name="For">The recipient address that led here, for the story; null when there is none.</param>
public sealed record NewMessage(BlobLocation Blob, byte[] Prefix, byte[] Structure, DateTimeOffset Received, TraceId Trace, MessageFlags Flags = MessageFlags.None, string? For = null)
{
    /// <summary>Keywords other than those with a bit, in any order.</summary>
    public IReadOnlyCollection<string> Keywords { get; init; } = [];

    /// <summary>What ties it to the messages of its thread, its own link first (Posthorn.Mime.Threads.ThreadLinks); none: it begins a thread.</summary>
    public IReadOnlyList<long> Links { get; init; } = [];

    /// <summary>The protocol by which a client put it here, for the story; null for what was delivered.</summary>
    public string? Protocol { get; init; }
}

/// <summary>Where a message was filed.</summary>
public readonly record struct Filed(long MessageId, uint Uid, long ModSeq);

/// <summary>One message of a mailbox as POP3 lists it. <see cref="Size"/> is prefix + body.</summary>
public readonly record struct MaildropEntry(uint Uid, long MessageId, long Size);

/// <summary>What it takes to send a message to a client: prefix, then the blob.</summary>
public sealed record StoredMessage(long MessageId, byte[] Prefix, BlobLocation Blob, byte[] Structure, DateTimeOffset Received, TraceId Trace);

/// <summary>A message's place in a mailbox, as IMAP scans it.</summary>
/// <param name="Keywords">Keywords other than the system flags, sorted, separated by spaces; null for none.</param>
/// <param name="Saved">When it came into this mailbox (RFC 8514).</param>
public readonly record struct Placement(uint Uid, long MessageId, MessageFlags Flags, string? Keywords, long ModSeq, long Created, long Size, DateTimeOffset Received, DateTimeOffset Saved);

/// <summary>What a place is besides its UID and its change number; see <see cref="Placement"/>.</summary>
public sealed record PlaceState(MessageFlags Flags, string? Keywords, long Size, DateTimeOffset Received, DateTimeOffset Saved);

/// <summary>A message that was copied or moved: its UID there before, and what it is now.</summary>
public readonly record struct Transferred(uint From, Filed To);

/// <summary>What STORE asks for (RFC 9051 §6.4.6, RFC 7162 §3.1.3).</summary>
/// <param name="Replace">The flags and keywords named are to be all there are.</param>
/// <param name="UnchangedSince">Messages with a higher change number stay as they are; null for none.</param>
public sealed record FlagChange(MessageFlags Add, MessageFlags Remove, IReadOnlyCollection<string> AddKeywords, IReadOnlyCollection<string> RemoveKeywords, bool Replace = false, long? UnchangedSince = null)
{
    /// <summary>The flags that may change; the others stay as they are, whatever was asked for.</summary>
    public MessageFlags May { get; init; } = (MessageFlags)(-1);

    /// <summary>False when keywords stay as they are.</summary>
    public bool MayKeywords { get; init; } = true;
}

/// <summary>What became of a <see cref="FlagChange"/>.</summary>
/// <param name="First">The first change number that it took; 0 when nothing changed.</param>
/// <param name="Last">The last one of those that were asked for; the messages' other places have taken higher ones.</param>
/// <param name="Changed">UIDs whose flags are other ones now, ascending.</param>
/// <param name="Refused">UIDs that had changed since, ascending.</param>
public sealed record FlagResult(long First, long Last, IReadOnlyList<uint> Changed, IReadOnlyList<uint> Refused)
{
    /// <summary>The change numbers that <see cref="Changed"/> had before, in its order: who knows a lower one has missed a change.</summary>
    public IReadOnlyList<long> Former { get; init; } = [];
}

/// <summary>The envelope and structure of a message in a mailbox, as stored.</summary>
public readonly record struct PlacedStructure(uint Uid, long MessageId, byte[] Structure, byte[] Prefix);
