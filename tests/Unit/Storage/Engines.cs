using Xunit;

namespace Posthorn.Tests.Unit.Storage;

public sealed class DirectoryOnSqlite : DirectorySuite
{
    private protected override Task<StoreRig> OpenAsync(long packSize) => StoreRig.OpenAsync(null, packSize);
}

public sealed class DirectoryOnPostgres(PostgresCluster cluster) : DirectorySuite
{
    private protected override async Task<StoreRig> OpenAsync(long packSize) => await StoreRig.OpenAsync(await cluster.NewDatabaseAsync(), packSize);
}

public sealed class MessagesOnSqlite : MessageSuite
{
    private protected override Task<StoreRig> OpenAsync(long packSize) => StoreRig.OpenAsync(null, packSize);
}

public sealed class MessagesOnPostgres(PostgresCluster cluster) : MessageSuite
{
    private protected override async Task<StoreRig> OpenAsync(long packSize) => await StoreRig.OpenAsync(await cluster.NewDatabaseAsync(), packSize);
}

public sealed class PlacesOnSqlite : PlaceSuite
{
    private protected override Task<StoreRig> OpenAsync(long packSize) => StoreRig.OpenAsync(null, packSize);
}

public sealed class PlacesOnPostgres(PostgresCluster cluster) : PlaceSuite
{
    private protected override async Task<StoreRig> OpenAsync(long packSize) => await StoreRig.OpenAsync(await cluster.NewDatabaseAsync(), packSize);
}

public sealed class SharingOnSqlite : SharingSuite
{
    private protected override Task<StoreRig> OpenAsync(long packSize) => StoreRig.OpenAsync(null, packSize);
}

public sealed class SharingOnPostgres(PostgresCluster cluster) : SharingSuite
{
    private protected override async Task<StoreRig> OpenAsync(long packSize) => await StoreRig.OpenAsync(await cluster.NewDatabaseAsync(), packSize);
}

public sealed class ChangeCounterOnSqlite : ChangeCounterSuite
{
    private protected override int Operations => 1500;
    private protected override Task<StoreRig> OpenAsync(long packSize) => StoreRig.OpenAsync(null, packSize);
}

public sealed class ChangeCounterOnPostgres(PostgresCluster cluster) : ChangeCounterSuite
{
    private protected override int Operations => 250;
    private protected override async Task<StoreRig> OpenAsync(long packSize) => await StoreRig.OpenAsync(await cluster.NewDatabaseAsync(), packSize);
}

public sealed class QueueOnSqlite : QueueSuite
{
    private protected override Task<StoreRig> OpenAsync(long packSize) => StoreRig.OpenAsync(null, packSize);
}

public sealed class QueueOnPostgres(PostgresCluster cluster) : QueueSuite
{
    private protected override async Task<StoreRig> OpenAsync(long packSize) => await StoreRig.OpenAsync(await cluster.NewDatabaseAsync(), packSize);
}

public sealed class ThreadsOnSqlite : ThreadSuite
{
    private protected override Task<StoreRig> OpenAsync(long packSize) => StoreRig.OpenAsync(null, packSize);
}

public sealed class ThreadsOnPostgres(PostgresCluster cluster) : ThreadSuite
{
    private protected override async Task<StoreRig> OpenAsync(long packSize) => await StoreRig.OpenAsync(await cluster.NewDatabaseAsync(), packSize);
}
