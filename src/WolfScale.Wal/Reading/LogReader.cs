using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using WolfScale.Wal.Files;
using WolfScale.Wal.Segments;

namespace WolfScale.Wal.Reading;

/// <summary>A batch in a file: its header, its place, and the group state before it.</summary>
internal readonly record struct StoredBatch(BatchHeader Header, long Offset, GroupState Before);

/// <summary>
/// Reads batches from the segment files. Everything it gives out has been checked against its checksums. A cut or a deletion at the same time
/// can make it fail or read what is no longer there: the log asks again when its generation has moved meanwhile.
/// </summary>
internal sealed class LogReader(SegmentTable table, SegmentFiles files)
{
    private const int CachedBlocks = 16;
    private const int ChunkBytes = 64 << 10;
    private readonly Lock _lock = new();
    private readonly List<(BlockView Block, StoredBatch[] Batches)> _cache = []; // newest use last

    /// <summary>Finds the batch that holds <paramref name="lsn"/>; false when no segment does.</summary>
    public bool TryLocate(long lsn, [NotNullWhen(true)] out Segment? segment, out StoredBatch batch)
    {
        segment = null;
        batch = default;
        if (!table.TryFind(lsn, out BlockView block))
            return false;
        segment = block.Segment;
        StoredBatch[] batches = BatchesOf(block);
        int index = IndexOf(batches, lsn);
        if (index < 0)
            throw Damaged(block.Segment, block.Offset, lsn, "the batch is missing from its place");
        batch = batches[index];
        return true;
    }

    /// <summary>Reads the batch that holds <paramref name="lsn"/>; null when no segment does.</summary>
    public WalBatch? Read(long lsn) => TryLocate(lsn, out Segment? segment, out StoredBatch batch) ? Load(segment, batch) : null;

    /// <summary>The facts of the batch that holds <paramref name="lsn"/>; null when no segment does.</summary>
    public WalBatchInfo? InfoOf(long lsn) => TryLocate(lsn, out _, out StoredBatch batch) ? batch.Header.Info : null;

    /// <summary>The file offset after the batch that ends with <paramref name="lsn"/>.</summary>
    public long EndOffsetOf(long lsn) => TryLocate(lsn, out _, out StoredBatch batch) && batch.Header.LastLsn == lsn
        ? batch.Offset + batch.Header.TotalBytes
        : throw new InvalidOperationException($"LSN {lsn} is not the end of a stored batch.");

    /// <summary>The group state after <paramref name="lsn"/>, which a segment holds.</summary>
    public GroupState GroupsAfter(long lsn)
    {
        if (!TryLocate(lsn, out Segment? segment, out StoredBatch stored))
            throw new InvalidOperationException($"LSN {lsn} is not in the log's files.");
        if (stored.Header.LastLsn == lsn)
            return stored.Before.After(stored.Header);
        WalBatch batch = Load(segment, stored);
        try
        {
            return BatchReading.Fold(batch, stored.Before, lsn);
        }
        finally
        {
            batch.Release();
        }
    }

    /// <summary>Finds a complete group that ends at or before <paramref name="throughLsn"/>, the newest first.</summary>
    public long? FindGroup(EntryKey key, long throughLsn)
    {
        Segment[] segments = table.Snapshot();
        for (int i = segments.Length - 1; i >= 0; i--)
        {
            foreach (BlockView block in table.BlocksWith(segments[i], key.Sequence, throughLsn))
            {
                if (FindGroup(block, key, throughLsn) is { } lsn)
                    return lsn;
            }
        }

        return null;
    }

    private long? FindGroup(in BlockView block, EntryKey key, long throughLsn)
    {
        StoredBatch[] batches = BatchesOf(block);
        for (int i = batches.Length - 1; i >= 0; i--)
        {
            if (batches[i].Header.LastLsn > throughLsn || !batches[i].Header.Groups.MayHold(key.Sequence))
                continue;
            WalBatch batch = Load(block.Segment, batches[i]);
            try
            {
                if (BatchReading.EndOfGroup(batch, batches[i].Before, key) is { } lsn)
                    return lsn;
            }
            finally
            {
                batch.Release();
            }
        }

        return null;
    }

    private static int IndexOf(StoredBatch[] batches, long lsn)
    {
        int low = 0;
        int high = batches.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (lsn < batches[middle].Header.FirstLsn)
                high = middle - 1;
            else if (lsn > batches[middle].Header.LastLsn)
                low = middle + 1;
            else
                return middle;
        }

        return -1;
    }

    private WalBatch Load(Segment segment, in StoredBatch stored)
    {
        int length = stored.Header.TotalBytes;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(length);
        string problem = "";
        try
        {
            using SegmentFiles.Lease lease = files.Acquire(segment.Path);
            int read = lease.File.Read(buffer.AsSpan(0, length), stored.Offset);
            WalBatch? batch = WalBatch.TryAdopt(buffer, read, out problem);
            if (batch is not null && batch.FirstLsn == stored.Header.FirstLsn && batch.Term == stored.Header.Term)
            {
                buffer = [];
                return batch;
            }
        }
        finally
        {
            if (buffer.Length > 0)
                ArrayPool<byte>.Shared.Return(buffer);
        }

        throw Damaged(segment, stored.Offset, stored.Header.FirstLsn, problem.Length > 0 ? problem : "another batch stands in its place");
    }

    private StoredBatch[] BatchesOf(in BlockView block)
    {
        lock (_lock)
        {
            for (int i = _cache.Count - 1; i >= 0; i--)
            {
                if (_cache[i].Block != block)
                    continue;
                (BlockView, StoredBatch[] Batches) hit = _cache[i];
                _cache.RemoveAt(i);
                _cache.Add(hit);
                return hit.Batches;
            }
        }

        StoredBatch[] batches = ReadHeaders(block);
        lock (_lock)
        {
            if (_cache.Count == CachedBlocks)
                _cache.RemoveAt(0);
            _cache.Add((block, batches));
        }

        return batches;
    }

    private StoredBatch[] ReadHeaders(in BlockView block)
    {
        List<StoredBatch> found = [];
        GroupState groups = block.Before;
        using SegmentFiles.Lease lease = files.Acquire(block.Segment.Path);
        var window = new FileWindow(lease.File, ChunkBytes);
        for (long offset = block.Offset; offset < block.End;)
        {
            ReadOnlySpan<byte> here = window.Read(offset, WalBatch.HeaderBytes);
            if (Frame.TryRead(here, block.Segment.Header.Salt, offset, out _))
            {
                offset += Frame.Bytes;
                continue;
            }

            if (!BatchHeader.TryRead(here, out BatchHeader header, out string problem))
                throw Damaged(block.Segment, offset, found.Count > 0 ? found[^1].Header.LastLsn + 1 : block.Segment.FirstLsn, problem);
            found.Add(new StoredBatch(header, offset, groups));
            groups = groups.After(header);
            offset += header.TotalBytes;
        }

        return [.. found];
    }

    private static WalDamagedException Damaged(Segment segment, long offset, long lsn, string problem) =>
        new(new WalDamage(WalDamageKind.Rotten, lsn, segment.After.End.Lsn, segment.Path, offset, problem));
}
