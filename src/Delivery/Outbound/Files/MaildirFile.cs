using System.Globalization;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Outbound.Files;

/// <summary>
/// Puts a message into a Maildir: written and synced under "tmp", then renamed into "new", then the directory is synced.
/// Readers see whole messages only, and no lock is needed.
/// </summary>
sealed class MaildirFile(string path, string hostname, TimeProvider time)
{
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    static int _count;

    internal void Deliver(string? user, string reversePath, EmailAddress recipient, MessageText text)
    {
        Make();
        var unique = Unique();
        var temporary = Path.Combine(path, "tmp", unique);
        using var file = FileCalls.OpenFile(temporary, create: true, exclusive: true, 0x180, out var error) ?? throw FileTrouble.Of(error, temporary);
        try
        {
            if (user is not null && FileCalls.FindUser(user, out _) is { } owner && !FileCalls.Give(file, owner)) throw new FileTrouble("3.0", $"{temporary} cannot be given to {user}");
            long size;
            using (var lines = new LocalLines(file, 0, quoteFrom: false))
            {
                lines.Write($"Return-Path: <{reversePath}>\nDelivered-To: {recipient}\n");
                using var message = text.OpenRead();
                lines.Write(message);
                lines.Flush();
                size = lines.End;
            }
            if (FileCalls.Sync(file) is var sync && sync != 0) throw FileTrouble.Of(sync, temporary);
            // The size in the name spares readers a look at each file.
            File.Move(temporary, Path.Combine(path, "new", string.Create(CultureInfo.InvariantCulture, $"{unique},S={size}")));
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
        if (FileCalls.SyncDirectory(Path.Combine(path, "new")) is var last && last != 0) throw FileTrouble.Of(last, path);
    }

    /// <summary>Makes the Maildir where only it is missing, not the directories above it.</summary>
    void Make()
    {
        if (Directory.Exists(Path.Combine(path, "new")) && Directory.Exists(Path.Combine(path, "tmp"))) return;
        var above = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(path));
        if (!Directory.Exists(above)) throw new FileTrouble("3.0", $"the directory of {path} is not there");
        foreach (var folder in (ReadOnlySpan<string>)["", "tmp", "new", "cur"]) Directory.CreateDirectory(Path.Combine(path, folder), Private);
        if (FileCalls.SyncDirectory(above) is var error && error != 0 || FileCalls.SyncDirectory(path) is var own && (error = own) != 0) throw FileTrouble.Of(error, path);
    }

    /// <summary>A name that nobody else gives, neither another process here nor another machine on the same disk.</summary>
    string Unique()
    {
        var now = time.GetUtcNow();
        return string.Create(CultureInfo.InvariantCulture,
            $"{now.ToUnixTimeSeconds()}.M{now.Ticks % TimeSpan.TicksPerSecond / 10}P{Environment.ProcessId}Q{Interlocked.Increment(ref _count)}R{Random.Shared.Next():x8}.{hostname.Replace('/', '_').Replace(':', '_')}");
    }
}
