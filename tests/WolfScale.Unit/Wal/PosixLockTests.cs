using System.Globalization;
using System.Runtime.InteropServices;
using WolfScale.Wal.Files;

namespace WolfScale.Unit.Wal;

/// <summary>The lock on a log's folder.</summary>
public sealed partial class PosixLockTests : IDisposable
{
    private readonly TempFolder _folder = new("lock");
    private readonly string _path;

    public PosixLockTests() => _path = _folder.File("lock");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Two_do_not_have_it()
    {
        var files = new PosixFiles();
        using var first = files.TryLock(_path);
        Assert.NotNull(first);
        Assert.Null(files.TryLock(_path));
    }

    /// <summary>As a child process has one, between fork and exec.</summary>
    [Fact]
    public void Given_up_it_is_free_although_there_is_a_copy_of_its_descriptor()
    {
        var files = new PosixFiles();
        var first = files.TryLock(_path);
        Assert.NotNull(first);
        var descriptor = Directory.EnumerateFiles("/proc/self/fd").Single(f => new FileInfo(f).LinkTarget == _path);
        var copy = Dup(int.Parse(Path.GetFileName(descriptor), CultureInfo.InvariantCulture));
        try
        {
            Assert.True(copy >= 0);
            first.Dispose();
            using var second = files.TryLock(_path);
            Assert.NotNull(second);
        }
        finally
        {
            _ = Close(copy);
        }
    }

    [LibraryImport("libc", EntryPoint = "dup")]
    private static partial int Dup(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
