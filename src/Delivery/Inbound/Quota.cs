using Posthorn.Storage.Directory;

namespace Posthorn.Delivery.Inbound;

static class Quota
{
    /// <summary>True when the account is full, or would be over its quota with this many octets more.</summary>
    internal static bool IsOver(AccountRow account, long size) => account.Quota > 0 && (account.Used >= account.Quota || size > account.Quota - account.Used);
}
