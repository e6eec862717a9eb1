using Posthorn.Storage.Directory;

namespace Posthorn.Delivery.Inbound;

static class Quota
{
    /// <summary>True when the account is full, or would be over its quota with one message of so many octets more.</summary>
    internal static bool IsOver(AccountRow account, long size) => !account.HasRoom(Math.Max(size, 1), 1);
}
