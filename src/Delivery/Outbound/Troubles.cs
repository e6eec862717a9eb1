using Posthorn.Smtp.Client;

namespace Posthorn.Delivery.Outbound;

/// <summary>Why a host did not come to accept MAIL.</summary>
/// <param name="Failure">Null when there was not even a connection.</param>
sealed record Trouble(string Relay, SmtpFailure? Failure, string Text)
{
    internal string? Tls { get; init; }

    /// <summary>The server itself said that it will not talk to us (RFC 5321 §3.1: 554 instead of a greeting).</summary>
    internal bool IsRefusal => Failure is { Stage: SmtpStage.Greeting or SmtpStage.Hello, Reply.Code: >= 500 };

    /// <summary>It is there and asks for patience.</summary>
    internal bool IsBusy => Failure is { Reply.Temporary: true, Stage: not SmtpStage.Auth };

    /// <summary>Subject and detail (RFC 3463 §3) where the peer gives none.</summary>
    internal string Detail => Failure switch
    {
        null => "4.1",
        { Reply.Enhanced: { Length: > 2 } own } when own[1] == '.' => own[2..],
        { Stage: SmtpStage.Auth, Kind: SmtpFailureKind.Reply } => "7.8",
        { Kind: SmtpFailureKind.Missing } => "7.4",
        { Stage: SmtpStage.StartTls or SmtpStage.Handshake } or { Kind: SmtpFailureKind.Tls or SmtpFailureKind.Certificate } => "7.5",
        { Kind: SmtpFailureKind.Timeout or SmtpFailureKind.Closed } => "4.2",
        { Kind: SmtpFailureKind.Garbage } => "5.0",
        _ => "0.0",
    };
}

/// <summary>The troubles of an attempt that came to no host.</summary>
sealed class Troubles
{
    /// <summary>Connections that failed and that are named together.</summary>
    const int MostNamed = 4;

    readonly List<Trouble> _all = [];
    Verdict? _decided;

    internal void Add(Trouble trouble) => _all.Add(trouble);

    /// <summary>Something of our own stops all of it.</summary>
    internal void Decide(Verdict verdict) => _decided = verdict;

    /// <summary>
    /// What is told: the last host that spoke, else all that were silent. Only when every host that a domain names for itself
    /// refused to talk, and that not for the first time, is it an answer for good; a host that a route names is an
    /// administrator's choice, and a wrong one is no reason to bounce.
    /// </summary>
    internal Verdict Verdict(bool ofDomain)
    {
        if (_decided is not null) return _decided;
        if (_all.Count == 0) return new(AttemptStatus.Deferred, "4.1", "no host was tried", DestinationHealth.Down);
        var health = _all.Exists(t => t.IsBusy) ? DestinationHealth.Busy : DestinationHealth.Down;
        var told = _all.FindLast(t => t.Failure is { Reply: not null }) ?? _all.FindLast(t => t.Failure is not null);
        if (told is null)
        {
            var words = string.Join("; ", _all.Take(MostNamed).Select(t => $"{t.Relay}: {t.Text}"));
            return new(AttemptStatus.Deferred, "4.1", ReplyWords.Clean(words), health) { Relay = _all[^1].Relay };
        }
        return told.Failure!.Reply is { } reply && reply.Code >= 400
            ? new(AttemptStatus.Deferred, told.Detail, ReplyWords.Line(reply), health, FinalWhenRepeated: ofDomain && _all.TrueForAll(t => t.IsRefusal)) { FromPeer = true, Relay = told.Relay, Tls = told.Tls }
            : new(AttemptStatus.Deferred, told.Detail, ReplyWords.Clean(told.Text), health) { Relay = told.Relay, Tls = told.Tls };
    }
}
