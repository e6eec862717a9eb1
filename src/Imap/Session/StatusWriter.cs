using Posthorn.Imap.Grammar;
using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Session;

/// <summary>STATUS responses (RFC 9051 §7.3.4), out of the mailbox's row but for the rare items.</summary>
static class StatusWriter
{
    /// <summary>The counts that no row has.</summary>
    readonly record struct Counted(long Recent, long Deleted, long DeletedOctets);

    internal static void Write(ImapSession session, Mailbox mailbox, StatusItems items)
    {
        var counted = (items & (StatusItems.Recent | StatusItems.Deleted | StatusItems.DeletedStorage)) == 0 ? default : session.Store.Read(unit => Count(unit, mailbox, items));
        var output = session.Out;
        output.Raw("* STATUS "u8);
        output.Mailbox(mailbox.Name);
        output.Raw(" ("u8);
        var any = false;
        Item(StatusItems.Messages, "MESSAGES "u8, mailbox.Messages);
        Item(StatusItems.Recent, "RECENT "u8, counted.Recent);
        Item(StatusItems.UidNext, "UIDNEXT "u8, mailbox.UidNext);
        Item(StatusItems.UidValidity, "UIDVALIDITY "u8, mailbox.UidValidity);
        Item(StatusItems.Unseen, "UNSEEN "u8, mailbox.Unseen);
        Item(StatusItems.Deleted, "DELETED "u8, counted.Deleted);
        Item(StatusItems.Size, "SIZE "u8, mailbox.Size);
        Item(StatusItems.HighestModSeq, "HIGHESTMODSEQ "u8, mailbox.HighestModSeq);
        Item(StatusItems.AppendLimit, "APPENDLIMIT "u8, session.Server.Options.MaxMessageSize);
        Item(StatusItems.DeletedStorage, "DELETED-STORAGE "u8, counted.DeletedOctets);
        if ((items & StatusItems.MailboxId) != 0)
        {
            output.Raw(any ? " MAILBOXID ("u8 : "MAILBOXID ("u8);
            output.Raw(System.Text.Encoding.ASCII.GetBytes(MailboxName.ObjectId(mailbox.Id)));
            output.Raw(")"u8);
        }
        output.Raw(")\r\n"u8);

        void Item(StatusItems item, ReadOnlySpan<byte> name, long value)
        {
            if ((items & item) == 0) return;
            if (any) output.SP();
            any = true;
            output.Raw(name);
            output.Number(value);
        }
    }

    static Counted Count(ReadUnit unit, Mailbox mailbox, StatusItems items)
    {
        var recent = (items & StatusItems.Recent) == 0 ? 0 : unit.Places.CountFrom(mailbox.Id, unit.Places.RecentFrom(mailbox.Id));
        var (deleted, octets) = (items & (StatusItems.Deleted | StatusItems.DeletedStorage)) == 0 ? default : unit.Places.Deleted(mailbox.Id);
        return new Counted(recent, deleted, octets);
    }
}
