using System.Collections.Immutable;
using WolfScale.Consensus;

namespace WolfScale.Simulation;

/// <summary>A batch as a simulated node stores it.</summary>
/// <param name="Batch">Its metadata.</param>
/// <param name="Payload">Stands for its bytes: unique to the batch.</param>
/// <param name="Chain">A hash over this batch and everything before it: two logs that agree on it are equal up to here.</param>
public sealed record StoredBatch(BatchInfo Batch, long Payload, ulong Chain);

/// <summary>
/// A node's log: what the running program sees, and what the disk would give back after a crash. Writes reach the disk in order when a sync
/// ends; a crash keeps the disk and some prefix of the writes that were not synced.
/// </summary>
public sealed class SimulatedLog : ILogView
{
    private readonly List<StoredBatch> _memory = [];
    private readonly List<StoredBatch> _disk = [];
    private readonly Queue<Write> _unsynced = new();
    private ulong _firstChain;

    public LogPosition First { get; private set; }

    public LogPosition Last => _memory.Count == 0 ? First : new LogPosition(_memory[^1].Batch.LastLsn, _memory[^1].Batch.Term);

    /// <summary>The configuration of the pruned part, with its LSN; null when there is none.</summary>
    public PlacedConfiguration? PrunedConfiguration { get; private set; }

    public long Generation { get; private set; }

    public bool HasUnsynced => _unsynced.Count > 0;

    public int UnsyncedCount => _unsynced.Count;

    public long DurableLsn => _disk.Count == 0 ? First.Lsn : _disk[^1].Batch.LastLsn;

    public ulong LastChain => _memory.Count == 0 ? _firstChain : _memory[^1].Chain;

    public IReadOnlyList<StoredBatch> Memory => _memory;

    /// <summary>
    /// A log that begins after a position that somebody else has committed: an empty one, or one whose data came by migration.
    /// </summary>
    public static SimulatedLog StartingAt(LogPosition first, ulong chain, PlacedConfiguration? configuration) =>
        new() { First = first, _firstChain = chain, PrunedConfiguration = configuration };

    public long? TermAt(long lsn)
    {
        if (lsn == First.Lsn)
            return First.Term;
        return Find(_memory, lsn)?.Batch.Term;
    }

    public BatchInfo? BatchAfter(long lsn) => lsn < First.Lsn ? null : Find(_memory, lsn + 1)?.Batch;

    public long BatchStart(long lsn) => Find(_memory, lsn)!.Batch.FirstLsn;

    public StoredBatch? Holding(long lsn) => Find(_memory, lsn);

    /// <summary>Whether the program's log has this chain at <paramref name="lsn"/>, the end of a batch.</summary>
    public bool Holds(long lsn, ulong chain) => Holds(_memory, lsn, chain);

    /// <summary>Whether it is known to have it: what was pruned is not.</summary>
    public bool HoldsForSure(long lsn, ulong chain) => lsn >= First.Lsn && Holds(lsn, chain);

    /// <summary>Whether what this log begins after is a place in the other one.</summary>
    public bool BeginsIn(SimulatedLog other) => other.HoldsForSure(First.Lsn, _firstChain);

    /// <summary>Whether the disk has it.</summary>
    public bool HoldsDurably(long lsn, ulong chain) => Holds(_disk, lsn, chain);

    public StoredBatch Append(BatchInfo batch, long payload)
    {
        if (batch.FirstLsn != Last.Lsn + 1)
            throw new InvariantViolationException($"batch {batch.FirstLsn}..{batch.LastLsn} appended to a log that ends at {Last}");
        var stored = new StoredBatch(batch, payload, ChainOf(LastChain, batch, payload));
        _memory.Add(stored);
        _unsynced.Enqueue(new Write(stored, 0));
        return stored;
    }

    public void TruncateAfter(long lastKeptLsn, long generation)
    {
        Cut(_memory, lastKeptLsn);
        if (Last.Lsn != lastKeptLsn)
            throw new InvariantViolationException($"truncation after LSN {lastKeptLsn}, which is not a batch boundary: the log now ends at {Last}");
        _unsynced.Enqueue(new Write(null, lastKeptLsn));
        Generation = generation;
    }

    /// <summary>The first <paramref name="writes"/> of the unsynced writes are durable now.</summary>
    public void Sync(int writes)
    {
        for (int i = 0; i < writes; i++)
        {
            Write write = _unsynced.Dequeue();
            if (write.Append is null)
                Cut(_disk, write.TruncateAfter);
            else
                _disk.Add(write.Append);
        }
    }

    /// <summary>The machine loses power: the disk is left, and as many of the unsynced writes as had reached it by chance.</summary>
    public void Crash(int survivingWrites)
    {
        Sync(survivingWrites);
        _unsynced.Clear();
        _memory.Clear();
        _memory.AddRange(_disk);
        Generation = 0;
    }

    /// <summary>Forgets the beginning, up to a durable batch boundary.</summary>
    public void Prune(long uptoLsn)
    {
        int count = 0;
        while (count < _disk.Count && _disk[count].Batch.LastLsn <= uptoLsn)
            count++;
        if (count == 0)
            return;
        for (int i = 0; i < count; i++)
            if (_disk[i].Batch.Configuration is { } configuration)
                PrunedConfiguration = new PlacedConfiguration(_disk[i].Batch.FirstLsn, configuration);
        First = new LogPosition(_disk[count - 1].Batch.LastLsn, _disk[count - 1].Batch.Term);
        _firstChain = _disk[count - 1].Chain;
        _disk.RemoveRange(0, count);
        _memory.RemoveRange(0, count);
    }

    /// <summary>Where a migration from this log would begin: its first position, with what is known of it.</summary>
    public SimulatedLog Migrate() => StartingAt(First, _firstChain, PrunedConfiguration);

    public ImmutableArray<PlacedConfiguration> Configurations()
    {
        var result = ImmutableArray.CreateBuilder<PlacedConfiguration>();
        if (PrunedConfiguration is { } pruned)
            result.Add(pruned);
        foreach (StoredBatch stored in _memory)
            if (stored.Batch.Configuration is { } configuration)
                result.Add(new PlacedConfiguration(stored.Batch.FirstLsn, configuration));
        return result.ToImmutable();
    }

    private bool Holds(List<StoredBatch> batches, long lsn, ulong chain)
    {
        if (lsn <= First.Lsn)
            return lsn < First.Lsn || chain == _firstChain;
        return Find(batches, lsn) is { } stored && stored.Batch.LastLsn == lsn && stored.Chain == chain;
    }

    private static StoredBatch? Find(List<StoredBatch> batches, long lsn)
    {
        int low = 0;
        int high = batches.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            if (batches[middle].Batch.LastLsn < lsn)
                low = middle + 1;
            else if (batches[middle].Batch.FirstLsn > lsn)
                high = middle - 1;
            else
                return batches[middle];
        }

        return null;
    }

    private static void Cut(List<StoredBatch> batches, long lastKeptLsn)
    {
        int kept = batches.Count;
        while (kept > 0 && batches[kept - 1].Batch.LastLsn > lastKeptLsn)
            kept--;
        batches.RemoveRange(kept, batches.Count - kept);
    }

    private static ulong ChainOf(ulong previous, BatchInfo batch, long payload)
    {
        ulong hash = previous + 0x9E3779B97F4A7C15;
        foreach (long value in (ReadOnlySpan<long>)[batch.FirstLsn, batch.LastLsn, batch.Term, payload])
        {
            hash ^= (ulong)value;
            hash *= 0xBF58476D1CE4E5B9;
            hash ^= hash >> 29;
        }

        return hash;
    }

    private readonly record struct Write(StoredBatch? Append, long TruncateAfter);
}
