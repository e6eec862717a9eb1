using System.Globalization;
using Posthorn.Imap.Access;
using Posthorn.Imap.Commands;
using Posthorn.Imap.Extensions.Catenate;
using Posthorn.Imap.Extensions.MessageLimit;
using Posthorn.Imap.Grammar;
using Posthorn.Mime.Structure;
using Posthorn.Mime.Threads;
using Posthorn.Storage;
using Posthorn.Storage.Events;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Session;

/// <summary>
/// The messages of one APPEND or REPLACE, taken off the wire into bodies that are not stored yet. All are filed in one unit:
/// all or none (RFC 3502 §6.3.11).
/// </summary>
sealed class Upload(ImapSession session) : IAsyncDisposable
{
    /// <summary>Messages of one command: each has a temporary file when it is large.</summary>
    const int MostMessages = 1000;

    /// <summary>How many times the largest message one command may copy from URLs: a line of them would else fill the disk.</summary>
    const int MostCopied = 10;

    readonly List<(AppendMessage Head, BlobWriter Body)> _messages = [];
    ReadOnlyMemory<byte> _text;
    int _at;
    LiteralMark? _literal;
    long _copied;

    /// <summary>A piece of the command, read.</summary>
    readonly record struct Parts(IReadOnlyList<string> Urls, bool Closed);

    /// <summary>
    /// Reads all messages, beginning with the one whose head was read. Null when all went well, else what to answer; then
    /// nothing of the command is left on the wire.
    /// </summary>
    /// <param name="head">What stands before the first message.</param>
    /// <param name="text">The piece of the command that holds it.</param>
    /// <param name="at">Where in it reading goes on.</param>
    /// <param name="literal">The literal it stopped at.</param>
    internal async ValueTask<Reply?> ReadAsync(AppendMessage head, ReadOnlyMemory<byte> text, int at, LiteralMark? literal)
    {
        (_text, _at, _literal) = (text, at, literal);
        while (true)
        {
            try
            {
                if (await OneAsync(head).ConfigureAwait(false) is { } refusal) return await RefuseAsync(refusal).ConfigureAwait(false);
                if (Next(head.Utf8) is not { } next) return null;
                head = next;
            }
            catch (BadSyntax e) { return await RefuseAsync(Reply.Bad($"{e.Message} (column {e.Column})")).ConfigureAwait(false); }
        }
    }

    /// <summary>Refuses the command: what of it is still to come is taken, or never asked for.</summary>
    internal async ValueTask<Reply> RefuseAsync(Reply refusal)
    {
        if (_literal is { } mark) await session.RefuseLiteralAsync(mark).ConfigureAwait(false);
        _literal = null;
        return refusal;
    }

    async ValueTask<Reply?> OneAsync(AppendMessage head)
    {
        if (head.Utf8 && !session.Utf8) return Reply.Bad("ENABLE UTF8=ACCEPT first"); // RFC 6855 §4
        if (!Commands.StoreCommand.AreGood(head.Flags)) return Reply.No("LIMIT", "too many keywords, or one that is too long");
        if (MessageLimits.OfSaving(session) is var limit && _messages.Count == limit) return MessageLimits.TooMany(limit, null);
        if (_messages.Count == MostMessages) return Reply.No("LIMIT", "too many messages at once");
        var body = session.Store.NewBlob();
        _messages.Add((head, body));
        var refusal = head.Catenate ? await CatenateAsync(body).ConfigureAwait(false) : _literal is null ? Reply.Bad("a message expected") : await StreamAsync(body).ConfigureAwait(false);
        if (refusal is null && body.Length == 0) refusal = Reply.No(null, "a message cannot be empty"); // RFC 3502 §6.3.11
        return refusal;
    }

    AppendMessage? Next(bool utf8)
    {
        var reader = Reader();
        var more = AppendGrammar.AfterMessage(ref reader, utf8);
        var next = more ? AppendGrammar.Message(ref reader) : null;
        _at = reader.At;
        return next;
    }

    ImapReader Reader()
    {
        var reader = new ImapReader(_text.Span, session.Limits, session.Utf8);
        reader.Skip(_at);
        return reader;
    }

    /// <summary>Streams the literal at hand into a body and reads the piece of the command that follows.</summary>
    async ValueTask<Reply?> StreamAsync(BlobWriter body)
    {
        var mark = _literal!.Value;
        if (mark.Size > session.Server.Options.MaxMessageSize - body.Length) return Reply.No("TOOBIG", "the message is too large");
        if (!session.Store.HasRoomFor(mark.Size)) return Reply.No("UNAVAILABLE", "there is no room at the moment");
        _literal = null;
        StoreFullException? full = null;
        var status = await session.Commands.StreamAsync(mark, octets =>
        {
            try
            {
                if (full is null) body.Write(octets.Span);
            }
            catch (StoreFullException e) { full = e; } // the rest has to be taken off the wire all the same
            return default;
        }, session.Server.Options.UploadTimeout).ConfigureAwait(false);
        if (status != FrameStatus.Command) return Ended(status);
        var frame = await session.Commands.ContinueAsync(session.Server.Options.UploadTimeout).ConfigureAwait(false);
        if (frame.Status is not (FrameStatus.Command or FrameStatus.Literal)) return Ended(frame.Status);
        (_text, _at, _literal) = (frame.Text, 0, frame.Status == FrameStatus.Literal ? frame.Literal : null);
        return full is null ? null : Reply.No("UNAVAILABLE", "there is no room at the moment");
    }

    Reply Ended(FrameStatus status)
    {
        switch (status)
        {
            case FrameStatus.TooLong:
                return Reply.Bad("the command is too long");
            case FrameStatus.LiteralTooBig:
                return Reply.No("TOOBIG", "the literal is too large");
            default:
                session.EndFor(status);
                return Reply.None;
        }
    }

    async ValueTask<Reply?> CatenateAsync(BlobWriter body)
    {
        for (var first = true; ; first = false)
        {
            var parts = ReadParts(first);
            foreach (var url in parts.Urls)
            {
                var before = body.Length;
                if (!MessageUrl.TryCopy(session, url, body, session.Server.Options.MaxMessageSize, out var refusal)) return refusal;
                _copied += body.Length - before;
                if (_copied > MostCopied * session.Server.Options.MaxMessageSize) return Reply.No("LIMIT", "too much is copied at once");
            }
            if (parts.Closed) return null;
            if (_literal is null) return Reply.Bad("a literal expected");
            if (await StreamAsync(body).ConfigureAwait(false) is { } over) return over;
        }
    }

    Parts ReadParts(bool first)
    {
        var reader = Reader();
        var urls = AppendGrammar.CatenateParts(ref reader, first, out var closed);
        _at = reader.At;
        return new Parts(urls, closed);
    }

    /// <summary>Files the messages, durably.</summary>
    /// <param name="target">Where to.</param>
    /// <param name="rights">What the client may do there: flags that he may not set are left out (RFC 4314 §4).</param>
    /// <param name="replaces">A message that goes in the same moment (RFC 8508); null for none.</param>
    internal async ValueTask<Reply> FileAsync(Mailbox target, Rights rights, (long AccountId, long MailboxId, uint Uid)? replaces, string verb)
    {
        var account = target.AccountId;
        var ready = new List<(AppendMessage Head, BlobWriter Body, byte[] Structure, long[] Links, TraceId Trace)>(_messages.Count);
        foreach (var (head, body) in _messages)
        {
            await body.SealAsync().ConfigureAwait(false);
            byte[] structure;
            using (var stream = body.OpenRead()) structure = PartTree.Encode(PartTree.Read(stream));
            ready.Add((head, body, structure, ThreadLinks.Of(structure, body.Head.Span), session.Store.NewTraceId()));
        }
        var bounded = session.Server.Directory?.Account(account)?.HasQuota ?? false;
        uint[] filed = [];
        Reply reply;
        try { reply = await session.WriteAsync(File).ConfigureAwait(false); }
        catch (OverQuotaException) { return Reply.No("OVERQUOTA", "the mailbox is full"); }
        session.Selected?.NoteOwn(target.Id, filed);
        return reply;

        Reply File(WriteUnit unit)
        {
            if (unit.Mailboxes.Get(account, target.Id) is not { } there) return Reply.No("TRYCREATE", "there is no such mailbox");
            if (replaces is { } gone && unit.Mailboxes.Expunge(gone.AccountId, gone.MailboxId, [gone.Uid], "imap") == 0) return Reply.No("EXPUNGEISSUED", "the message is gone");
            // RFC 8508 §3.4: what goes makes room for what comes.
            if (bounded && unit.Directory.Account(account) is { } row && !row.HasRoom(ready.Sum(static m => m.Body.Length), ready.Count)) throw new OverQuotaException();
            var uids = new uint[ready.Count];
            for (var i = 0; i < uids.Length; i++)
            {
                var (head, body, structure, links, trace) = ready[i];
                unit.Events.Add(trace, EventKind.Received, account, Detail(body.Length));
                uids[i] = unit.Mailboxes.Deliver(account, target.Id, new NewMessage(unit.Store(body), [], structure, head.Date ?? session.Server.Time.GetUtcNow(), trace, head.Flags.System & MailboxAccess.Settable(rights))
                {
                    Keywords = (rights & Rights.Write) != 0 ? head.Flags.Keywords : [],
                    Protocol = "imap",
                    Links = links,
                }).Uid;
            }
            filed = uids;
            // RFC 9051 §6.3.12: nothing of a mailbox that the client cannot open.
            var code = (rights & Rights.Read) == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"APPENDUID {there.UidValidity} {SequenceSet.Of(uids)}");
            return Reply.Ok(code, $"{verb} completed");
        }
    }

    string Detail(long size) => ReceivedStory.Detail(session, size);

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, body) in _messages) await body.DisposeAsync().ConfigureAwait(false);
    }
}
