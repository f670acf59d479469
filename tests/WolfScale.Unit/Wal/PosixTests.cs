using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using WolfScale.Wal;

namespace WolfScale.Unit.Wal;

/// <summary>System calls whose errors are not hidden.</summary>
public sealed class PosixTests : IDisposable
{
    private readonly TempFolder _folder = new("posix");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_small_file_is_replaced_whole()
    {
        string path = Path.Combine(_folder.Path, "term");
        Posix.ReplaceFile(path, "one"u8);
        Posix.ReplaceFile(path, "two"u8);
        Assert.Equal("two", File.ReadAllText(path));
        Assert.Equal(["term"], Directory.EnumerateFiles(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void What_is_written_can_be_read_and_synced_and_cut()
    {
        string path = Path.Combine(_folder.Path, "file");
        using SafeFileHandle file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite);
        Posix.Write(file, "hello world"u8, 3, path);
        Posix.Fdatasync(file, path);
        Posix.Fsync(file, path);
        Posix.Truncate(file, 8, path);
        byte[] buffer = new byte[20];
        Assert.Equal(8, Posix.Read(file, buffer, 0, path));
        Assert.Equal("\0\0\0hello", System.Text.Encoding.ASCII.GetString(buffer, 0, 8));
        Posix.FsyncDirectory(_folder.Path);
    }

    [Fact]
    public void A_failed_call_says_which_on_what_and_why()
    {
        PosixException missing = Assert.Throws<PosixException>(() => Posix.FsyncDirectory(Path.Combine(_folder.Path, "no such folder")));
        Assert.Equal(("open", 2), (missing.Call, missing.Error));
        Assert.Contains("no such folder", missing.Message, StringComparison.Ordinal);

        // fsync of something that cannot be synced: a pipe gives EINVAL, where .NET's own flush says nothing.
        int[] pipe = new int[2];
        Assert.Equal(0, Pipe(pipe));
        using var read = new SafeFileHandle(pipe[0], ownsHandle: true);
        using var write = new SafeFileHandle(pipe[1], ownsHandle: true);
        PosixException refused = Assert.Throws<PosixException>(() => Posix.Fdatasync(write, "a pipe"));
        Assert.Equal(("fdatasync", 22, false), (refused.Call, refused.Error, refused.IsDiskFull));
    }

    [Fact]
    public void A_full_device_is_said_to_be_full()
    {
        using SafeFileHandle full = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write);
        PosixException e = Assert.Throws<PosixException>(() => Posix.Write(full, "x"u8, 0, "/dev/full"));
        Assert.True(e.IsDiskFull);
    }

    [DllImport("libc", EntryPoint = "pipe")]
    private static extern int Pipe([Out] int[] descriptors);
}
