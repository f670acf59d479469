using System.Globalization;

namespace WolfScale.EndToEnd.Harness;

/// <summary>A file system of a few hundred MiB in a file of the tests' own, which can be filled and broken as a disk can. Takes root; elsewhere the test is skipped, with the reason.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private readonly TempFolder _folder = new("disk");

    private SmallDisk() => Path = System.IO.Path.Combine(_folder.Path, "mount");

    /// <summary>Where it is mounted.</summary>
    public string Path { get; }

    private string Image => System.IO.Path.Combine(_folder.Path, "image");

    private string Ballast => System.IO.Path.Combine(Path, "ballast");

    public static async Task<SmallDisk> CreateAsync(int megabytes)
    {
        var disk = new SmallDisk();
        Directory.CreateDirectory(disk.Path);
        using (var image = File.Create(disk.Image))
            image.SetLength((long)megabytes << 20);
        await RunAsync("mkfs.ext4", "-q", "-m", "0", "-F", disk.Image);
        if (await TryAsync("mount", "-o", "loop,errors=remount-ro", disk.Image, disk.Path) is { } refused)
        {
            disk._folder.Dispose();
            Assert.Skip($"File systems cannot be mounted here, which takes root and a loop device: {refused}");
        }

        return disk;
    }

    /// <summary>Takes all its space, to the last block.</summary>
    public async Task FillAsync()
    {
        await using var file = new FileStream(Ballast, FileMode.Create, FileAccess.Write);
        for (var piece = 1 << 24; piece >= 1 << 12; piece >>= 1)
        {
            try
            {
                var bytes = new byte[piece];
                while (true)
                {
                    await file.WriteAsync(bytes);
                    await file.FlushAsync();
                }
            }
            catch (IOException)
            {
                // Full, to so many bytes.
            }
        }
    }

    /// <summary>Gives the space back.</summary>
    public void MakeRoom() => File.Delete(Ballast);

    /// <summary>What the kernel does after an error of the disk: no more writes, for those too who have files open.</summary>
    public Task BreakAsync() => RunAsync("mount", "-o", "remount,abort", Path);

    /// <summary>An operator has mended it. Nobody may have files open on it.</summary>
    public async Task MendAsync()
    {
        // The kernel may still be closing the files of who has just died.
        await Poll.UntilAsync("an end of the mount", Limit, () => TryAsync("umount", Path));
        _ = await TryAsync("e2fsck", "-fy", Image);
        await RunAsync("mount", "-o", "loop,errors=remount-ro", Image, Path);
    }

    /// <summary>In this folder of it no file can be made, renamed or removed any more, or again; those that are there can be written.</summary>
    public static Task FreezeNamesAsync(string folder, bool freeze) => RunAsync("chattr", freeze ? "+i" : "-i", folder);

    public async ValueTask DisposeAsync()
    {
        _ = await TryAsync("umount", "-l", Path);
        _folder.Dispose();
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var problem = await TryAsync(program, arguments);
        Assert.True(problem is null, string.Create(CultureInfo.InvariantCulture, $"{program} {string.Join(' ', arguments)}: {problem}"));
    }

    private static async Task<string?> TryAsync(string program, params string[] arguments)
    {
        var result = await Command.RunAsync(program, arguments, Limit);
        return result.ExitCode == 0 ? null : result.ToString();
    }
}
