using Posthorn.Imap.Extensions.MessageLimit;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Imap.Views;
using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Commands;

/// <summary>
/// FETCH and UID FETCH (RFC 9051 §6.4.5) with their extensions. What the view has is answered from it; envelopes, structures
/// and bodies are read in batches of messages.
/// </summary>
sealed class FetchCommand : ImapCommand
{
    /// <summary>Messages whose rows are read together.</summary>
    const int Batch = 128;

    internal override string Verb => "FETCH";

    internal override When When => When.Selected | When.TakesUid | When.KeepsNumbers | When.TakesMessages;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var selected = session.Selected!;
        var wanted = Read(session, arguments);
        if (wanted.Vanished && !(session.QResync && arguments.ByUid)) return Reply.Bad("VANISHED is for UID FETCH, and QRESYNC has to be enabled");
        if (wanted.ChangedSince is not null || wanted.Items.Any(static i => i.Attribute == FetchAttribute.ModSeq)) session.Enable(Enabled.CondStore);
        if (MessageLimits.Refuses(session, wanted.Partial) is { } tooMany) return tooMany;
        if (wanted.Vanished) TellVanished(session, selected, wanted);
        var picked = Choose(selected, wanted, arguments.ByUid);
        // RFC 9738 §3.1: what is cut is worked on from the newest down.
        var newestFirst = wanted.Partial is null && MessageLimits.Cut(session, selected.Shown, picked);
        var plan = new FetchPlan(session, selected, wanted, arguments.ByUid);
        await plan.MarkSeenAsync(picked).ConfigureAwait(false);
        var gone = false;
        if (plan.NeedsRows)
        {
            for (var at = 0; at < picked.Count; at += Batch)
            {
                var n = Math.Min(Batch, picked.Count - at);
                gone |= await WriteAsync(plan, picked.GetRange(newestFirst ? picked.Count - at - n : at, n), newestFirst, ct).ConfigureAwait(false);
                await session.Progress.TellAsync(at + n, picked.Count).ConfigureAwait(false);
            }
        }
        else
            for (var i = 0; i < picked.Count; i++)
            {
                plan.WriteFromView(picked[newestFirst ? picked.Count - 1 - i : i]);
                if (!session.Connection.ShouldFlush) continue;
                await session.Connection.FlushAsync().ConfigureAwait(false);
                await session.Progress.TellAsync(i + 1, picked.Count).ConfigureAwait(false);
            }
        if (plan.Refusal is { } refusal) return refusal;
        // RFC 2180 §4.1.2: what was there for this client and is gone for others.
        return gone && !arguments.ByUid ? Reply.No("EXPUNGEISSUED", "some of the messages are gone") : Reply.Ok(gone ? "EXPUNGEISSUED" : null, "FETCH completed");
    }

    static FetchArguments Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        return FetchArguments.Read(ref reader);
    }

    static List<int> Choose(SelectedMailbox selected, FetchArguments wanted, bool byUid)
    {
        var picked = Picker.Pick(selected, wanted.Messages, byUid);
        var indices = new List<int>(picked.Count);
        foreach (var index in picked.Indices)
            if (wanted.ChangedSince is not { } since || selected.Shown[index].ModSeq > since) indices.Add(index);
        return wanted.Partial is { } partial ? Partial(indices, partial) : indices;
    }

    /// <summary>RFC 9394 §3.3: a window of the messages, counted from the first or from the last.</summary>
    static List<int> Partial(List<int> indices, PartialRange range)
    {
        var (from, to) = Window(indices.Count, range);
        return from < to ? indices[from..to] : [];
    }

    /// <summary>The places from and to (behind the last) that a range means among so many.</summary>
    internal static (int From, int To) Window(int count, PartialRange range) => range.First > 0
        ? ((int)Math.Min(range.First - 1, count), (int)Math.Min(range.Last, count))
        : ((int)Math.Max(0, count + range.Last), (int)Math.Max(0, count + range.First + 1));

    /// <summary>RFC 7162 §3.2.6: the UIDs of the set that are gone since.</summary>
    static void TellVanished(ImapSession session, SelectedMailbox selected, FetchArguments wanted)
    {
        var set = wanted.Messages.Resolve(uint.MaxValue);
        var gone = session.Store.Read(unit => unit.Mailboxes.VanishedSince(selected.AccountId, selected.MailboxId, wanted.ChangedSince!.Value));
        uint[] told = [.. gone.Where(uid => SequenceSet.Contains(set, uid) && selected.Shown.IndexOf(uid) < 0).Distinct()];
        if (told.Length == 0) return;
        session.Out.Raw("* VANISHED (EARLIER) "u8);
        session.Out.Set(SequenceSet.Of(told));
        session.Out.EndLine();
    }

    /// <summary>Writes a batch; true when a message of it is gone.</summary>
    static async ValueTask<bool> WriteAsync(FetchPlan plan, List<int> batch, bool backwards, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var gone = false;
        var loaded = plan.Load(batch);
        foreach (var (index, source) in backwards ? loaded.Reverse() : loaded)
        {
            if (source is null) gone = true;
            else
                using (source) await plan.WriteAsync(index, source).ConfigureAwait(false);
            if (plan.Session.Connection.ShouldFlush) await plan.Session.Connection.FlushAsync().ConfigureAwait(false);
        }
        return gone;
    }
}
