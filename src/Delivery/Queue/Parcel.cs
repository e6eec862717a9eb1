using Posthorn.Accounts.Routes;
using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Queue;

/// <summary>Recipients of one message at one destination: they go out together. First they wait, then they are claimed.</summary>
/// <param name="fresh">True when none of them was tried before.</param>
sealed class Parcel(Lane lane, Route route, long messageId, bool fresh)
{
    internal Lane Lane => lane;
    internal Route Route => route;
    internal long MessageId => messageId;
    internal bool Fresh => fresh;

    /// <summary>As they were taken up; empty for those that came claimed.</summary>
    internal List<WaitingRecipient> Waiting { get; } = new(1);

    /// <summary>Those of them that we hold a lease of; empty before the claim.</summary>
    internal IReadOnlyList<LeasedRecipient> Leased { get; set; } = [];

    /// <summary>Known once it is claimed.</summary>
    internal QueuedMessage? Message { get; set; }

    /// <summary>Why it is not dialled, in words for the sender; null when it is.</summary>
    internal string? Unsent { get; set; }

    /// <summary>When it got its place, since the start of the board's clock.</summary>
    internal TimeSpan Started { get; set; }

    /// <summary>Which places it takes one of.</summary>
    internal Pool Pool { get; set; }

    internal bool Ended { get; set; }
}

/// <summary>The places for deliveries.</summary>
enum Pool
{
    None,

    /// <summary>Those that <see cref="QueueOptions.Deliveries"/> counts.</summary>
    General,

    /// <summary>As many, for destinations that have taken nothing lately: new ones, and those in trouble.</summary>
    Trial,

    /// <summary>Those of deliveries that take long, so that they do not take the places of others.</summary>
    Aside,
}
