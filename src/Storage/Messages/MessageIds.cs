namespace Posthorn.Storage.Messages;

/// <summary>
/// A message's id: the account in the upper bits, the change number of its arrival below. So a message lies beside the
/// others of its account, needs no look-up to know whose it is, and its id is never given twice.
/// </summary>
static class MessageIds
{
    const int NumberBits = 40;

    internal static long Make(long accountId, long number) => accountId << NumberBits | number;
    internal static long AccountOf(long messageId) => messageId >> NumberBits;

    /// <summary>The change number of the message's arrival.</summary>
    internal static long NumberOf(long messageId) => messageId & ((1L << NumberBits) - 1);

    /// <summary>The lowest id of an account; the next account's is the bound above.</summary>
    internal static long First(long accountId) => accountId << NumberBits;
}
