using WolfScale.Wal.Files;

namespace WolfScale.Wal.Segments;

/// <summary>Open files for reading segments: at most a few at a time, the least recently used closed first.</summary>
internal sealed class SegmentFiles(IWalFiles files) : IDisposable
{
    private const int Capacity = 16;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _open = [];
    private long _clock;
    private bool _closed;

    /// <summary>A file for reading; dispose the lease to give it back.</summary>
    public Lease Acquire(string path)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closed, typeof(WriteAheadLog));
            if (!_open.TryGetValue(path, out Entry? entry))
            {
                entry = new Entry(files.Open(path, create: false));
                _open.Add(path, entry);
            }

            entry.Users++;
            entry.LastUse = ++_clock;
            CloseSurplus();
            return new Lease(this, entry);
        }
    }

    /// <summary>The file was deleted: a new one under its name is another file.</summary>
    public void Forget(string path)
    {
        lock (_lock)
        {
            if (!_open.Remove(path, out Entry? entry))
                return;
            entry.Forgotten = true;
            if (entry.Users == 0)
                entry.File.Dispose();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            foreach (string path in _open.Keys.ToArray())
                Forget(path);
        }
    }

    private void Release(Entry entry)
    {
        lock (_lock)
        {
            if (--entry.Users == 0 && entry.Forgotten)
                entry.File.Dispose();
        }
    }

    private void CloseSurplus()
    {
        while (_open.Count > Capacity)
        {
            string? oldest = _open.Where(pair => pair.Value.Users == 0).OrderBy(pair => pair.Value.LastUse).Select(pair => pair.Key).FirstOrDefault();
            if (oldest is null)
                return;
            Forget(oldest);
        }
    }

    internal readonly struct Lease(SegmentFiles owner, Entry entry) : IDisposable
    {
        public IWalFile File => entry.File;

        public void Dispose() => owner.Release(entry);
    }

    internal sealed class Entry(IWalFile file)
    {
        public IWalFile File { get; } = file;

        public int Users { get; set; }

        public long LastUse { get; set; }

        public bool Forgotten { get; set; }
    }
}
