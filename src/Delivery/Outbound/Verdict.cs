using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Outbound;

/// <summary>What holds for every recipient of a job that has no result of its own yet.</summary>
/// <param name="Detail">Subject and detail of the enhanced code (RFC 3463), "4.1"; the class is that of the status.</param>
/// <param name="FinalWhenRepeated">Deferred the first time, failed when it was so at an attempt before (<see cref="Repeats"/>): one answer of a name server or of a mail server that is being set up proves nothing.</param>
sealed record Verdict(AttemptStatus Status, string Detail, string Text, DestinationHealth Health, bool FinalWhenRepeated = false)
{
    /// <summary>The text is what the peer at <see cref="Relay"/> said.</summary>
    internal bool FromPeer { get; init; }
    internal string? Relay { get; init; }
    internal string? Tls { get; init; }

    /// <summary>The same verdict in the light of what the destination said before.</summary>
    internal Verdict Heard(Repeats before, string destination) => FinalWhenRepeated ? this with { FinalWhenRepeated = before.Hear(destination) } : this;

    internal RecipientResult For(LeasedRecipient recipient)
    {
        var status = FinalWhenRepeated && recipient.Attempts >= 2 ? AttemptStatus.Failed : Status;
        return new(recipient, status, ReplyWords.Class(status) + Detail, Text, FromPeer, Relay, Tls);
    }
}
