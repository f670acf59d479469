using Microsoft.Win32.SafeHandles;

namespace WolfScale.Wal.Files;

/// <summary>Files to look at: nothing can be changed through it, and reading rights are enough.</summary>
internal sealed class ReadOnlyFiles : IWalFiles
{
    public void CreateDirectory(string path) => throw ReadOnly();

    public IReadOnlyList<string> List(string directory) => [.. Directory.EnumerateFiles(directory).Select(path => Path.GetFileName(path))];

    public IWalFile Open(string path, bool create) => create ? throw ReadOnly() : new ReadOnlyFile(path);

    public void Rename(string from, string to) => throw ReadOnly();

    public void Delete(string path) => throw ReadOnly();

    public void SyncDirectory(string path) => throw ReadOnly();

    public IDisposable? TryLock(string path) => throw ReadOnly();

    private static NotSupportedException ReadOnly() => new("This log is only looked at.");

    private sealed class ReadOnlyFile(string path) : IWalFile
    {
        private readonly SafeFileHandle _handle = Posix.Open(path, NativeMethods.OpenReadOnly);

        public string Path => path;

        public long Length => RandomAccess.GetLength(_handle);

        public int Read(Span<byte> buffer, long offset) => Posix.Read(_handle, buffer, offset, path);

        public void Write(ReadOnlySpan<byte> data, long offset) => throw ReadOnly();

        public void SetLength(long length) => throw ReadOnly();

        public void SyncData() => throw ReadOnly();

        public void Sync() => throw ReadOnly();

        public void Dispose() => _handle.Dispose();
    }
}
