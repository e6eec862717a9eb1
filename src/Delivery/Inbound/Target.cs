using Posthorn.Accounts;
using Posthorn.Delivery.Dsn;
using Posthorn.Smtp.Server;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Inbound;

/// <summary>One place that the message goes to, however many recipients lead there.</summary>
/// <param name="Destination">The mailbox here or the address elsewhere.</param>
/// <param name="Rcpt">The first recipient that led to it.</param>
/// <param name="Notify">What those that led to it want to be told, as the NOTIFY parameter.</param>
/// <param name="Looped">It was sent on there before and has come back: it does not go again.</param>
sealed record Target(Destination Destination, RcptParameters Rcpt, string? Notify, bool Looped = false);

/// <summary>An accepted recipient and where it leads.</summary>
/// <param name="Rcpt">As the client gave it.</param>
/// <param name="Targets">Indexes of its targets.</param>
readonly record struct Accepted(RcptParameters Rcpt, int[] Targets);

/// <summary>The recipients of one transaction; each target once.</summary>
sealed class Recipients
{
    readonly List<Target> _targets = new(1);
    readonly List<Accepted> _accepted = new(1);
    Dictionary<Destination, int>? _index;

    internal int Count => _accepted.Count;
    internal IReadOnlyList<Target> Targets => _targets;
    internal IReadOnlyList<Accepted> Accepted => _accepted;

    internal bool AnyLocal { get; private set; }

    /// <summary>True when an address of ours sends it on.</summary>
    internal bool AnyForwarded { get; private set; }

    /// <summary>True when it has nowhere to go that it has not been to.</summary>
    internal bool AllLooped => _targets.Count > 0 && _targets.TrueForAll(static t => t.Looped);

    /// <summary>True when some recipient's NOTIFY has SUCCESS.</summary>
    internal bool AnySuccess { get; private set; }

    internal void Add(RcptParameters rcpt, IReadOnlyList<Destination> destinations)
    {
        AnySuccess |= Notify.AsksForSuccess(rcpt.Notify);
        var notify = destinations.Count > 1 ? Notify.WithoutSuccess(rcpt.Notify) : rcpt.Notify;
        var targets = new int[destinations.Count];
        for (var i = 0; i < targets.Length; i++) targets[i] = IndexOf(destinations[i], rcpt, notify);
        _accepted.Add(new Accepted(rcpt, targets));
    }

    int IndexOf(Destination destination, RcptParameters rcpt, string? notify)
    {
        if (_index is null && _targets.Count > 0)
        {
            _index = new Dictionary<Destination, int>();
            for (var i = 0; i < _targets.Count; i++) _index.Add(_targets[i].Destination, i);
        }
        if (_index is not null && _index.TryGetValue(destination, out var there))
        {
            if (_targets[there].Notify != notify) _targets[there] = _targets[there] with { Notify = Notify.Merge(_targets[there].Notify, notify) };
            return there;
        }
        _index?.Add(destination, _targets.Count);
        _targets.Add(new Target(destination, rcpt, notify));
        AnyLocal |= destination is Destination.Local;
        AnyForwarded |= destination is Destination.Foreign { ForwardedBy: not null };
        return _targets.Count - 1;
    }

    /// <summary>
    /// RFC 5321 §6.3: what an address of ours has sent on before (its Delivered-To is there) is not sent on again. An account
    /// keeps it; what an alias has sent on is done with.
    /// </summary>
    internal void EndLoops(IReadOnlyList<string> deliveredTo, AccountDirectory accounts)
    {
        for (var i = 0; i < _targets.Count; i++)
        {
            if (_targets[i].Destination is not Destination.Foreign { ForwardedBy: { } by }) continue;
            if (!deliveredTo.Any(text => EmailAddress.TryParse(text) is { } address && address.Equals(by))) continue;
            var mailbox = accounts.ByLogin(by.ToString());
            _targets[i] = mailbox is { Enabled: true } ? _targets[i] with { Destination = new Destination.Local(mailbox.Id, by, null) } : _targets[i] with { Looped = true };
            AnyLocal |= mailbox is not null;
        }
    }
}
