namespace Posthorn.Search;

/// <summary>What the index says of one search in one account: which messages may fit.</summary>
public sealed class Narrowed
{
    readonly List<long> _messages;

    internal Narrowed(long known, List<long> messages) => (Known, _messages) = (known, messages);

    /// <summary>The last message that is indexed; of those that came later nothing is said.</summary>
    internal long Known { get; }

    /// <summary>Indexed messages that may fit.</summary>
    public int Count => _messages.Count;

    /// <summary>False when the message does not fit for certain; when true its text must tell.</summary>
    public bool MayFit(long messageId) => messageId > Known || _messages.BinarySearch(messageId) >= 0;
}
