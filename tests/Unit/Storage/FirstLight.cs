using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

public class FirstLight
{
    [Fact]
    public async Task Delivers_and_reads()
    {
        var dir = Path.Combine(Path.GetTempPath(), "posthorn-" + Guid.NewGuid().ToString("N"));
        await using (var store = await MailStore.OpenAsync(new StoreOptions { Directory = dir }, TimeProvider.System, NullLogger.Instance))
        {
            var (account, inbox) = await store.WriteAsync(u =>
            {
                var d = u.Directory.AddDomain("example.test", null);
                var a = u.Directory.AddAccount(d.Id, "alice", "", null, 0, "en");
                return (a, u.Mailboxes.Find(a.Id, "inbox")!);
            });
            await using var blob = store.NewBlob();
            blob.Write("Subject: hi\r\n\r\nbody\r\n"u8);
            await blob.SealAsync();
            var filed = await store.WriteAsync(u => u.Mailboxes.Deliver(account.Id, inbox.Id, new NewMessage(u.Store(blob), "X: y\r\n"u8.ToArray(), [], DateTimeOffset.UnixEpoch, store.NewTraceId())));
            filed.Uid.ShouldBe(1u);
            var message = store.Read(u => u.Mailboxes.Load(account.Id, [u.Mailboxes.Maildrop(account.Id, inbox.Id)[0].MessageId]))[0];
            using var body = store.ReadBlob(message.Blob);
            body.Memory.ToArray().ShouldBe("Subject: hi\r\n\r\nbody\r\n"u8.ToArray());
        }
        Directory.Delete(dir, true);
    }
}
