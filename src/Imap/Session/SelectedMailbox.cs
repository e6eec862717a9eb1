using Posthorn.Imap.Access;
using Posthorn.Imap.Extensions.Context;
using Posthorn.Imap.Extensions.UrlAuth;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Views;

namespace Posthorn.Imap.Session;

/// <summary>
/// The mailbox that a session has selected, as its client knows it. What others change is told by <see cref="Tell"/> alone, so
/// that message numbers mean the same at both ends at any time (RFC 9051 §7.5.1, RFC 2180).
/// </summary>
sealed class SelectedMailbox : IDisposable
{
    /// <summary>Messages whose flags are told at once.</summary>
    const int MostAtOnce = 1000;

    readonly ImapSession _session;
    readonly ViewCache _views;
    readonly List<(uint From, uint Below)> _recent = []; // UIDs that are recent in this session
    readonly HashSet<uint> _own = []; // UIDs that came by this client, and were not told yet
    Snapshot _seen; // what was last compared; Shown may still have messages that are gone from it
    uint _recentBelow; // all below it that were recent are noted in the store, or will be at the end
    bool _recentNoted = true;
    int _keywordsTold, _keyResetsTold;
    long _settled; // the change number up to which the client was told of everything
    bool _owes; // messages are gone that could not be told

    internal SelectedMailbox(ImapSession session, MailboxView view, string name, uint uidValidity, bool readOnly, Rights rights)
    {
        // RFC 4314 §5.2: who may change nothing has it for reading only.
        (_session, _views, View, Name, UidValidity, Rights, ReadOnly) = (session, session.Server.Views, view, name, uidValidity, rights, readOnly || (rights & Rights.Changing) == 0);
        Shown = _seen = view.Current;
        if (!session.Rev2) TakeRecent();
        NoteRecent();
        _keywordsTold = Shown.Keywords.Names.Count;
        _settled = Shown.HighestModSeq;
        KnowKeyResets();
    }

    internal Storage.MailStore Store => _session.Store;

    internal MailboxView View { get; }
    internal string Name { get; }
    internal uint UidValidity { get; }
    internal bool ReadOnly { get; }

    /// <summary>What the client might do when he selected it (RFC 4314 §5.1.1).</summary>
    internal Rights Rights { get; }

    internal long AccountId => View.AccountId;
    internal long MailboxId => View.MailboxId;

    /// <summary>The messages as the client knows them.</summary>
    internal Snapshot Shown { get; private set; }

    /// <summary>The messages as the client knew them when it sent the command at hand; null between commands.</summary>
    internal Snapshot? Known { get; set; }

    /// <summary>Searches whose results the client is told of; null until there is one.</summary>
    internal SearchContexts? Contexts { get; set; }

    /// <summary>What is still to be written; null until there was something.</summary>
    internal OwedNews? News { get; private set; }

    /// <summary>What SEARCH RETURN (SAVE) kept, as UIDs (RFC 5182); empty at first.</summary>
    internal IReadOnlyList<uint> Saved { get; set; } = [];

    /// <summary>True for a message that this session was the first to be told of (RFC 3501 §2.3.2).</summary>
    internal bool IsRecent(uint uid)
    {
        foreach (var (from, below) in _recent)
            if (uid >= from && uid < below) return true;
        return false;
    }

    internal int Recent
    {
        get
        {
            var count = 0;
            foreach (var (from, below) in _recent) count += Shown.FirstFrom(below) - Shown.FirstFrom(from);
            return count;
        }
    }

    /// <summary>Takes the messages that nobody was told of. Of those that arrive while several sessions look, the one that asks first has them.</summary>
    void TakeRecent()
    {
        var below = Shown.UidNext;
        var first = View.TakeRecent(below, ReadOnly);
        if (ReadOnly && _recent.Count > 0) first = Math.Max(first, _recent[^1].Below);
        if (first >= below) return;
        if (_recent.Count > 0 && _recent[^1].Below == first) _recent[^1] = (_recent[^1].From, below);
        else _recent.Add((first, below));
        if (!ReadOnly) (_recentBelow, _recentNoted) = (below, false);
    }

    /// <summary>Lets the store remember what was told of. Nobody waits: a crash makes some messages recent twice.</summary>
    void NoteRecent()
    {
        if (!_recentNoted) _ = NoteRecentAsync(_session.Server, MailboxId, _recentBelow);
        _recentNoted = true;
    }

    static async Task NoteRecentAsync(ImapServer server, long mailboxId, uint below)
    {
        try
        {
            await server.Store.WriteAsync(unit =>
            {
                unit.Places.TellRecent(mailboxId, below);
                return 0;
            }, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) { ImapLog.RecentNotKept(server.Log, e, mailboxId); }
    }

    /// <summary>Tells the client what has changed.</summary>
    /// <param name="mayExpunge">False while message numbers must stay what they are.</param>
    /// <param name="own">What the client knows already.</param>
    internal void Tell(bool mayExpunge, OwnChanges own = default)
    {
        if (View.KeyResets(_session.Who!.AccountId) != _keyResetsTold) UrlMechanisms.Tell(_session);
        KnowKeyResets();
        var now = View.Current;
        if (ReferenceEquals(now, _seen) && (ReferenceEquals(Shown, _seen) || !mayExpunge)) return;
        var diff = SnapshotDiff.Of(Shown, now);
        _owes = !mayExpunge && diff.Gone.Count > 0;
        if (!_owes) _settled = now.HighestModSeq;
        if (mayExpunge)
        {
            Contexts?.BeforeGone(Shown, diff.Gone);
            TellGone(diff);
        }
        Shown = mayExpunge ? now : SnapshotDiff.Keep(Shown, now, diff);
        _seen = now;
        if (diff.Arrived > 0)
        {
            TellArrived();
            if (_session.Notify?.News is { Count: > 0 } news)
                for (var i = Shown.Count - diff.Arrived; i < Shown.Count; i++) Owe(Shown[i].Uid, news);
        }
        TellKeywords();
        if (_session.Notify?.TellsFlags != false) TellChanged(now, diff, own, sameIndices: mayExpunge || diff.Gone.Count == 0);
        Contexts?.After(diff.Changed.ConvertAll(i => Shown.IndexOf(now.Row(i).Uid)), diff.Arrived);
        if (diff.Arrived > 0) _own.Clear();
    }

    /// <summary>Tells flags; most of very many behind what else there is, so that they need not all be held at once.</summary>
    void TellChanged(Snapshot now, SnapshotDiff diff, OwnChanges own, bool sameIndices)
    {
        var told = 0;
        foreach (var index in diff.Changed)
        {
            ref readonly var row = ref now.Row(index);
            if (own.Has(row.ModSeq)) continue;
            if (told++ < MostAtOnce) TellFlags(sameIndices ? index : Shown.IndexOf(row.Uid));
            else (News ??= new OwedNews()).OweFlags(row.Uid);
        }
    }

    /// <summary>Takes note of what the client put into a mailbox itself: of that it wants no news (RFC 5465 §5.2).</summary>
    internal void NoteOwn(long mailboxId, IEnumerable<uint> uids)
    {
        if (mailboxId == MailboxId) _own.UnionWith(uids);
    }

    /// <summary>Notes items of a message that came, unless the client put it here itself.</summary>
    internal void Owe(uint uid, IReadOnlyList<FetchItem> items)
    {
        if (!_own.Contains(uid)) (News ??= new OwedNews()).Owe(uid, items);
    }

    /// <summary>From here on the client need not hear that its URLs were taken back before.</summary>
    internal void KnowKeyResets() => _keyResetsTold = View.KeyResets(_session.Who!.AccountId);

    /// <summary>
    /// Says how far the client's picture is whole when VANISHED has to wait (RFC 7162 §6): change numbers that it hears of
    /// meanwhile are higher than those of what it has not heard of.
    /// </summary>
    internal void TellSettled()
    {
        if (_owes && _session.QResync) _session.Untagged("OK"u8, $"HIGHESTMODSEQ {_settled}", "more is to come");
    }

    void TellGone(SnapshotDiff diff)
    {
        if (diff.Gone.Count == 0) return;
        var output = _session.Out;
        if (_session.QResync || _session.UidOnly)
        {
            // RFC 7162 §3.2.10
            uint[] uids = [.. diff.Gone.Select(i => Shown[i].Uid)];
            output.Raw("* VANISHED "u8);
            output.Set(SequenceSet.Of(uids));
            output.EndLine();
            return;
        }
        for (var i = 0; i < diff.Gone.Count; i++)
        {
            output.Raw("* "u8);
            output.Number(diff.Gone[i] + 1 - i);
            output.Raw(" EXPUNGE\r\n"u8);
        }
    }

    void TellArrived()
    {
        var output = _session.Out;
        output.Raw("* "u8);
        output.Number(Shown.Count);
        output.Raw(" EXISTS\r\n"u8);
        if (_session.Rev2) return;
        TakeRecent();
        output.Raw("* "u8);
        output.Number(Recent);
        output.Raw(" RECENT\r\n"u8);
    }

    /// <summary>Says which flags there are when keywords have come that the client was not told of (RFC 9051 §7.3.5).</summary>
    internal void TellKeywords()
    {
        if (Shown.Keywords.Names.Count == _keywordsTold) return;
        _keywordsTold = Shown.Keywords.Names.Count;
        WriteFlagLists();
    }

    /// <summary>FLAGS and PERMANENTFLAGS.</summary>
    internal void WriteFlagLists()
    {
        var output = _session.Out;
        output.Raw("* FLAGS "u8);
        output.Flags(FlagWriter.All, Shown.Keywords.Names);
        output.Raw("\r\n* OK [PERMANENTFLAGS "u8);
        if (ReadOnly) output.Raw("()] nothing can be changed\r\n"u8);
        else
        {
            output.Raw("("u8);
            foreach (var flag in FlagList.NamesOf(FlagWriter.All & MailboxAccess.Settable(Rights)))
            {
                output.Raw(flag);
                output.SP();
            }
            if ((Rights & Rights.Write) == 0)
            {
                output.Raw(")] and no others\r\n"u8);
                return;
            }
            foreach (var keyword in Shown.Keywords.Names)
            {
                output.Raw(System.Text.Encoding.ASCII.GetBytes(keyword));
                output.SP();
            }
            output.Raw("\\*)] and any keyword\r\n"u8);
        }
    }

    /// <summary>The beginning of what is said about a message: by number, or by UID for a client that knows no numbers (RFC 9586 §3).</summary>
    internal void BeginFetch(int index)
    {
        var span = _session.Connection.GetSpan(40);
        "* "u8.CopyTo(span);
        (_session.UidOnly ? Shown[index].Uid : (uint)index + 1).TryFormat(span[2..], out var digits);
        var name = _session.UidOnly ? " UIDFETCH ("u8 : " FETCH ("u8;
        name.CopyTo(span[(2 + digits)..]);
        _session.Connection.Advance(2 + digits + name.Length);
    }

    /// <summary>An untagged FETCH with the flags of a message.</summary>
    internal void TellFlags(int index, bool withUid = false)
    {
        var output = _session.Out;
        ref readonly var row = ref Shown.Row(index);
        BeginFetch(index);
        // RFC 7162 §3.2.4: UID where QRESYNC is on, and RFC 5465 §5.1 after NOTIFY; nobody minds it where the server may say what it likes.
        if (!_session.UidOnly && (withUid || _session.Rev2 || _session.CondStore || _session.Notify is not null))
        {
            output.Raw("UID "u8);
            output.Number(row.Uid);
            output.SP();
        }
        FlagWriter.Write(_session.Connection, row, Shown.Keywords, IsRecent(row.Uid));
        if (_session.CondStore)
        {
            output.Raw(" MODSEQ ("u8);
            output.Number(row.ModSeq);
            output.Raw(")"u8);
        }
        output.Raw(")\r\n"u8);
    }

    public void Dispose()
    {
        NoteRecent();
        _views.Release(View);
    }
}
