using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

public sealed class ThreadIdTests
{
    static string Thread(string line) => line[(line.IndexOf("THREADID ", StringComparison.Ordinal) + 9)..^1];

    [Fact]
    public async Task Messages_of_one_thread_have_one_id_in_all_mailboxes_and_are_found_by_it()
    {
        await using var room = await MailRoom.OpenAsync();
        await room.Store.WriteAsync(unit => unit.Mailboxes.Create(room.User, "Other"));
        await using var client = await room.LoginAsync();
        foreach (var message in new[]
        {
            "Message-ID: <1@x>\r\nSubject: plan\r\n\r\n", "Message-ID: <2@x>\r\nSubject: else\r\n\r\n",
            "Message-ID: <3@x>\r\nReferences: <1@x>\r\nSubject: Re: plan\r\n\r\n", "Subject: plan\r\n\r\n",
        })
            (await client.AppendAsync("INBOX", message)).ShouldStartWith("OK");
        await client.AskAsync("COPY 3 Other");
        var threads = (await client.ListAsync("FETCH 1:* THREADID")).Where(static l => l.Contains("THREADID", StringComparison.Ordinal)).Select(Thread).ToList();
        threads.Count.ShouldBe(4);
        threads[0].ShouldMatch(@"^\(T\d+\)$");
        threads[2].ShouldBe(threads[0]);
        threads.Distinct().Count().ShouldBe(3);
        var id = threads[0][1..^1];
        (await client.ListAsync($"SEARCH THREADID {id}"))[0].ShouldBe("* SEARCH 1 3");
        (await client.ListAsync("SEARCH THREADID T1"))[0].ShouldBe("* SEARCH");
        (await client.ListAsync("SEARCH THREADID nonsense"))[0].ShouldBe("* SEARCH");
        await client.AskAsync("STORE 1 +FLAGS (\\Deleted)");
        await client.AskAsync("EXPUNGE");
        (await client.AskAsync("SELECT Other")).ShouldStartWith("OK");
        client.Untagged.Clear();
        Thread((await client.ListAsync("FETCH 1 THREADID"))[0]).ShouldBe(threads[0]); // it outlives its first message
        // Mail that came before there were threads has none until it was gone through.
        await room.Store.WriteAsync(unit => { unit.Session.RunScript("UPDATE accounts SET thread_next = id * 1099511627776, thread_end = (id + 1) * 1099511627776"); return 0; });
        Thread((await client.ListAsync("FETCH 1 THREADID"))[0]).ShouldBe("NIL");
        (await client.ListAsync($"SEARCH THREADID {id}"))[0].ShouldBe("* SEARCH");
    }
}
