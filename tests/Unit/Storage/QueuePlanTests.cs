using Posthorn.Storage.Queue;
using Posthorn.Storage.Sql;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

/// <summary>What is asked all the time is asked of an index, without sorting, however long the queue is.</summary>
public class QueuePlanTests
{
    [Fact]
    public async Task The_schedulers_questions_are_index_scans()
    {
        await using var rig = await StoreRig.OpenAsync();
        foreach (var (query, index) in new (SqlText, string)[]
        {
            (QueueTables.WaitingFresh, "SEARCH r USING INDEX queue_recipients_fresh"),
            (QueueTables.WaitingTried, "SEARCH r USING INDEX queue_recipients_tried"),
            (QueueTables.DomainFresh, "SEARCH r USING INDEX queue_recipients_domain_fresh"),
            (QueueTables.DomainTried, "SEARCH r USING INDEX queue_recipients_domain_tried"),
            (QueueTables.NextDueTime, "SEARCH queue_recipients USING INDEX queue_recipients_tried (due>? AND due<?)"),
            (QueueTables.WithoutOwner, "SCAN r USING INDEX queue_recipients_leased"),
            (QueueTables.FinishedMessages, "SEARCH m USING COVERING INDEX queue_messages_finished"),
            (QueueSelection.FreshOfDomain, "SEARCH r USING INDEX queue_recipients_domain_fresh"),
            (QueueSelection.TriedOfDomain, "SEARCH r USING INDEX queue_recipients_domain_tried"),
            (QueueSelection.Leased, "r USING INDEX queue_recipients_leased"),
            (QueueSelection.Held, "r USING INDEX queue_recipients_held"),
            (QueueSelection.One, "SEARCH r USING INTEGER PRIMARY KEY"),
            (QueueSelection.OfTrace, "SEARCH m USING INDEX queue_messages_trace"),
            (QueueSelection.SomeOfSender, "SEARCH m USING INDEX queue_messages_sender"),
            (QueueSelection.OfSender, "SEARCH m USING INDEX queue_messages_sender"),
        })
        {
            var plan = Plan(rig, query);
            plan.ShouldContain(p => p.Contains(index), string.Join("\n", plan) + "\n" + query.Text);
            if (query != QueueSelection.OfTrace && query != QueueSelection.OfSender)
                plan.ShouldNotContain(p => p.Contains("TEMP B-TREE"), query.Text);
        }
    }

    static List<string> Plan(StoreRig rig, SqlText query)
    {
#pragma warning disable CA1857 // the text of a constant
        var explain = new SqlText("EXPLAIN QUERY PLAN " + query.Text);
#pragma warning restore CA1857
        return rig.Store.Read(u => u.Session.Use(explain).All(static r => r.Text(3)));
    }
}
