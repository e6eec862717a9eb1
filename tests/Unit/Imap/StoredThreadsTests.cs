using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>THREAD and SORT out of what was stored when the mail came.</summary>
public class StoredThreadsTests
{
    static string Mail(string id, string references) => $"Message-ID: <{id}@x>\r\nSubject: s{id}\r\nDate: Sat, 3 Jan 2026 10:00:0{id} +0000\r\n{references}\r\ntext\r\n";

    static string Padding(int ids) => string.Concat(Enumerable.Repeat("<padding@of.some.length>\r\n ", ids));

    static async Task<MailRoom> OpenAsync()
    {
        var room = await MailRoom.OpenAsync(inMemory: true);
        await room.DeliverAsync(Mail("1", ""));
        await room.DeliverAsync(Mail("2", "References: <gone@x>\r\n <1@x>\r\n"));
        await room.DeliverAsync(Mail("3", "references: <1@x>\r\nReferences: <2@x>\r\n"));
        await room.DeliverAsync(Mail("4", "In-Reply-To: <3@x>\r\n"));
        await room.DeliverAsync(Mail("5", $"References: {Padding(1000)}<4@x>\r\n")); // too long to be stored
        return room;
    }

    [Fact]
    public async Task References_are_the_same_whether_they_were_stored_or_not()
    {
        await using var room = await OpenAsync();
        await using var client = await room.LoginAsync();
        (await client.ListAsync("THREAD REFERENCES UTF-8 ALL")).ShouldBe(["* THREAD (1 2 3 4 5)"]);
        (await client.ListAsync("THREAD REFS UTF-8 2:5")).ShouldBe(["* THREAD (2 3 4 5)"]);
        (await client.ListAsync("UID THREAD REFERENCES UTF-8 NOT UID 3")).ShouldBe(["* THREAD (1 2)(4 5)"]);
    }

    [Fact]
    public async Task Bodies_are_not_read()
    {
        await using var room = await OpenAsync();
        var files = Directory.GetFiles(Path.Combine(room.Directory, "blobs"), "*", SearchOption.AllDirectories);
        files.ShouldNotBeEmpty();
        foreach (var file in files)
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            stream.Write(new byte[stream.Length]);
        }
        await using var client = await room.LoginAsync();
        (await client.ListAsync("SORT (REVERSE DATE) UTF-8 1:4")).ShouldBe(["* SORT 4 3 2 1"]);
        // The last one would have to be read, and cannot.
        (await client.ListAsync("THREAD REFERENCES UTF-8 ALL")).ShouldBe(["* THREAD (1 2 3 4)"]);
    }
}
