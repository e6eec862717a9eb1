using Microsoft.Extensions.Logging;

namespace Posthorn.Search;

static partial class SearchLog
{
    [LoggerMessage(9701, LogLevel.Error, "the search index is damaged and is made anew, searches read the mail itself meanwhile: {What}")]
    internal static partial void Damaged(ILogger log, string what);

    [LoggerMessage(9702, LogLevel.Warning, "mail could not be indexed for searches, it will be tried again")]
    internal static partial void Failed(ILogger log, Exception fault);

    [LoggerMessage(9703, LogLevel.Information, "the search index of account {Account} is of another state than the store and is made anew")]
    internal static partial void Ahead(ILogger log, long account);

    [LoggerMessage(9704, LogLevel.Warning, "message {MessageId} of account {Account} cannot be indexed and will be read at every search: {What}")]
    internal static partial void NotIndexed(ILogger log, long messageId, long account, string what);

    [LoggerMessage(9707, LogLevel.Error, "mail of account {Account} cannot be read to be indexed: {What}")]
    internal static partial void Unreadable(ILogger log, long account, string what);

    [LoggerMessage(9705, LogLevel.Information, "the search index is made anew")]
    internal static partial void Rebuilding(ILogger log);

    [LoggerMessage(9706, LogLevel.Information, "indexed {Messages} messages for searches in {Seconds:F1} s, none wait")]
    internal static partial void CaughtUp(ILogger log, long messages, double seconds);
}
