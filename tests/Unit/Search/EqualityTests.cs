using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Search;
using Posthorn.Tests.Unit.Imap;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Search;

/// <summary>Searches find the same with and without an index, however far it is.</summary>
public sealed class EqualityTests
{
    [Fact]
    public async Task Two_hundred_queries_of_every_key_over_five_thousand_messages_find_what_a_scan_finds()
    {
        await using var room = await MailRoom.OpenAsync();
        var corpus = new Corpus(1);
        var inbox = room.Mailbox("INBOX").Id;
        await corpus.DeliverAsync(room.Store, room.User, inbox, 4_800);
        var oracle = new ScanOracle(room.Store, room.User, inbox);
        oracle.Read();
        await using var index = SearchIndex.Open(room.Store, TimeProvider.System, NullLogger.Instance);
        room.UseIndex(index);
        await using var client = await room.LoginAsync();
        var queries = new RandomQueries(2, oracle);

        index.Status().Messages.ShouldBe(0);
        await CompareAsync(client, oracle, queries, 20); // nothing is indexed
        var due = new IndexQueue();
        due.Add(room.User);
        for (var done = 0; done < 3_600;) done += index.Step(due, 256, CancellationToken.None);
        index.Status().Waiting.ShouldBeInRange(900, 1_200);
        await CompareAsync(client, oracle, queries, 40); // half-way
        await index.CatchUpAsync();
        index.Status().Waiting.ShouldBe(0);
        await CompareAsync(client, oracle, queries, 70); // up to date
        await corpus.DeliverAsync(room.Store, room.User, inbox, 200);
        (await client.AskAsync("NOOP")).ShouldStartWith("OK");
        oracle.Read();
        index.Status().Waiting.ShouldBe(200);
        await CompareAsync(client, oracle, queries, 70); // directly after delivery
        oracle.Count.ShouldBe(5_000);
    }

    static async Task CompareAsync(ImapClient client, ScanOracle oracle, RandomQueries queries, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var query = queries.Next();
            var answer = (await client.ListAsync("SEARCH " + query)).Single(static l => l.StartsWith("* SEARCH", StringComparison.Ordinal));
            var found = answer["* SEARCH".Length..].Split(" (")[0].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse).ToList();
            found.ShouldBe(oracle.Search(RandomQueries.Parse(query), TimeProvider.System.GetUtcNow()), query);
        }
    }
}
