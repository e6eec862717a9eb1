using Posthorn.Accounts;
using Posthorn.Delivery.Dsn;
using Posthorn.Mime.Headers;
using Posthorn.Mime.Structure;
using Posthorn.Mime.Threads;
using Posthorn.Smtp.Server;
using Posthorn.Storage;
using Posthorn.Storage.Queue;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Inbound;

/// <summary>One message coming in: MAIL, recipients, data, commit. Nothing of it is visible before the commit.</summary>
sealed class Transaction : ISmtpTransaction
{
    readonly SmtpBackend _backend;
    readonly SmtpClientInfo _client;
    readonly MailParameters _mail;
    readonly TraceId _trace;
    readonly Recipients _recipients = new();
    BlobWriter? _blob;
    SmtpReply? _writeFailure;
    List<NoticeFiling>? _notices;
    FreshPlaces? _fresh;

    internal Transaction(SmtpBackend backend, SmtpClientInfo client, MailParameters mail)
    {
        (_backend, _client, _mail) = (backend, client, mail);
        _trace = backend.Store.NewTraceId();
        Id = _trace.ToString();
    }

    public string Id { get; }

    public ValueTask<SmtpReply> RecipientAsync(RcptParameters rcpt, CancellationToken ct)
    {
        var (destinations, refusal) = _backend.Router.Route(_client, _mail.ReversePath, rcpt.Recipient);
        if (refusal is not null) return ValueTask.FromResult(refusal);
        if (AllFull(destinations!)) return ValueTask.FromResult(Replies.OverQuota);
        _recipients.Add(rcpt, destinations!);
        return ValueTask.FromResult(Replies.RecipientOk);
    }

    /// <summary>True when every mailbox behind a recipient is full, or would be with the size that MAIL announced.</summary>
    bool AllFull(IReadOnlyList<Destination> destinations)
    {
        for (var i = 0; i < destinations.Count; i++)
        {
            if (destinations[i] is not Destination.Local local || _backend.Accounts.Account(local.AccountId) is not { HasQuota: true }) return false;
            // The directory's picture knows the quota, only the store knows what is used now.
            if (_backend.Store.Read(r => r.Directory.Account(local.AccountId)) is not { } account || !Quota.IsOver(account, _mail.Size ?? 0)) return false;
        }
        return destinations.Count > 0;
    }

    public SmtpReply? BeginData()
    {
        if (_backend.Store.Poisoned.IsCompleted) return Replies.Fault;
        _blob ??= _backend.Store.NewBlob();
        return null;
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> octets, CancellationToken ct)
    {
        if (_writeFailure is not null) return default; // the rest is swallowed; the reply to the data tells
        try
        {
            (_blob ??= _backend.Store.NewBlob()).Write(octets.Span);
        }
        catch (Exception e) when (e is StoreException or IOException)
        {
            _writeFailure = Failure(e);
        }
        return default;
    }

    public async ValueTask<IReadOnlyList<SmtpReply>> CommitAsync(bool verbose, CancellationToken ct)
    {
        if (_writeFailure is not null) return ToAll(_writeFailure);
        try
        {
            _blob ??= _backend.Store.NewBlob();
            var header = HeaderChecks.Read(_blob, _mail.Body == BodyType.BinaryMime, out var broken);
            if (_recipients.AnyForwarded && header.DeliveredTo.Count > 0) _recipients.EndLoops(header.DeliveredTo, _backend.Accounts);
            if ((broken ? Replies.BrokenHeader : _recipients.AllLooped ? Replies.ForwardLoop : HeaderChecks.Check(header, _client.Principal, _backend.Accounts)) is { } refusal)
            {
                InboundLog.Refused(_backend.Logger, Id, ReversePath, refusal.Code, refusal.Lines[0], _client.Address, Login);
                return ToAll(refusal);
            }
            // RFC 5321 §4.4: a Return-Path that came with the message goes at final delivery. Rare, so it may cost a copy.
            if (header.ReturnPaths > 0 && _recipients.AnyLocal) await WithoutReturnPathAsync().ConfigureAwait(false);
            var filing = await PrepareAsync(_blob, header, ct).ConfigureAwait(false);
            // The hash, and the sync of a large body, here and not on the writer that all sessions share.
            await _blob.SealAsync(ct).ConfigureAwait(false);
            foreach (var notice in filing.Notices) await notice.Blob.SealAsync(ct).ConfigureAwait(false);
            var result = await _backend.Store.WriteAsync(filing.Run, ct).ConfigureAwait(false);
            HandOver(result);
            Log(result);
            return Answer(result, verbose);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return ToAll(Failure(e));
        }
        finally
        {
            if (_fresh is not null) _backend.Handover.Abandon(_fresh.Mail);
        }
    }

    /// <summary>What was queued goes on its way: at once where there is a place, else when the queue takes it up.</summary>
    void HandOver(FilingResult result)
    {
        if (result.Fresh is not null && result.Leased.Count > 0) _backend.Handover.HandOver(_fresh!.Mail, result.Fresh, result.Leased);
        if (result.AnyWaiting) _backend.Handover.Wake();
    }

    async ValueTask WithoutReturnPathAsync()
    {
        var whole = _blob!;
        _blob = ReturnPathField.Strip(whole, _backend.Store.NewBlob());
        await whole.DisposeAsync().ConfigureAwait(false);
    }

    async ValueTask<Filing> PrepareAsync(BlobWriter blob, HeaderSummary header, CancellationToken ct)
    {
        var now = _backend.Time.GetUtcNow();
        var only = _recipients.Count == 1 ? _recipients.Accepted[0].Rcpt.Recipient : null;
        var common = TraceHeader.Common(_backend.Host, _client, _mail, Id, only, now, header);
        var structure = StructureOf(blob, common);
        var foreignState = _backend.Options.HoldForeign ? RecipientState.Held : RecipientState.Due;
        return new Filing
        {
            Blob = blob,
            Trace = _trace,
            Client = _client,
            Mail = _mail,
            Recipients = _recipients,
            Common = common,
            Structure = structure,
            Links = _recipients.AnyLocal ? ThreadLinks.Of(structure, blob.Head.Span) : [],
            Received = now,
            ForeignState = foreignState,
            Forwards = await ForwardedCopy.OfAsync(_recipients, _mail.ReversePath, common, _backend.Router, ct).ConfigureAwait(false),
            Accounts = _backend.Accounts,
            ReceivedDetail = Story.Received(_client, _mail, _recipients.Count, blob.Length, header),
            Fresh = _fresh = FreshPlaces.For(_recipients, _mail.ReversePath, foreignState, _backend.Handover),
            MayBeTold = MayBeTold,
            Notices = _recipients.AnySuccess && MayBeTold && _mail.ReversePath is not null ? Notices(_mail.ReversePath, common, now, foreignState) : [],
        };
    }

    /// <summary>The stored structure; a Date or Message-ID among the lines we put before the message belongs to its envelope.</summary>
    internal static byte[] StructureOf(BlobWriter blob, ReadOnlySpan<byte> prefix)
    {
        if (blob.Length <= blob.Head.Length) return PartTree.Encode(PartTree.Read(blob.Head.Span, prefix));
        using var stream = blob.OpenRead();
        return PartTree.Encode(PartTree.Read(stream, prefix));
    }

    /// <summary>
    /// True when the reverse-path can be believed. RFC 3461 §5.2.3 wants a notice for everybody who asks; a stranger could
    /// so have us write to anyone (back-scatter), and nothing here checks a stranger's reverse-path yet.
    /// </summary>
    bool MayBeTold => _client.Principal is not null || _client.Trusted || _client.Service == SmtpService.Lmtp;

    /// <summary>The notices of success, composed; whether each is filed is decided by what becomes of the message.</summary>
    List<NoticeFiling> Notices(EmailAddress to, byte[] common, DateTimeOffset now, RecipientState foreignState)
    {
        _notices = [];
        var groups = SuccessNotices.Group(_recipients, _client.Service);
        if (groups.Count == 0) return _notices;
        var destinations = _backend.Router.RouteNotice(to);
        if (destinations.Count == 0)
        {
            InboundLog.NoWayBack(_backend.Logger, Id, ReversePath);
            return _notices;
        }
        foreach (var (reply, about) in groups)
        {
            var trace = _backend.Store.NewTraceId();
            var body = _backend.Store.NewBlob();
            // Disposed with the transaction, whatever comes next.
            var filing = new NoticeFiling
            {
                Blob = body,
                Trace = trace,
                About = _trace,
                Reply = reply,
                To = to,
                Destinations = destinations,
                Now = now,
                ForeignState = foreignState,
            };
            _notices.Add(filing);
            body.Write(_backend.Composer.Compose(new Notice
            {
                Id = trace.ToString(),
                MessageId = Id,
                To = to,
                Arrived = now,
                Now = now,
                EnvelopeId = _mail.EnvelopeId,
                Recipients = about,
                Returned = new ReturnedMessage(common, _blob!.Head, _mail.SmtpUtf8),
            }).Octets.Span);
            filing.Structure = StructureOf(body, default);
        }
        return _notices;
    }

    IReadOnlyList<SmtpReply> Answer(FilingResult result, bool verbose)
    {
        if (_client.Service != SmtpService.Lmtp) return [result.Refused[0] ? Replies.OverQuota : Ok(result, verbose, -1)];
        var replies = new SmtpReply[_recipients.Count];
        for (var i = 0; i < replies.Length; i++) replies[i] = result.Refused[i] ? Replies.OverQuota : Ok(result, verbose, i);
        return replies;
    }

    /// <summary>The good reply, with the id that finds the story; after VERB with a line for each recipient before it.</summary>
    SmtpReply Ok(FilingResult result, bool verbose, int recipient)
    {
        var ok = "Ok: " + Id;
        if (!verbose) return new SmtpReply(250, "2.0.0", ok);
        var (first, count) = recipient < 0 ? (0, _recipients.Count) : (recipient, 1);
        var lines = new List<string>(count + 1);
        for (var i = 0; i < count; i++) VerbLine.Add(lines, _recipients, first + i, result);
        lines.Add(ok);
        return new SmtpReply(250, "2.0.0", [.. lines]);
    }

    /// <summary>The same reply for all: once in SMTP, for each recipient in LMTP (RFC 2033 §4.2).</summary>
    IReadOnlyList<SmtpReply> ToAll(SmtpReply reply)
    {
        if (_client.Service != SmtpService.Lmtp) return [reply];
        var replies = new SmtpReply[_recipients.Count];
        Array.Fill(replies, reply);
        return replies;
    }

    SmtpReply Failure(Exception e)
    {
        InboundLog.Fault(_backend.Logger, e, Id);
        return e is StoreFullException ? Replies.NoSpace : Replies.Fault;
    }

    void Log(FilingResult result)
    {
        var log = _backend.Logger;
        if (!log.IsEnabled(Microsoft.Extensions.Logging.LogLevel.Information)) return;
        InboundLog.Accepted(log, Id, ReversePath, _recipients.Count, _blob!.Length, _client.Address, _client.Helo, _client.Tls ?? "", Login);
        for (var i = 0; i < result.Outcomes.Length; i++)
        {
            ref readonly var o = ref result.Outcomes[i];
            switch (_recipients.Targets[i].Destination)
            {
                case Destination.Local local when o.Kind == OutcomeKind.Filed:
                    InboundLog.Filed(log, Id, local.Address.ToString(), o.Mailbox!, o.Uid);
                    break;
                case Destination.Foreign foreign when o.Kind is OutcomeKind.Queued or OutcomeKind.Held:
                    InboundLog.Queued(log, Id, foreign.Address.ToString(), o.Kind == OutcomeKind.Held ? "held" : "queued");
                    break;
            }
        }
        for (var i = 0; i < result.Notices.Length; i++)
            if (result.Notices[i] is { } outcomes)
                foreach (var o in outcomes)
                    InboundLog.Notice(log, Id, _notices![i].Trace.ToString(), ReversePath, o.Kind switch
                    {
                        OutcomeKind.Filed => "filed",
                        OutcomeKind.Held => "held",
                        OutcomeKind.Queued => "queued",
                        _ => "not delivered, the mailbox is full",
                    });
    }

    string ReversePath => _mail.ReversePath?.ToString() ?? "";

    string Login => _client.Principal?.Address ?? _client.LocalUser?.ToString() ?? "";

    public async ValueTask DisposeAsync()
    {
        if (_notices is not null)
            foreach (var notice in _notices) await notice.DisposeAsync().ConfigureAwait(false);
        if (_blob is not null) await _blob.DisposeAsync().ConfigureAwait(false);
    }
}
