namespace WolfScale.Wal.Reading;

/// <summary>
/// The newest batches, in memory, in LSN order: a ring that holds a reference to each. What is not written yet is always here; what is
/// written stays while there is room. Guarded by the log's lock.
/// </summary>
internal sealed class LogTail(long capacityBytes)
{
    private const int OverheadBytes = 256; // objects, ring and allocator of a batch
    private Node[] _ring = new Node[64];
    private int _first;
    private long _bytes;

    public int Count { get; private set; }

    /// <summary>The batch at that place, 0 being the oldest.</summary>
    public ref readonly Node this[int index] => ref _ring[(_first + index) & (_ring.Length - 1)];

    /// <summary>Adds the newest batch, with a reference of its own.</summary>
    public void Add(WalBatch batch, in GroupState before)
    {
        if (Count == _ring.Length)
            Grow();
        _ring[(_first + Count) & (_ring.Length - 1)] = new Node(batch.Retain(), before);
        Count++;
        _bytes += Cost(batch);
    }

    /// <summary>Finds the batch that holds an LSN; −1 when it is not here.</summary>
    public int IndexOf(long lsn)
    {
        int low = 0;
        int high = Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            WalBatch batch = this[middle].Batch;
            if (lsn < batch.FirstLsn)
                high = middle - 1;
            else if (lsn > batch.LastLsn)
                low = middle + 1;
            else
                return middle;
        }

        return -1;
    }

    /// <summary>Drops the oldest batches beyond the capacity, but none that is not written.</summary>
    public void Evict(long writtenLsn)
    {
        while (_bytes > capacityBytes && Count > 0 && this[0].Batch.LastLsn <= writtenLsn)
        {
            Drop(_first);
            _first = (_first + 1) & (_ring.Length - 1);
        }
    }

    /// <summary>Drops the batches after an LSN.</summary>
    public void CutAfter(long lsn)
    {
        while (Count > 0 && this[Count - 1].Batch.LastLsn > lsn)
            Drop((_first + Count - 1) & (_ring.Length - 1));
    }

    public void Clear() => CutAfter(long.MinValue);

    private static long Cost(WalBatch batch) => batch.Capacity + OverheadBytes;

    private void Drop(int slot)
    {
        WalBatch batch = _ring[slot].Batch;
        _bytes -= Cost(batch);
        _ring[slot] = default;
        Count--;
        batch.Release();
    }

    private void Grow()
    {
        var larger = new Node[_ring.Length * 2];
        for (int i = 0; i < Count; i++)
            larger[i] = this[i];
        _ring = larger;
        _first = 0;
    }

    internal readonly record struct Node(WalBatch Batch, GroupState Before);
}
