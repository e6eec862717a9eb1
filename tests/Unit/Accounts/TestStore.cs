using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Storage;

namespace Posthorn.Tests.Unit.Accounts;

/// <summary>A real store in a directory of its own, gone at the end.</summary>
sealed class TestStore : IAsyncDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("posthorn-accounts-").FullName;

    public MailStore Store { get; private set; } = null!;

    public static async Task<TestStore> OpenAsync(TimeProvider? time = null)
    {
        var store = new TestStore();
        store.Store = await MailStore.OpenAsync(new StoreOptions { Directory = store._directory }, time ?? TimeProvider.System, NullLogger.Instance);
        return store;
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
