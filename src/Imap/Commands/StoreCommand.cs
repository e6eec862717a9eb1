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
        var change = Change(wanted) with { May = MailboxAccess.Settable(selected.Rights), MayKeywords = (selected.Rights & Rights.Write) != 0 };
        var result = await session.WriteAsync(unit => ConditionalStore.Run(unit, selected, uids, change, wanted.Flags, selected.Known ?? known, known)).ConfigureAwait(false);
        selected.Tell(mayExpunge: false, new OwnChanges(result.First, result.Last));
        var refused = result.Refused.ToHashSet();
        Answer(session, selected, uids, wanted.Silent ? Missed(known, result) : null, refused, result, arguments.ByUid);
        // RFC 2180 §4.2.1: what is gone for others cannot be flagged.
        var gone = !arguments.ByUid && uids.Exists(uid => selected.View.Current.IndexOf(uid) < 0);
        if (refused.Count > 0)
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

    /// <summary>
    /// What others had changed before without the client's knowing: it would take its own change for the only one, so it hears
    /// of the flags even after .SILENT (RFC 9051 §6.4.6).
    /// </summary>
    static HashSet<uint> Missed(Snapshot known, FlagResult result)
    {
        var missed = new HashSet<uint>();
        for (var i = 0; i < result.Changed.Count; i++)
            if (known.IndexOf(result.Changed[i]) is >= 0 and var index && known[index].ModSeq < result.Former[i]) missed.Add(result.Changed[i]);
        return missed;
    }

    /// <param name="missed">Null unless the client asked for silence.</param>
    static void Answer(ImapSession session, SelectedMailbox selected, List<uint> uids, HashSet<uint>? missed, HashSet<uint> refused, FlagResult result, bool byUid)
    {
        selected.TellKeywords();
        // Of what others changed after that, all was told with the rest: a number alone would say that silence still holds.
        var changed = missed is not null && session.CondStore ? result.Changed.ToHashSet() : null;
        foreach (var uid in uids)
        {
            var index = selected.Shown.IndexOf(uid);
            if (index < 0) continue;
            // RFC 7162 §3.1.3: of a message that was left alone the client hears what it is now.
            if (missed?.Contains(uid) != false || refused.Contains(uid)) selected.TellFlags(index, byUid);
            else if (changed?.Contains(uid) == true && selected.Shown[index].ModSeq <= result.Last) TellModSeq(session, selected, index);
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
