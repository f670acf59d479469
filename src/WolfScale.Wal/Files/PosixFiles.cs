using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace WolfScale.Wal.Files;

/// <summary>The real file layer: libc with every result checked.</summary>
internal sealed class PosixFiles : IWalFiles
{
    public void CreateDirectory(string path)
    {
        if (Directory.Exists(path))
            return;
        DirectoryInfo created = Directory.CreateDirectory(path);
        if (created.Parent is { } parent)
            Posix.FsyncDirectory(parent.FullName);
    }

    public IReadOnlyList<string> List(string directory) => [.. Directory.EnumerateFiles(directory).Select(path => Path.GetFileName(path))];

    public IWalFile Open(string path, bool create) => new PosixFile(path, create);

    public void Rename(string from, string to)
    {
        while (NativeMethods.Rename(from, to) != 0)
            Posix.ThrowUnlessInterrupted("rename", from);
    }

    public void Delete(string path)
    {
        while (NativeMethods.Unlink(path) != 0)
        {
            if (Marshal.GetLastPInvokeError() == NativeMethods.NoEntry)
                return;
            Posix.ThrowUnlessInterrupted("unlink", path);
        }
    }

    public void SyncDirectory(string path) => Posix.FsyncDirectory(path);

    public IDisposable? TryLock(string path)
    {
        SafeFileHandle file = Posix.Open(path, NativeMethods.OpenReadWrite | NativeMethods.OpenCreate);
        try
        {
            // flock belongs to this opening of the file, so it also keeps out a second log in this process, and dies with the process.
            while (NativeMethods.Lock(file, NativeMethods.LockExclusive | NativeMethods.LockNoWait) != 0)
            {
                if (Marshal.GetLastPInvokeError() == NativeMethods.WouldBlock)
                {
                    file.Dispose();
                    return null;
                }

                Posix.ThrowUnlessInterrupted("flock", path);
            }

            return new HeldLock(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Gives it up by word, and not by closing alone: a child that is being started has a copy of every descriptor until it executes its program, and with a copy the lock lives on. Who opens the log again at once would find
    /// it taken.
    /// </summary>
    private sealed class HeldLock(SafeFileHandle file) : IDisposable
    {
        public void Dispose()
        {
            if (!file.IsClosed)
                _ = NativeMethods.Lock(file, NativeMethods.LockRelease);
            file.Dispose();
        }
    }

    private sealed class PosixFile(string path, bool create) : IWalFile
    {
        private readonly SafeFileHandle _handle = Posix.Open(
            path, NativeMethods.OpenReadWrite | (create ? NativeMethods.OpenCreate | NativeMethods.OpenExclusive : 0));

        public string Path => path;

        public long Length => RandomAccess.GetLength(_handle);

        public int Read(Span<byte> buffer, long offset) => Posix.Read(_handle, buffer, offset, path);

        public void Write(ReadOnlySpan<byte> data, long offset) => Posix.Write(_handle, data, offset, path);

        public void SetLength(long length) => Posix.Truncate(_handle, length, path);

        public void SyncData() => Posix.Fdatasync(_handle, path);

        public void Sync() => Posix.Fsync(_handle, path);

        public void Dispose() => _handle.Dispose();
    }
}
