using WolfScale.Wal;
using WolfScale.Wal.Files;

namespace WolfScale.Integration.Cluster;

/// <summary>A disk that fails when told to.</summary>
internal sealed class FaultyDisk : IWalFiles
{
    /// <summary>The log's own layer, which is nobody else's business but this test's.</summary>
    private readonly IWalFiles _real =
        (IWalFiles)Activator.CreateInstance(typeof(WriteAheadLog).Assembly.GetType("WolfScale.Wal.Files.PosixFiles", throwOnError: true)!)!;

    /// <summary>errno of every sync from now on; 0 for none.</summary>
    public volatile int SyncError;

    /// <summary>Every sync of a file's data waits for it; null for none.</summary>
    public volatile ManualResetEventSlim? Stall;

    /// <summary>Syncs that wait.</summary>
    public int Stalled;

    /// <summary>errno of every write from now on; 0 for none.</summary>
    public volatile int WriteError;

    public void CreateDirectory(string path) => _real.CreateDirectory(path);

    public IReadOnlyList<string> List(string directory) => _real.List(directory);

    public IWalFile Open(string path, bool create) => new File(this, _real.Open(path, create));

    public void Rename(string from, string to) => _real.Rename(from, to);

    public void Delete(string path) => _real.Delete(path);

    public void SyncDirectory(string path) => _real.SyncDirectory(path);

    public IDisposable? TryLock(string path) => _real.TryLock(path);

    private static void Fail(string call, string path, int error)
    {
        if (error != 0)
            throw new PosixException(call, path, error, "made up by the test");
    }

    private sealed class File(FaultyDisk disk, IWalFile real) : IWalFile
    {
        public string Path => real.Path;

        public long Length => real.Length;

        public int Read(Span<byte> buffer, long offset) => real.Read(buffer, offset);

        public void Write(ReadOnlySpan<byte> data, long offset)
        {
            Fail("pwrite", Path, disk.WriteError);
            real.Write(data, offset);
        }

        public void SetLength(long length) => real.SetLength(length);

        public void SyncData()
        {
            Fail("fdatasync", Path, disk.SyncError);
            if (disk.Stall is { } stall)
            {
                _ = Interlocked.Increment(ref disk.Stalled);
                stall.Wait();
            }

            real.SyncData();
        }

        public void Sync()
        {
            Fail("fsync", Path, disk.SyncError);
            real.Sync();
        }

        public void Dispose() => real.Dispose();
    }
}
