using System.Globalization;
using Posthorn.Imap.Grammar;
using Posthorn.Storage;

namespace Posthorn.Imap.Session;

/// <summary>THREADID (RFC 8474 §5.2) of the messages of one command.</summary>
sealed class ThreadIds(MailStore store, long accountId)
{
    readonly (long From, long Below) _unknown = store.Read(unit => unit.Threads.Unknown(accountId));

    /// <summary>NIL for a message that is gone, or that came before there were threads and has not got its own yet.</summary>
    internal void Write(ResponseWriter output, long messageId)
    {
        output.Raw("THREADID "u8);
        if (messageId >= _unknown.From && messageId < _unknown.Below || store.Read(unit => unit.Threads.Of(messageId)) is not { } thread)
        {
            output.Raw("NIL"u8);
            return;
        }
        output.Raw("(T"u8);
        output.Number(thread);
        output.Raw(")"u8);
    }

    /// <summary>The messages of a thread of the account; none for an id that is not one of a thread.</summary>
    internal static HashSet<long> Messages(MailStore store, long accountId, string id)
    {
        if (id is not ['T', .. var digits] || !long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var thread)) return [];
        return store.Read(unit =>
        {
            var (from, below) = unit.Threads.Unknown(accountId);
            return unit.Threads.Messages(thread).Where(m => m < from || m >= below).ToHashSet();
        });
    }
}
