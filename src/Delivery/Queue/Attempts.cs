using Microsoft.Extensions.Logging;
using Posthorn.Delivery.Outbound;
using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Queue;

/// <summary>One attempt at a parcel, and what is to be done with each of its recipients after it.</summary>
sealed class Attempts(IDeliveryAgent agent, DeliveryJournal journal, RetrySchedule schedule, TimeProvider time, ILogger log)
{
    /// <summary>Null when it was cut before it came to a result.</summary>
    internal async ValueTask<DeliveryReport?> DeliverAsync(Parcel parcel, CancellationToken cut)
    {
        var job = new DeliveryJob(parcel.Message!, parcel.Leased, parcel.Route, parcel.Lane.Key, journal);
        try
        {
            return await agent.DeliverAsync(job, cut).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cut.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception e)
        {
            QueueLog.DeliveryFault(log, e, job.Message.Trace.ToString());
            return new DeliveryReport([], DestinationHealth.Busy);
        }
    }

    /// <summary>The words of the first result that is not a success.</summary>
    internal static string? Trouble(DeliveryReport report)
    {
        foreach (var result in report.Results)
            if (result.Status != AttemptStatus.Delivered) return result.Reply;
        return null;
    }

    /// <summary>One verdict for each recipient, whatever the report holds.</summary>
    internal List<Verdict> Judge(Parcel parcel, DeliveryReport report, bool cut)
    {
        var verdicts = new List<Verdict>(parcel.Leased.Count);
        var now = time.GetUtcNow();
        foreach (var recipient in parcel.Leased)
        {
            var result = Find(report, recipient) ?? Deferred(recipient, "4.3.0", "the delivery ended with a fault of this server");
            // The process ends: no fault of the peer's, and no attempt.
            if (cut && result.Status == AttemptStatus.Deferred && !journal.MayHave(recipient)) verdicts.Add(GivenBack(result));
            else verdicts.Add(Verdict.Of(result, parcel.Message!, parcel.Route, schedule, now));
        }
        return verdicts;
    }

    /// <summary>The verdicts on those that were not dialled, or cut.</summary>
    internal List<Verdict> NotMade(Parcel parcel)
    {
        var verdicts = new List<Verdict>(parcel.Leased.Count);
        var now = time.GetUtcNow();
        foreach (var recipient in parcel.Leased) verdicts.Add(NotMade(parcel, recipient, now));
        return verdicts;
    }

    Verdict NotMade(Parcel parcel, LeasedRecipient recipient, DateTimeOffset now)
    {
        if (parcel.Lane.Holds)
            return new Verdict(Deferred(recipient, "4.3.0", "held by the route " + parcel.Route.Name), VerdictKind.Held, default, false, false);
        if (parcel.Unsent is not null)
            return Verdict.Of(Deferred(recipient, "4.4.1", "not tried now, others could not be delivered there: " + parcel.Unsent), parcel.Message!, parcel.Route, schedule, now);
        var cut = Deferred(recipient, "4.3.2", Recovery.AnswerUnseen);
        return journal.MayHave(recipient)
            ? Verdict.Of(cut with { NotBefore = Recovery.AfterDot }, parcel.Message!, parcel.Route, schedule, now)
            : GivenBack(cut);
    }

    static Verdict GivenBack(RecipientResult result) => new(result, VerdictKind.GivenBack, default, false, false);

    static RecipientResult Deferred(LeasedRecipient recipient, string enhanced, string words) =>
        new(recipient, AttemptStatus.Deferred, enhanced, words, FromPeer: false, Relay: null, Tls: null);

    static RecipientResult? Find(DeliveryReport report, LeasedRecipient recipient)
    {
        foreach (var result in report.Results)
            if (result.Recipient.Id == recipient.Id) return result;
        return null;
    }
}
