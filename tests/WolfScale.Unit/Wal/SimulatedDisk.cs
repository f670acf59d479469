using System.Runtime.InteropServices;
using WolfScale.Wal;
using WolfScale.Wal.Files;

namespace WolfScale.Unit.Wal;

/// <summary>
/// A disk that is as bad as POSIX allows: until a file is synced, each of its sectors may or may not have reached the platter, in any
/// order, the last one torn at any byte; until a folder is synced, each creation, rename and deletion may or may not have happened. It can also fill up and fail
/// its syncs the way Linux does: the pages are then clean, and lost.
/// </summary>
internal sealed class SimulatedDisk : IWalFiles
{
    private const int SectorBytes = 512;
    private readonly Lock _lock = new();
    private readonly List<DirectoryChange> _unsyncedChanges = [];
    private readonly HashSet<string> _locked = [];
    private readonly List<(string Name, TaskCompletionSource Waiting)> _syncWaiters = [];
    private Dictionary<string, Inode> _names = [];
    private Dictionary<string, Inode> _durableNames = [];
    private bool _dead;

    /// <summary>The machine loses power in the middle of the change with this number, counted from now; −1: never.</summary>
    public int ChangesUntilPowerLoss { get; set; } = -1;

    /// <summary>Bytes that can still be written before ENOSPC.</summary>
    public long FreeBytes { get; set; } = long.MaxValue;

    /// <summary>fsync and fdatasync of the log's segments return EIO, and what they should have written is lost although it still can be read.</summary>
    public bool SyncsFail { get; set; }

    /// <summary>Writes return EIO.</summary>
    public bool WritesFail { get; set; }

    /// <summary>How many times a file was synced.</summary>
    public int Syncs { get; private set; }

    /// <summary>Which file was cut (SetLength), renamed, deleted or synced, in order, for tests about order.</summary>
    public List<string> Journal { get; } = [];

    public bool IsDead => _dead;

    /// <summary>Completes when a file of that name is next synced.</summary>
    public Task WhenSynced(string name)
    {
        lock (_lock)
        {
            var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _syncWaiters.Add((name, waiting));
            return waiting.Task;
        }
    }

    public void CreateDirectory(string path)
    {
    }

    public IReadOnlyList<string> List(string directory)
    {
        lock (_lock)
            return [.. _names.Keys.Where(path => Path.GetDirectoryName(path) == directory).Select(path => Path.GetFileName(path))];
    }

    public IWalFile Open(string path, bool create)
    {
        lock (_lock)
        {
            if (!create)
                return new SimulatedFile(this, path, _names.TryGetValue(path, out Inode? inode) ? inode : throw new PosixException("open", path, 2, "No such file"));
            Change();
            if (_names.ContainsKey(path))
                throw new PosixException("open", path, 17, "File exists");
            var created = new Inode();
            _names[path] = created;
            _unsyncedChanges.Add(new DirectoryChange(null, path, created));
            return new SimulatedFile(this, path, created);
        }
    }

    public void Rename(string from, string to)
    {
        lock (_lock)
        {
            Change();
            _names.Remove(from, out Inode? inode);
            _names[to] = inode!;
            _unsyncedChanges.Add(new DirectoryChange(from, to, inode!));
            Journal.Add($"rename {Path.GetFileName(to)}");
        }
    }

    public void Delete(string path)
    {
        lock (_lock)
        {
            if (!_names.TryGetValue(path, out Inode? inode))
                return;
            Change();
            _names.Remove(path);
            _unsyncedChanges.Add(new DirectoryChange(path, null, inode));
            Journal.Add($"delete {Path.GetFileName(path)}");
        }
    }

    public void SyncDirectory(string path)
    {
        lock (_lock)
        {
            Change();
            _unsyncedChanges.Clear();
            _durableNames = new Dictionary<string, Inode>(_names);
            Journal.Add("sync folder");
        }
    }

    public IDisposable? TryLock(string path)
    {
        lock (_lock)
            return _locked.Add(path) ? new Unlocker(this, path) : null;
    }

    /// <summary>What is left after the power has come back. Nothing of what was synced is lost; the rest is anybody's guess.</summary>
    public void PowerLoss(Random random)
    {
        lock (_lock)
        {
            foreach (DirectoryChange change in _unsyncedChanges)
            {
                if (random.Next(2) == 0)
                    change.Apply(_durableNames);
            }

            _unsyncedChanges.Clear();
            _names = new Dictionary<string, Inode>(_durableNames);
            foreach (Inode inode in _names.Values.Distinct())
                inode.LosePower(random);
            _locked.Clear();
            _dead = false;
            ChangesUntilPowerLoss = -1;
            SyncsFail = false;
            WritesFail = false;
        }
    }

    /// <summary>The process dies; the kernel lives, and what was written can still be read.</summary>
    public void ProcessDeath()
    {
        lock (_lock)
        {
            _locked.Clear();
            _dead = false;
            ChangesUntilPowerLoss = -1;
            SyncsFail = false;
            WritesFail = false;
        }
    }

    /// <summary>The bytes of a file as they can be read now: a copy.</summary>
    public byte[] BytesOf(string path)
    {
        lock (_lock)
            return [.. _names[path].Content];
    }

    /// <summary>Puts a file on the disk, durably.</summary>
    public void Put(string path, byte[] content)
    {
        lock (_lock)
        {
            var inode = new Inode { Content = [.. content], Durable = [.. content] };
            _names[path] = inode;
            _durableNames[path] = inode;
        }
    }

    /// <summary>The paths of all files.</summary>
    public string[] Paths()
    {
        lock (_lock)
            return [.. _names.Keys.Order(StringComparer.Ordinal)];
    }

    /// <summary>An independent disk with the same files, all durable.</summary>
    public SimulatedDisk Copy()
    {
        var copy = new SimulatedDisk();
        foreach (string path in Paths())
            copy.Put(path, BytesOf(path));
        return copy;
    }

    private void Change()
    {
        if (_dead || (ChangesUntilPowerLoss >= 0 && ChangesUntilPowerLoss-- == 0))
        {
            _dead = true;
            throw new PowerLostException();
        }
    }

    internal sealed class PowerLostException() : IOException("The power is gone.");

    private sealed class Unlocker(SimulatedDisk disk, string path) : IDisposable
    {
        public void Dispose()
        {
            lock (disk._lock)
                disk._locked.Remove(path);
        }
    }

    private sealed record DirectoryChange(string? From, string? To, Inode Inode)
    {
        public void Apply(Dictionary<string, Inode> names)
        {
            if (From is not null)
                names.Remove(From);
            if (To is not null)
                names[To] = Inode;
        }
    }

    private sealed class Inode
    {
        public List<byte> Content { get; set; } = [];

        public List<byte> Durable { get; set; } = [];

        public HashSet<int> Dirty { get; } = [];

        public void Write(ReadOnlySpan<byte> data, int offset)
        {
            Grow(offset + data.Length);
            data.CopyTo(CollectionsMarshal.AsSpan(Content)[offset..]);
            for (int sector = offset / SectorBytes; sector * SectorBytes < offset + data.Length; sector++)
                Dirty.Add(sector);
        }

        public void SetLength(int length)
        {
            if (length < Content.Count)
                Content.RemoveRange(length, Content.Count - length);
            else
                Grow(length);
        }

        // Only what is dirty is written: pages that a failed sync left clean stay lost, however often one syncs.
        public void Sync()
        {
            if (Durable.Count > Content.Count)
                Durable.RemoveRange(Content.Count, Durable.Count - Content.Count);
            Durable.AddRange(new byte[Content.Count - Durable.Count]);
            foreach (int sector in Dirty)
            {
                for (int i = sector * SectorBytes; i < (sector + 1) * SectorBytes && i < Content.Count; i++)
                    Durable[i] = Content[i];
            }

            Dirty.Clear();
        }

        public void LosePower(Random random)
        {
            bool newLength = random.Next(2) == 0;
            List<byte> after = [.. Durable];
            if (newLength || after.Count < Content.Count)
            {
                // Growth and its sectors may arrive in any order; a cut happens whole or not at all.
                int length = newLength ? Content.Count : Math.Max(Durable.Count, random.Next(Durable.Count, Content.Count + 1));
                if (length < after.Count)
                    after.RemoveRange(length, after.Count - length);
                while (after.Count < length)
                    after.Add(0);
            }

            foreach (int sector in Dirty)
            {
                int fate = random.Next(4); // lost, lost, whole, torn
                int count = fate < 2 ? 0 : fate == 2 ? SectorBytes : random.Next(SectorBytes);
                for (int i = sector * SectorBytes; i < (sector * SectorBytes) + count && i < after.Count && i < Content.Count; i++)
                    after[i] = Content[i];
            }

            Content = after;
            Durable = [.. after];
            Dirty.Clear();
        }

        private void Grow(int length)
        {
            if (length > Content.Count)
                Content.AddRange(new byte[length - Content.Count]);
        }
    }

    private sealed class SimulatedFile(SimulatedDisk disk, string path, Inode inode) : IWalFile
    {
        public string Path => path;

        public long Length
        {
            get
            {
                lock (disk._lock)
                    return inode.Content.Count;
            }
        }

        public int Read(Span<byte> buffer, long offset)
        {
            lock (disk._lock)
            {
                Span<byte> content = CollectionsMarshal.AsSpan(inode.Content);
                if (offset >= content.Length)
                    return 0;
                int count = (int)Math.Min(buffer.Length, content.Length - offset);
                content.Slice((int)offset, count).CopyTo(buffer);
                return count;
            }
        }

        public void Write(ReadOnlySpan<byte> data, long offset)
        {
            lock (disk._lock)
            {
                bool dies = disk.ChangesUntilPowerLoss == 0 && !disk._dead;
                if (dies)
                    inode.Write(data, (int)offset); // power loss decides how much of it stays
                disk.Change();
                if (disk.WritesFail)
                    throw new PosixException("write", path, PosixException.InputOutputError, "Input/output error");
                long before = inode.Content.Count;
                int count = offset + data.Length <= before ? data.Length : (int)Math.Max(0, Math.Min(data.Length, before - offset + disk.FreeBytes));
                inode.Write(data[..count], (int)offset);
                disk.FreeBytes -= Math.Max(0, inode.Content.Count - before);
                if (count < data.Length)
                    throw new PosixException("write", path, PosixException.NoSpace, "No space left on device");
            }
        }

        public void SetLength(long length)
        {
            lock (disk._lock)
            {
                disk.Change();
                disk.Journal.Add($"cut {System.IO.Path.GetFileName(path)}");
                long before = inode.Content.Count;
                inode.SetLength((int)length);
                disk.FreeBytes = Math.Min(long.MaxValue - before, disk.FreeBytes) + before - length;
            }
        }

        public void SyncData() => Sync();

        public void Sync()
        {
            lock (disk._lock)
            {
                disk.Change();
                disk.Syncs++;
                disk.Journal.Add($"sync {System.IO.Path.GetFileName(path)}");
                foreach ((string name, TaskCompletionSource waiting) in disk._syncWaiters)
                {
                    if (path.EndsWith(name, StringComparison.Ordinal))
                        waiting.TrySetResult();
                }

                if (!disk.SyncsFail || !path.EndsWith(".wal", StringComparison.Ordinal))
                {
                    inode.Sync();
                    return;
                }

                inode.Dirty.Clear(); // Linux: the error is reported once, the pages are clean, the data is not on the disk
                throw new PosixException("fdatasync", path, PosixException.InputOutputError, "Input/output error");
            }
        }

        public void Dispose()
        {
        }
    }
}
