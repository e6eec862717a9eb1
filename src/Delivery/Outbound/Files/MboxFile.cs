using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Outbound.Files;

/// <summary>
/// Appends to an mbox file (RFC 4155) under the locks that local readers take: a file "name.lock" beside it and fcntl(2).
/// Either the whole message is there and synced, or the file is as it was.
/// </summary>
sealed class MboxFile(string path, TimeProvider time)
{
    /// <summary>How long a reader that holds a lock is waited for.</summary>
    static readonly TimeSpan MostWait = TimeSpan.FromSeconds(30);
    static readonly TimeSpan Step = TimeSpan.FromMilliseconds(250);

    /// <summary>A lock file that is older was left behind by somebody who died.</summary>
    static readonly TimeSpan Stale = TimeSpan.FromMinutes(5);

    /// <param name="user">The system user whose file it is when it has to be made; null when the path names none.</param>
    internal async Task AppendAsync(string? user, string reversePath, EmailAddress recipient, MessageText text, CancellationToken ct)
    {
        var start = time.GetTimestamp();
        var dotLock = await LockBesideAsync(start, ct).ConfigureAwait(false);
        try
        {
            using var file = Open(user);
            while (!FileCalls.TryLock(file)) await WaitAsync(start, ct).ConfigureAwait(false);
            Append(file, reversePath, recipient, text);
        }
        finally
        {
            if (dotLock is not null) File.Delete(dotLock);
        }
    }

    /// <summary>The path of the lock file that was made; null where this user may not make files beside the mailbox (fcntl is left).</summary>
    async Task<string?> LockBesideAsync(long start, CancellationToken ct)
    {
        var beside = path + ".lock";
        while (true)
        {
            using var made = FileCalls.OpenFile(beside, create: true, exclusive: true, 0x180, out var error);
            if (made is not null) return beside;
            if (error is FileCalls.EACCES or FileCalls.EPERM or FileCalls.EROFS) return null;
            if (error != FileCalls.EEXIST) throw FileTrouble.Of(error, beside);
            if (time.GetUtcNow() - File.GetLastWriteTimeUtc(beside) > Stale) File.Delete(beside);
            else await WaitAsync(start, ct).ConfigureAwait(false);
        }
    }

    async Task WaitAsync(long start, CancellationToken ct)
    {
        if (time.GetElapsedTime(start) >= MostWait) throw new FileTrouble("2.0", $"{path} is locked by somebody else");
        await Task.Delay(Step, time, ct).ConfigureAwait(false);
    }

    SafeFileHandle Open(string? user)
    {
        var file = FileCalls.OpenFile(path, create: false, exclusive: false, 0, out var error);
        if (file is null && error != FileCalls.ENOENT) throw FileTrouble.Of(error, path);
        if (file is null) return Make(user);
        var owner = user is null ? null : FileCalls.FindUser(user, out _);
        if (FileCalls.Facts(file) is { IsRegular: true, Links: 1 } facts && (owner is null || facts.Owner == owner.Value.User || facts.Owner == FileCalls.OwnUser)) return file;
        file.Dispose();
        throw new FileTrouble("2.0", $"{path} is not a plain file of its user");
    }

    SafeFileHandle Make(string? user)
    {
        var owner = default((uint, uint)?);
        if (user is not null)
        {
            owner = FileCalls.FindUser(user, out var unknown);
            if (unknown != 0) throw FileTrouble.Of(unknown, user);
            if (owner is null) throw new FileTrouble("1.1", $"there is no user {user} on this machine") { Final = true };
        }
        var file = FileCalls.OpenFile(path, create: true, exclusive: true, 0x180, out var error) ?? throw FileTrouble.Of(error, path);
        try
        {
            if (owner is not null && !FileCalls.Give(file, owner.Value)) throw new FileTrouble("3.0", $"{path} cannot be given to {user}");
            // Where we are not root the file stays ours: readers come to it by the group of the directory.
            if (!FileCalls.IsRoot) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite);
            if (FileCalls.SyncDirectory(Path.GetDirectoryName(path)!) is var sync && sync != 0) throw FileTrouble.Of(sync, path);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    void Append(SafeFileHandle file, string reversePath, EmailAddress recipient, MessageText text)
    {
        var before = RandomAccess.GetLength(file);
        try
        {
            using (var lines = new LocalLines(file, before, quoteFrom: true))
            {
                lines.Write(Separation(file, before));
                lines.Write($"From {Sender(reversePath)} {time.GetUtcNow().UtcDateTime.ToString("ddd MMM d HH:mm:ss yyyy", CultureInfo.InvariantCulture)}\n");
                lines.Write($"Return-Path: <{reversePath}>\nDelivered-To: {recipient}\n");
                using var message = text.OpenRead();
                lines.Write(message);
                lines.Write("\n");
                lines.Flush();
            }
            if (FileCalls.Sync(file) is var error && error != 0) throw FileTrouble.Of(error, path);
        }
        catch
        {
            // Half a message would be taken for a whole one, and the next would begin in the middle of it.
            RandomAccess.SetLength(file, before);
            throw;
        }
    }

    /// <summary>What is missing so that the file ends with an empty line.</summary>
    static string Separation(SafeFileHandle file, long length)
    {
        if (length == 0) return "";
        Span<byte> tail = stackalloc byte[2];
        var n = RandomAccess.Read(file, tail, Math.Max(0, length - 2));
        return tail[..n].SequenceEqual("\n\n"u8) || length == 1 && tail[0] == '\n' ? "" : tail[n - 1] == '\n' ? "\n" : "\n\n";
    }

    /// <summary>The separator is split at spaces by its readers.</summary>
    static string Sender(string reversePath) => reversePath.Length == 0 ? "MAILER-DAEMON" : reversePath.Replace(' ', '_');
}
