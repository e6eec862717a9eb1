using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Chaos;

/// <summary>An ext4 of its own on a loop device. Unmounts and removes itself.</summary>
sealed class LoopDisk : IAsyncDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("posthorn-disk-").FullName;
    bool _mounted;

    LoopDisk() { }

    /// <summary>Where it is mounted.</summary>
    public string Path => System.IO.Path.Combine(_directory, "mnt");

    string Image => System.IO.Path.Combine(_directory, "image");

    public long Free => new DriveInfo(Path).AvailableFreeSpace;

    /// <summary>Makes one, or skips the test with the reason why it cannot be had here.</summary>
    public static async Task<LoopDisk> CreateAsync(int megabytes, CancellationToken ct)
    {
        Assert.SkipUnless(Native.IsRoot, "mounting a file system needs root");
        Assert.SkipWhen(Tool.Missing("mkfs.ext4", "mount", "umount", "fallocate") is not null, Tool.Missing("mkfs.ext4", "mount", "umount", "fallocate") ?? "");
        var disk = new LoopDisk();
        try
        {
            Directory.CreateDirectory(disk.Path);
            await using (var image = File.Create(disk.Image)) image.SetLength(megabytes * 1048576L);
            var made = await Tool.RunAsync("mkfs.ext4", ["-q", "-F", "-m", "0", disk.Image], ct);
            Assert.SkipUnless(made.ExitCode == 0, "mkfs.ext4 failed: " + made.Errors);
            Assert.SkipUnless(await disk.MountAsync(ct) is var mounted && mounted.ExitCode == 0, "no loop device can be mounted: " + mounted.Errors);
            return disk;
        }
        catch
        {
            await disk.DisposeAsync();
            throw;
        }
    }

    public async Task<ToolResult> MountAsync(CancellationToken ct)
    {
        var result = await Tool.RunAsync("mount", ["-o", "loop,errors=remount-ro", Image, Path], ct);
        _mounted = result.ExitCode == 0;
        return result;
    }

    /// <summary>What the disk held at the moment of the cut is all that is left. Every process using it must have ended.</summary>
    public async Task RemountAsync(CancellationToken ct)
    {
        var away = await UnmountAsync();
        Assert.True(away.ExitCode == 0, away.Told);
        var back = await MountAsync(ct);
        Assert.True(back.ExitCode == 0, back.Told);
    }

    /// <summary>Makes the file system find itself damaged and turn read-only; false where this kernel has no such switch.</summary>
    public bool TurnReadOnly()
    {
        var device = File.ReadLines("/proc/mounts").Select(l => l.Split(' ')).Where(w => w[1] == Path).Select(w => w[0]).Single();
        var trigger = $"/sys/fs/ext4/{System.IO.Path.GetFileName(device)}/trigger_fs_error";
        if (!File.Exists(trigger)) return false;
        File.WriteAllText(trigger, "1");
        return true;
    }

    /// <summary>Checks and mends it as an administrator does after such an error. Every process using it must have ended.</summary>
    public async Task RepairAsync(CancellationToken ct)
    {
        var away = await UnmountAsync();
        Assert.True(away.ExitCode == 0, away.Told);
        var check = await Tool.RunAsync("e2fsck", ["-f", "-y", Image], ct);
        Assert.True(check.ExitCode is 0 or 1, check.Told); // 1: errors corrected
        var back = await MountAsync(ct);
        Assert.True(back.ExitCode == 0, back.Told);
    }

    /// <summary>Takes space away until only so much is left; may be called again.</summary>
    public async Task FillAsync(long leave, CancellationToken ct)
    {
        for (var step = 64L << 20; step >= 4096; step /= 2)
            while (Free - leave >= step && (await Tool.RunAsync("fallocate", ["-l", $"{step}", System.IO.Path.Combine(Path, $"filler-{Guid.NewGuid():N}")], ct)).ExitCode == 0) { }
        // What is reserved or half allocated goes to small writes.
        if (leave > 0) return;
        try
        {
            await using var last = File.Create(System.IO.Path.Combine(Path, "filler-last"));
            while (true)
            {
                last.Write(new byte[4096]);
                last.Flush();
                Native.Fsync(last.SafeFileHandle);
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    /// <summary>Gives the space back.</summary>
    public void Empty()
    {
        foreach (var filler in Directory.GetFiles(Path, "filler-*")) File.Delete(filler);
    }

    async Task<ToolResult> UnmountAsync()
    {
        ToolResult result;
        var tries = 0;
        do
        {
            result = await Tool.RunAsync("umount", [Path], CancellationToken.None);
            if (result.ExitCode == 0) _mounted = false;
            else await Task.Delay(200);
        }
        while (result.ExitCode != 0 && ++tries < 20);
        return result;
    }

    public async ValueTask DisposeAsync()
    {
        if (_mounted && (await UnmountAsync()).ExitCode != 0) await Tool.RunAsync("umount", ["-l", Path], CancellationToken.None);
        Directory.Delete(_directory, recursive: true);
    }
}
