namespace WolfScale.Wal.Segments;

/// <summary>Where a block of a segment begins, and what is known there. A block is about <see cref="Segment.BlockBytes"/> of file.</summary>
internal struct IndexBlock
{
    public long FirstLsn;
    public long Offset;
    public GroupState Before;
    public bool HasGroups;
    public ulong MinSequence;
    public ulong MaxSequence;

    public readonly bool MayHold(ulong sequence) => HasGroups && sequence >= MinSequence && sequence <= MaxSequence;
}

/// <summary>The first LSN of a run of entries of one term.</summary>
internal readonly record struct TermStart(long FirstLsn, long Term);

/// <summary>
/// What is known in memory of one segment file. Changed only by the writer, under the lock of the <see cref="SegmentTable"/>; bounded: one index
/// block per 256 KiB of file.
/// </summary>
internal sealed class Segment(string path, SegmentHeader header)
{
    public const int BlockBytes = 256 << 10;

    public string Path { get; } = path;

    public SegmentHeader Header { get; } = header;

    public long FirstLsn => Header.FirstLsn;

    /// <summary>The state after its last batch.</summary>
    public LogState After { get; private set; } = header.Before;

    /// <summary>The offset after its last batch: no zeros ahead, no footer.</summary>
    public long End { get; private set; } = header.Bytes;

    /// <summary>Counts the cuts, so that what was read before one is never used after it.</summary>
    public int Version { get; private set; }

    public List<IndexBlock> Blocks { get; } = [];

    public List<TermStart> Terms { get; } = [];

    public List<ConfigurationEntry> Configurations { get; } = [];

    public bool IsEmpty => After.End.Lsn < FirstLsn;

    public WalSegmentInfo Info => new(Path, FirstLsn, After.End.Lsn, End);

    /// <summary>Takes note of a batch that was written at <paramref name="offset"/>.</summary>
    public void Add(in BatchHeader batch, long offset, ConfigurationEntry? configuration)
    {
        if (Blocks.Count == 0 || offset - Blocks[^1].Offset >= BlockBytes)
            Blocks.Add(new IndexBlock { FirstLsn = batch.FirstLsn, Offset = offset, Before = After.Groups });
        if (batch.Groups.Has(GroupFlags.HasGroups))
            Widen(batch.Groups);
        if (Terms.Count == 0 || Terms[^1].Term != batch.Term)
            Terms.Add(new TermStart(batch.FirstLsn, batch.Term));
        if (configuration is not null)
            Configurations.Add(configuration);
        After = After.After(batch, configuration);
        End = offset + batch.TotalBytes;
    }

    /// <summary>Takes note of a cut: the log now ends in this segment at <paramref name="end"/>. The blocks' sequence ranges may stay too wide, which is harmless.</summary>
    public void Cut(long end, in LogState after)
    {
        long lastLsn = after.End.Lsn;
        Blocks.RemoveAll(block => block.FirstLsn > lastLsn);
        Terms.RemoveAll(term => term.FirstLsn > lastLsn);
        Configurations.RemoveAll(configuration => configuration.Lsn > lastLsn);
        After = after;
        End = end;
        Version++;
    }

    /// <summary>Takes over what a footer says.</summary>
    public void Restore(in LogState after, long end, IEnumerable<IndexBlock> blocks, IEnumerable<TermStart> terms, IEnumerable<ConfigurationEntry> configurations)
    {
        Blocks.AddRange(blocks);
        Terms.AddRange(terms);
        Configurations.AddRange(configurations);
        After = after;
        End = end;
    }

    /// <summary>The index of the block that holds <paramref name="lsn"/>, which the segment holds.</summary>
    public int BlockOf(long lsn)
    {
        int low = 0;
        int high = Blocks.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (Blocks[middle].FirstLsn <= lsn)
                low = middle;
            else
                high = middle - 1;
        }

        return low;
    }

    private void Widen(in GroupSummary groups)
    {
        IndexBlock block = Blocks[^1];
        block.MinSequence = block.HasGroups ? Math.Min(block.MinSequence, groups.MinSequence) : groups.MinSequence;
        block.MaxSequence = block.HasGroups ? Math.Max(block.MaxSequence, groups.MaxSequence) : groups.MaxSequence;
        block.HasGroups = true;
        Blocks[^1] = block;
    }
}
