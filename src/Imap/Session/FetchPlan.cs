using System.Buffers;
using Posthorn.Imap.Access;
using Posthorn.Imap.Extensions.Preview;
using Posthorn.Imap.Grammar;
using Posthorn.Mime.Sections;
using Posthorn.Mime.Structure;
using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Posthorn.Wire.Connections;

namespace Posthorn.Imap.Session;

/// <summary>What one FETCH writes for each message (RFC 9051 §7.5.2).</summary>
sealed class FetchPlan
{
    readonly SelectedMailbox _selected;
    readonly List<FetchItem> _items;
    readonly BodyWriter _body;
    readonly bool _needsBody, _marksSeen;
    Reply? _refusal;
    HashSet<uint>? _marked;
    ThreadIds? _threads;
    bool _any;

    internal FetchPlan(ImapSession session, SelectedMailbox selected, FetchArguments wanted, bool byUid)
    {
        (Session, _selected, _items, _body) = (session, selected, [.. wanted.Items], new BodyWriter(session));
        if (byUid && !session.UidOnly && !Has(FetchAttribute.Uid)) _items.Insert(0, new FetchItem(FetchAttribute.Uid)); // RFC 9051 §6.4.9
        if (wanted.ChangedSince is not null && !Has(FetchAttribute.ModSeq)) _items.Add(new FetchItem(FetchAttribute.ModSeq)); // RFC 7162 §3.1.4.1
        _needsBody = _items.Any(static i => NeedsBody(i.Attribute));
        NeedsRows = _needsBody || Has(FetchAttribute.Envelope) || Has(FetchAttribute.Body) || Has(FetchAttribute.BodyStructure);
        _marksSeen = !selected.ReadOnly && (selected.Rights & Rights.Seen) != 0 && _items.Any(static i => !i.Peek);
    }

    internal ImapSession Session { get; }

    /// <summary>True when the view alone cannot answer.</summary>
    internal bool NeedsRows { get; }

    /// <summary>Set when an item could not be given though the rest was.</summary>
    internal Reply? Refusal => _refusal ?? _body.Refusal;

    Connection Connection => Session.Connection;

    ResponseWriter Out => Session.Out;

    bool Has(FetchAttribute attribute) => _items.Exists(i => i.Attribute == attribute);

    static bool NeedsBody(FetchAttribute attribute) => attribute is FetchAttribute.Rfc822 or FetchAttribute.Rfc822Header or FetchAttribute.Rfc822Text
        or FetchAttribute.BodySection or FetchAttribute.Binary or FetchAttribute.BinarySize or FetchAttribute.Preview;

    /// <summary>
    /// Sets \Seen before the answer, durably and in one go, when the items mean that (RFC 9051 §6.4.5); the answer then has
    /// the new flags.
    /// </summary>
    internal async ValueTask MarkSeenAsync(List<int> indices)
    {
        if (!_marksSeen) return;
        var uids = new List<uint>();
        foreach (var index in indices)
            if ((_selected.Shown[index].Flags & MessageFlags.Seen) == 0) uids.Add(_selected.Shown[index].Uid);
        if (uids.Count == 0) return;
        var change = new FlagChange(MessageFlags.Seen, MessageFlags.None, [], []);
        var result = await Session.WriteAsync(unit => unit.Mailboxes.SetFlags(_selected.AccountId, _selected.MailboxId, uids, change)).ConfigureAwait(false);
        _marked = [.. result.Changed];
        _selected.Tell(mayExpunge: false, new OwnChanges(result.First, result.Last));
    }

    /// <summary>The messages of a batch with their rows; null for one that is gone.</summary>
    internal IEnumerable<(int Index, MessageSource? Source)> Load(List<int> batch) =>
        _needsBody ? MessageBatch.Whole(Session, _selected, batch) : MessageBatch.Structures(Session, _selected, batch);

    /// <summary>Writes a message of which nothing but the view's row is wanted: no allocation.</summary>
    internal void WriteFromView(int index)
    {
        Begin(index);
        foreach (var item in _items) FromRow(item, index);
        End(index);
    }

    /// <summary>Writes a message; a body that is damaged is said to be so, and costs no other message.</summary>
    internal async ValueTask WriteAsync(int index, MessageSource source)
    {
        if (_needsBody && !IsReadable(source)) return;
        Begin(index);
        foreach (var item in _items)
            if (!FromRow(item, index) && !FromStructure(item, source)) await FromBodyAsync(item, index, source).ConfigureAwait(false);
        End(index);
    }

    bool IsReadable(MessageSource source)
    {
        try
        {
            source.Check();
            return true;
        }
        catch (StoreDamageException e)
        {
            ImapLog.Damaged(Session.Server.Log, source.MessageId, _selected.AccountId, e.Message);
            _refusal = Reply.No("SERVERBUG", "a message is damaged and cannot be shown");
            return false;
        }
    }

    void Begin(int index)
    {
        _selected.BeginFetch(index);
        _any = false;
    }

    void End(int index)
    {
        if (_marked?.Contains(_selected.Shown[index].Uid) == true) Marked(index);
        Out.Raw(")\r\n"u8);
    }

    /// <summary>The client did not ask for the flags, but they have changed by its asking; with UID and change number where it cares for these (RFC 7162 §3.2.4).</summary>
    void Marked(int index)
    {
        if (!Has(FetchAttribute.Flags)) FromRow(new FetchItem(FetchAttribute.Flags), index);
        if (Session.CondStore && !Session.UidOnly && !Has(FetchAttribute.Uid)) FromRow(new FetchItem(FetchAttribute.Uid), index);
        if (Session.CondStore && !Has(FetchAttribute.ModSeq)) FromRow(new FetchItem(FetchAttribute.ModSeq), index);
    }

    void Separate()
    {
        if (_any) Out.SP();
        _any = true;
    }

    /// <summary>Writes an item that the view has; false for another one.</summary>
    bool FromRow(FetchItem item, int index)
    {
        ref readonly var row = ref _selected.Shown.Row(index);
        switch (item.Attribute)
        {
            case FetchAttribute.Flags:
                Separate();
                FlagWriter.Write(Connection, row, _selected.Shown.Keywords, _selected.IsRecent(row.Uid));
                return true;
            case FetchAttribute.Uid:
                Number("UID "u8, row.Uid);
                return true;
            case FetchAttribute.Rfc822Size:
                Number("RFC822.SIZE "u8, row.Size);
                return true;
            case FetchAttribute.ModSeq:
                Number("MODSEQ ("u8, row.ModSeq);
                Out.Raw(")"u8);
                return true;
            case FetchAttribute.InternalDate:
                Separate();
                Out.Raw("INTERNALDATE "u8);
                Out.Time(row.Received);
                return true;
            case FetchAttribute.SaveDate:
                Separate();
                Out.Raw("SAVEDATE "u8);
                Out.Time(row.Saved);
                return true;
            case FetchAttribute.EmailId:
                Number("EMAILID (M"u8, row.MessageId);
                Out.Raw(")"u8);
                return true;
            case FetchAttribute.ThreadId:
                Separate();
                (_threads ??= new ThreadIds(Session.Store, _selected.AccountId)).Write(Out, row.MessageId);
                return true;
            default:
                return false;
        }
    }

    void Number(ReadOnlySpan<byte> name, long value)
    {
        var span = Connection.GetSpan(name.Length + 24);
        var n = 0;
        if (_any) span[n++] = (byte)' ';
        _any = true;
        name.CopyTo(span[n..]);
        n += name.Length;
        value.TryFormat(span[n..], out var digits);
        Connection.Advance(n + digits);
    }

    /// <summary>Writes an item that was made at ingest, by copying.</summary>
    bool FromStructure(FetchItem item, MessageSource source)
    {
        if (item.Attribute is not (FetchAttribute.Envelope or FetchAttribute.BodyStructure or FetchAttribute.Body)) return false;
        Separate();
        var ready = source.TryTexts(out var envelope, out var structure);
        switch (item.Attribute)
        {
            case FetchAttribute.Envelope:
                Out.Raw("ENVELOPE "u8);
                Out.Raw(ready ? envelope : source.Root.Envelope.Span);
                break;
            case FetchAttribute.BodyStructure:
                Out.Raw("BODYSTRUCTURE "u8);
                if (ready) Out.Raw(structure);
                else Write(StoredStructure.WriteBodyStructure, source.Root);
                break;
            default:
                Out.Raw("BODY "u8);
                Write(StoredStructure.WriteBody, source.Root);
                break;
        }
        return true;
    }

    void Write(Action<Part, IBufferWriter<byte>> write, Part root)
    {
        var text = new ArrayBufferWriter<byte>(512);
        write(root, text);
        Out.Raw(text.WrittenSpan);
    }

    async ValueTask FromBodyAsync(FetchItem item, int index, MessageSource source)
    {
        Separate();
        switch (item.Attribute)
        {
            case FetchAttribute.Rfc822:
                Out.Raw("RFC822 "u8);
                await _body.WholeAsync(source).ConfigureAwait(false);
                break;
            case FetchAttribute.Rfc822Header:
                Out.Raw("RFC822.HEADER "u8);
                await _body.SectionAsync(source, new Section([], SectionText.Header), null).ConfigureAwait(false);
                break;
            case FetchAttribute.Rfc822Text:
                Out.Raw("RFC822.TEXT "u8);
                await _body.SectionAsync(source, new Section([], SectionText.Text), null).ConfigureAwait(false);
                break;
            case FetchAttribute.BodySection:
                SectionNames.Write(Out, "BODY"u8, item);
                await _body.SectionAsync(source, item.Section!, item.Partial).ConfigureAwait(false);
                break;
            case FetchAttribute.Binary:
                SectionNames.Write(Out, "BINARY"u8, item);
                await _body.BinaryAsync(source, item).ConfigureAwait(false);
                break;
            case FetchAttribute.BinarySize:
                SectionNames.Write(Out, "BINARY.SIZE"u8, item);
                await _body.BinarySizeAsync(source, item).ConfigureAwait(false);
                break;
            default:
                Out.Raw("PREVIEW "u8);
                Out.NString(PreviewText.Of(source));
                break;
        }
    }
}
