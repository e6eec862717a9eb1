using System.ComponentModel;

namespace Posthorn.Delivery.Outbound.Files;

/// <summary>A mailbox file does not take a message.</summary>
/// <param name="detail">Subject and detail of the enhanced code (RFC 3463).</param>
sealed class FileTrouble(string detail, string message) : Exception(message)
{
    internal string Detail => detail;

    /// <summary>It will not be otherwise tomorrow.</summary>
    internal bool Final { get; init; }

    internal static FileTrouble Of(int error, string path) =>
        new(error is FileCalls.ENOSPC or FileCalls.EDQUOT ? "3.1" : "3.0", error switch
        {
            FileCalls.ENOENT or FileCalls.ENOTDIR => $"the directory of {path} is not there",
            FileCalls.ELOOP => $"{path} is a symbolic link",
            _ => $"{path}: {new Win32Exception(error).Message}",
        });
}
