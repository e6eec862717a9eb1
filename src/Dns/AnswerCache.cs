namespace Posthorn.Dns;

/// <summary>A question as it is kept: the name in its one form.</summary>
readonly record struct DnsQuestion(string Name, DnsType Type);

/// <summary>
/// Answers as long as they hold. Bounded in number and in memory: the one not used for the longest time goes first. The
/// caller keeps the threads apart.
/// </summary>
sealed class AnswerCache(int maxEntries, long maxOctets)
{
    // What an entry and a record take beside their texts and data: objects, list node, place in the table.
    const int EntryCost = 320, RecordCost = 120;
    readonly Dictionary<DnsQuestion, LinkedListNode<Entry>> _entries = [];
    readonly LinkedList<Entry> _byUse = [];

    sealed record Entry(DnsQuestion Question, DnsAnswer Answer, long Until, long Cost);

    internal int Count => _entries.Count;

    /// <summary>Estimated memory in octets.</summary>
    internal long Octets { get; private set; }

    internal DnsAnswer? Find(DnsQuestion question, long now)
    {
        if (!_entries.TryGetValue(question, out var node)) return null;
        _byUse.Remove(node);
        if (node.Value.Until <= now)
        {
            Forget(node.Value);
            return null;
        }
        _byUse.AddFirst(node);
        return node.Value.Answer;
    }

    /// <param name="until">The time, in the caller's ticks, from which on it holds no more.</param>
    internal void Keep(DnsQuestion question, DnsAnswer answer, long until)
    {
        if (_entries.TryGetValue(question, out var old))
        {
            _byUse.Remove(old);
            Forget(old.Value);
        }
        var entry = new Entry(question, answer, until, Cost(question, answer));
        // One giant answer is not worth a large part of all others.
        if (entry.Cost > maxOctets / 16) return;
        _entries.Add(question, _byUse.AddFirst(entry));
        Octets += entry.Cost;
        while (_entries.Count > maxEntries || Octets > maxOctets)
        {
            var last = _byUse.Last!.Value;
            _byUse.RemoveLast();
            Forget(last);
        }
    }

    void Forget(Entry entry)
    {
        _entries.Remove(entry.Question);
        Octets -= entry.Cost;
    }

    static long Cost(DnsQuestion question, DnsAnswer answer)
    {
        var cost = EntryCost + 2L * (question.Name.Length + answer.Name.Length + (answer.Reason?.Length ?? 0));
        foreach (var record in answer.Records)
            cost += RecordCost + record switch
            {
                DnsRecord.Mx mx => 2 * mx.Exchange.Length,
                DnsRecord.Txt txt => 2 * txt.Text.Length,
                DnsRecord.Name name => 2 * name.Target.Length,
                DnsRecord.Srv srv => 2 * srv.Target.Length,
                DnsRecord.Tlsa tlsa => tlsa.Data.Length,
                _ => 0,
            };
        return cost;
    }
}
