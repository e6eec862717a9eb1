using Posthorn.Accounts.Service;
using Posthorn.Storage.Messages;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Accounts;

public sealed class SpecialFolderTests
{
    [Fact]
    public async Task Accounts_that_are_older_than_their_folders_get_them_once()
    {
        await using var store = await TestStore.OpenAsync();
        var (anna, hans) = await store.Store.WriteAsync(unit =>
        {
            var domain = unit.Directory.AddDomain("example.test", null);
            var anna = unit.Directory.AddAccount(domain.Id, "anna", "Anna", null, 0, "en").Id;
            var hans = unit.Directory.AddAccount(domain.Id, "hans", "Hans", null, 0, "de-AT").Id;
            unit.Mailboxes.Create(hans, "entwürfe"); // a client made one, and told nobody what it is for
            unit.Mailboxes.Create(hans, "Raus", MailboxRole.Sent);
            unit.Mailboxes.Create(hans, "Papierkorb", MailboxRole.Archive);
            return (anna, hans);
        });
        List<string> Names(long account) => [.. store.Store.Read(unit => unit.Mailboxes.List(account)).Select(m => $"{m.Name} {m.Role}")];
        (await SpecialFolders.CompleteAsync(store.Store)).ShouldBe(2);
        Names(anna).ShouldBe(["Archive Archive", "Drafts Drafts", "INBOX Inbox", "Junk Junk", "Sent Sent", "Trash Trash"]);
        Names(hans).ShouldBe(["INBOX Inbox", "Papierkorb Archive", "Raus Sent", "Spam Junk", "entwürfe Drafts"]); // the name of the trash is taken
        await store.Store.WriteAsync(unit =>
        {
            unit.Mailboxes.DeleteMailbox(anna, unit.Mailboxes.Find(anna, "Junk")!.Id, "imap");
            return 0;
        });
        (await SpecialFolders.CompleteAsync(store.Store)).ShouldBe(0);
        Names(anna).ShouldNotContain("Junk Junk");
    }
}
