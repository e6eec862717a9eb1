using System.Globalization;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Search;
using Posthorn.Imap.Session;
using Posthorn.Imap.Views;

namespace Posthorn.Imap.Extensions.MessageLimit;

/// <summary>MESSAGELIMIT and SAVELIMIT (RFC 9738): how many messages one command may work on. The first includes the second.</summary>
sealed class MessageLimitExtension : ImapExtension
{
    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is null) return;
        // RFC 9738 §3: one or the other.
        var options = session.Server.Options;
        if (options.MessageLimit > 0) words.Add(string.Create(CultureInfo.InvariantCulture, $"{MessageLimits.Word}{options.MessageLimit}"));
        else if (options.SaveLimit > 0) words.Add(string.Create(CultureInfo.InvariantCulture, $"{MessageLimits.SaveWord}{options.SaveLimit}"));
    }
}

/// <summary>
/// Cuts commands to the newest messages that they may work on, and notes it for the tagged response, which then says how far
/// down they came (RFC 9738 §3.1). Who is not told of the limit, since it is switched off for him, has none.
/// </summary>
static class MessageLimits
{
    internal const string Word = "MESSAGELIMIT=", SaveWord = "SAVELIMIT=";

    /// <summary>What FETCH, STORE, MOVE, SEARCH and UID EXPUNGE may work on.</summary>
    static int Of(ImapSession session) => Limit(session, session.Server.Options.MessageLimit, Word);

    /// <summary>What COPY and APPEND may work on, which do all or nothing.</summary>
    internal static int OfSaving(ImapSession session) => session.Server.Options is { MessageLimit: > 0 and var limit } ? Limit(session, limit, Word)
        : Limit(session, session.Server.Options.SaveLimit, SaveWord);

    static int Limit(ImapSession session, int limit, string word) => limit > 0 && !Capabilities.IsOff(session, $"{word}{limit}") ? limit : int.MaxValue;

    /// <summary>The newest of the messages.</summary>
    internal static Picked Cut(ImapSession session, Snapshot shown, Picked picked)
    {
        var limit = Of(session);
        if (picked.Count <= limit) return picked;
        var cut = picked.Newest(limit);
        session.LowestDone = shown[cut.Ranges[0].First].Uid;
        return cut;
    }

    /// <summary>Takes all but the newest out of indices (ascending); false when there are not too many.</summary>
    internal static bool Cut(ImapSession session, Snapshot shown, List<int> indices)
    {
        var limit = Of(session);
        if (indices.Count <= limit) return false;
        indices.RemoveRange(0, indices.Count - limit);
        session.LowestDone = shown[indices[0]].Uid;
        return true;
    }

    /// <summary>Takes all but the newest out of UIDs (ascending).</summary>
    internal static void Cut(ImapSession session, List<uint> uids)
    {
        var limit = Of(session);
        if (uids.Count <= limit) return;
        uids.RemoveRange(0, uids.Count - limit);
        session.LowestDone = uids[0];
    }

    /// <summary>
    /// The messages that a search has to look at, as far as its outermost keys name them, if there are more than a command may
    /// work on; else null. What they have to be besides, only looking at them could tell.
    /// </summary>
    internal static List<int>? Exceeding(ImapSession session, SelectedMailbox selected, SearchKey key)
    {
        var limit = Of(session);
        if (selected.Shown.Count <= limit) return null;
        SearchKey[] naming = [.. (key is SearchKey.And and ? and.Keys : [key])
            .Where(static k => k is SearchKey.Numbers or SearchKey.Uids or SearchKey.UidAfter or SearchKey.UidBefore)];
        var test = new SearchProgram(selected, session.Server.Time.GetUtcNow(), new SearchKey.And(naming), null).Test;
        var looked = new List<int>();
        for (var i = 0; i < selected.Shown.Count; i++)
            if (test(i, null) == true) looked.Add(i);
        return looked.Count > limit ? looked : null;
    }

    /// <summary>RFC 9738 §3.3: what needs all messages at once cannot be done to a part of them.</summary>
    internal static Reply? Refuses(ImapSession session, SelectedMailbox selected, SearchKey key) =>
        Exceeding(session, selected, key) is null ? null : TooMany(Of(session), null);

    /// <summary>RFC 9394 §3.3 with RFC 9738 §3.1: a window that is larger than the limit is refused before any work.</summary>
    internal static Reply? Refuses(ImapSession session, PartialRange? window) =>
        window is { } range && Math.Abs(range.Last - range.First) >= Of(session) ? TooMany(Of(session), null) : null;

    /// <summary>RFC 9738 §3.1: a copy is all or nothing; the UID shows where a smaller set could begin.</summary>
    internal static Reply? RefusesCopy(ImapSession session, List<uint> uids) =>
        OfSaving(session) is var limit && uids.Count > limit ? TooMany(limit, uids[^limit]) : null;

    internal static Reply TooMany(int limit, uint? lowest) => Reply.No(Code(limit, lowest), "too many messages for one command");

    static string Code(int limit, uint? lowest) => string.Create(CultureInfo.InvariantCulture, $"MESSAGELIMIT {limit}{(lowest is { } uid ? $" {uid}" : "")}");

    /// <summary>The tagged response of a command, with the code when it was cut; where that has another code, before it (RFC 9738 §3.1).</summary>
    internal static Reply Told(ImapSession session, Reply reply)
    {
        const string Why = "only the newest messages were worked on";
        if (session.LowestDone == 0 || reply.Kind is not (ReplyKind.Ok or ReplyKind.No)) return reply;
        var code = Code(session.Server.Options.MessageLimit, session.LowestDone);
        if (reply is { Kind: ReplyKind.Ok, Code: null }) return reply with { Code = code, Text = $"{reply.Text}; {Why}" };
        session.Untagged("NO"u8, code, Why);
        return reply;
    }
}
