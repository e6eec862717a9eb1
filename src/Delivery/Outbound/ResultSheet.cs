using Posthorn.Storage.Queue;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Outbound;

/// <summary>The results of a job as they come in: one for each recipient, each written once.</summary>
sealed class ResultSheet
{
    readonly RecipientResult?[] _results;
    readonly List<int> _open;
    DestinationHealth? _health;

    internal ResultSheet(DeliveryJob job)
    {
        Job = job;
        Id = job.Message.Trace.ToString();
        _results = new RecipientResult?[job.Recipients.Count];
        Addresses = new EmailAddress?[job.Recipients.Count];
        _open = new List<int>(job.Recipients.Count);
        for (var i = 0; i < job.Recipients.Count; i++)
        {
            Addresses[i] = EmailAddress.TryParse(job.Recipients[i].Address);
            if (Addresses[i] is null) _results[i] = new(job.Recipients[i], AttemptStatus.Failed, "5.1.3", "not an address that can be written in SMTP", false, null, null);
            else _open.Add(i);
        }
    }

    internal DeliveryJob Job { get; }

    /// <summary>The story id, for logs.</summary>
    internal string Id { get; }

    /// <summary>The recipients' addresses by index; null for those that are none.</summary>
    internal EmailAddress?[] Addresses { get; }

    /// <summary>Recipients without a result, by index.</summary>
    internal IReadOnlyList<int> Open => _open;

    internal void Set(int index, RecipientResult result)
    {
        _results[index] = result;
        _open.Remove(index);
    }

    /// <summary>The worst that was seen counts.</summary>
    internal void Note(DestinationHealth health) => _health = _health > health ? _health : health;

    /// <summary>Gives all who are left the same result.</summary>
    internal void Finish(Verdict verdict)
    {
        if (_open.Count > 0) Note(verdict.Health);
        foreach (var i in _open) _results[i] = verdict.For(Job.Recipients[i]);
        _open.Clear();
    }

    internal DeliveryReport Report() => new(_results!, _health ?? DestinationHealth.Good);
}
