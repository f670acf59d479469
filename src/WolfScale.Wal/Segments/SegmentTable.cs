using System.Diagnostics.CodeAnalysis;

namespace WolfScale.Wal.Segments;

/// <summary>One block of a segment as it stood when it was asked for: where to read, and how far.</summary>
internal readonly record struct BlockView(Segment Segment, int Index, int Version, long Offset, long End, GroupState Before);

/// <summary>
/// The segments that are on disk, oldest first. Its lock guards them and what is known of each; it is held for look-ups and small
/// changes, never for input or output.
/// </summary>
internal sealed class SegmentTable
{
    private readonly Lock _lock = new();
    private readonly List<Segment> _segments = [];

    public int Count
    {
        get
        {
            lock (_lock)
                return _segments.Count;
        }
    }

    public Segment? Last
    {
        get
        {
            lock (_lock)
                return _segments.Count == 0 ? null : _segments[^1];
        }
    }

    public Segment[] Snapshot()
    {
        lock (_lock)
            return [.. _segments];
    }

    public WalSegmentInfo[] Infos()
    {
        lock (_lock)
            return [.. _segments.Select(segment => segment.Info)];
    }

    public void Add(Segment segment)
    {
        lock (_lock)
            _segments.Add(segment);
    }

    public void Remove(Segment segment)
    {
        lock (_lock)
            _segments.Remove(segment);
    }

    /// <summary>Takes note of batches that were written one after the other.</summary>
    public void Publish(Segment segment, ReadOnlySpan<PlacedBatch> batches)
    {
        lock (_lock)
        {
            foreach (ref readonly PlacedBatch placed in batches)
                segment.Add(placed.Batch.Header, placed.Offset, placed.Configuration);
        }
    }

    public void Cut(Segment segment, long end, in LogState after)
    {
        lock (_lock)
            segment.Cut(end, after);
    }

    /// <summary>The block that holds an LSN; false when no segment does.</summary>
    public bool TryFind(long lsn, out BlockView block)
    {
        lock (_lock)
        {
            if (TryFindSegment(lsn, out Segment? segment))
            {
                block = View(segment, segment.BlockOf(lsn));
                return true;
            }
        }

        block = default;
        return false;
    }

    /// <summary>The blocks of a segment, newest first, that may hold a group of that sequence at or before <paramref name="throughLsn"/>.</summary>
    public List<BlockView> BlocksWith(Segment segment, ulong sequence, long throughLsn)
    {
        List<BlockView> found = [];
        lock (_lock)
        {
            for (int i = segment.Blocks.Count - 1; i >= 0; i--)
            {
                if (segment.Blocks[i].FirstLsn <= throughLsn && segment.Blocks[i].MayHold(sequence))
                    found.Add(View(segment, i));
            }
        }

        return found;
    }

    private static BlockView View(Segment segment, int index) => new(
        segment,
        index,
        segment.Version,
        segment.Blocks[index].Offset,
        index + 1 < segment.Blocks.Count ? segment.Blocks[index + 1].Offset : segment.End,
        segment.Blocks[index].Before);

    private bool TryFindSegment(long lsn, [NotNullWhen(true)] out Segment? segment)
    {
        int low = 0;
        int high = _segments.Count - 1;
        segment = null;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            Segment candidate = _segments[middle];
            if (lsn < candidate.FirstLsn)
                high = middle - 1;
            else if (lsn > candidate.After.End.Lsn)
                low = middle + 1;
            else
                segment = candidate;
            if (segment is not null)
                return true;
        }

        return false;
    }
}

/// <summary>A batch, where it was written, and the configuration it holds, if it does.</summary>
internal readonly record struct PlacedBatch(WalBatch Batch, long Offset, ConfigurationEntry? Configuration);
