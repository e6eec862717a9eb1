using Posthorn.Imap.Access;
using Posthorn.Imap.Extensions.MessageLimit;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Imap.Views;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Commands;

/// <summary>STORE and UID STORE (RFC 9051 §6.4.6), with UNCHANGEDSINCE (RFC 7162 §3.1.3).</summary>
sealed class StoreCommand : ImapCommand
{
    /// <summary>Keywords of one command, and octets of one: a row is read often.</summary>
    const int MostKeywords = 100, LongestKeyword = 100;

    internal override string Verb => "STORE";

    internal override When When => When.Selected | When.TakesUid | When.KeepsNumbers | When.TakesMessages;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var selected = session.Selected!;
        var wanted = Read(session, arguments);
        if (selected.ReadOnly) return Reply.No("READ-ONLY", "the mailbox is open for reading only");
        if (!MayAny(selected.Rights, wanted)) return Reply.No("NOPERM", "you may not change these flags");
        if (!AreGood(wanted.Flags)) return Reply.No("LIMIT", "too many keywords, or one that is too long");
        if (wanted.UnchangedSince is not null) session.Enable(Enabled.CondStore);
        var picked = MessageLimits.Cut(session, selected.Shown, Picker.Pick(selected, wanted.Messages, arguments.ByUid));
        var known = selected.Shown;
        var uids = picked.Uids(known);
        var result = await session.WriteAsync(unit => unit.Mailboxes.SetFlags(selected.AccountId, selected.MailboxId, uids, Change(wanted) with { May = MailboxAccess.Settable(selected.Rights), MayKeywords = (selected.Rights & Rights.Write) != 0 })).ConfigureAwait(false);
        selected.Tell(mayExpunge: false, new OwnChanges(result.First, result.Last));
        await AnswerAsync(session, picked, known, result, wanted.Silent, arguments.ByUid).ConfigureAwait(false);
        // RFC 2180 §4.2.1: what is gone for others cannot be flagged.
        var gone = !arguments.ByUid && selected.View.Current is var now && !ReferenceEquals(now, selected.Shown) && uids.Exists(uid => now.IndexOf(uid) < 0);
        if (result.Refused.Count > 0)
        {
            var code = "MODIFIED " + Set(selected, result.Refused, arguments.ByUid);
            return gone ? Reply.No(code, "some messages are gone, and some have changed since") : Reply.Ok(code, "some messages have changed since"); // RFC 7162 §3.1.3
        }
        return gone
            ? Reply.No("EXPUNGEISSUED", "some of the messages are gone")
            : Reply.Ok("STORE completed");
    }

    static StoreArguments Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        return StoreArguments.Read(ref reader);
    }

    /// <summary>RFC 4314 §4: some flag that is named may be changed, or, where all are replaced, any.</summary>
    static bool MayAny(Rights rights, StoreArguments wanted) => wanted.Mode == StoreMode.Replace || wanted.Flags is { System: MessageFlags.None, Keywords.Count: 0 }
        || (wanted.Flags.System & MailboxAccess.Settable(rights)) != 0 || wanted.Flags.Keywords.Count > 0 && (rights & Rights.Write) != 0;

    internal static bool AreGood(FlagList flags) => flags.Keywords.Count <= MostKeywords && flags.Keywords.All(static k => k.Length <= LongestKeyword);

    static FlagChange Change(StoreArguments wanted) => wanted.Mode switch
    {
        StoreMode.Remove => new FlagChange(MessageFlags.None, wanted.Flags.System, [], wanted.Flags.Keywords, UnchangedSince: wanted.UnchangedSince),
        StoreMode.Add => new FlagChange(wanted.Flags.System, MessageFlags.None, wanted.Flags.Keywords, [], UnchangedSince: wanted.UnchangedSince),
        _ => new FlagChange(wanted.Flags.System, MessageFlags.None, wanted.Flags.Keywords, [], Replace: true, UnchangedSince: wanted.UnchangedSince),
    };

    /// <summary>Says what became of the messages. Their indices are still good: nothing was taken out of what the client knows.</summary>
    /// <param name="known">What the client knew before.</param>
    static async ValueTask AnswerAsync(ImapSession session, Picked picked, Snapshot known, FlagResult result, bool silent, bool byUid)
    {
        var selected = session.Selected!;
        selected.TellKeywords();
        int changes = 0, refusals = 0; // how much of both lists, which are in the order of UIDs too, is behind us
        foreach (var index in picked.Indices)
        {
            var uid = known[index].Uid;
            var changed = changes < result.Changed.Count && result.Changed[changes] == uid;
            var refused = refusals < result.Refused.Count && result.Refused[refusals] == uid;
            // What others had changed before without the client's knowing: it would take its own change for the only one, so it
            // hears of the flags even after .SILENT (RFC 9051 §6.4.6).
            var missed = changed && known[index].ModSeq < result.Former[changes];
            // RFC 7162 §3.1.3: of a message that was left alone the client hears what it is now.
            if (!silent || missed || refused) selected.TellFlags(index, byUid);
            // Of what others changed after that, all was told with the rest: a number alone would say that silence still holds.
            else if (changed && session.CondStore && selected.Shown[index].ModSeq <= result.Last) TellModSeq(session, selected, index);
            if (changed) changes++;
            if (refused) refusals++;
            if (session.Connection.ShouldFlush) await session.Connection.FlushAsync().ConfigureAwait(false);
        }
    }

    /// <summary>RFC 7162 §3.1.3: even after .SILENT the client has to know the new change number.</summary>
    static void TellModSeq(ImapSession session, SelectedMailbox selected, int index)
    {
        var output = session.Out;
        selected.BeginFetch(index);
        if (!session.UidOnly)
        {
            output.Raw("UID "u8);
            output.Number(selected.Shown[index].Uid);
            output.SP();
        }
        output.Raw("MODSEQ ("u8);
        output.Number(selected.Shown[index].ModSeq);
        output.Raw("))\r\n"u8);
    }

    static string Set(SelectedMailbox selected, IReadOnlyList<uint> uids, bool byUid)
    {
        uint[] numbers = [.. uids.Select(uid => byUid ? uid : (uint)selected.Shown.IndexOf(uid) + 1).Order()];
        return SequenceSet.Of(numbers).ToString();
    }
}
