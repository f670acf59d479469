using System.Diagnostics.CodeAnalysis;
using WolfScale.Wal.Reading;
using WolfScale.Wal.Segments;

namespace WolfScale.Wal;

/// <summary>
/// Reads: from the tail in memory where it holds the LSN, else from the files. A read of a file is believed only if no cut and no pruning went on
/// meanwhile; otherwise it is done again.
/// </summary>
public sealed partial class WriteAheadLog
{
    /// <summary>The segment files, oldest first.</summary>
    public IReadOnlyList<WalSegmentInfo> Segments => _table.Infos();

    /// <summary>The term of the entry at <paramref name="lsn"/>, from memory; also of the position just before the first entry; null elsewhere.</summary>
    public long? TermAt(long lsn)
    {
        lock (_gate)
            return lsn < _start.End.Lsn || lsn > _end.End.Lsn ? null : TermOf(lsn);
    }

    /// <summary>The batch that holds <paramref name="lsn"/>, with a reference that the caller must release; false when the log does not hold it.</summary>
    /// <exception cref="WalDamagedException">It is there and cannot be read.</exception>
    public bool TryGetBatch(long lsn, [NotNullWhen(true)] out WalBatch? batch)
    {
        batch = null;
        while (true)
        {
            View view;
            lock (_gate)
            {
                view = Look();
                if (!view.Holds(lsn))
                    return false;
                int index = _tail.IndexOf(lsn);
                if (index >= 0)
                {
                    batch = _tail[index].Batch.Retain();
                    return true;
                }
            }

            if (TryRead(view, lsn, static (reader, lsn) => reader.Read(lsn), out batch))
                return batch is not null ? true : throw Lost(lsn);
        }
    }

    /// <summary>The facts of the batch that holds <paramref name="lsn"/>; false when the log does not hold it.</summary>
    /// <exception cref="WalDamagedException">It is there and cannot be read.</exception>
    public bool TryGetBatchInfo(long lsn, out WalBatchInfo info)
    {
        while (true)
        {
            View view;
            lock (_gate)
            {
                view = Look();
                info = default;
                if (!view.Holds(lsn))
                    return false;
                int index = _tail.IndexOf(lsn);
                if (index >= 0)
                {
                    info = _tail[index].Batch.Info;
                    return true;
                }
            }

            if (TryRead(view, lsn, static (reader, lsn) => reader.InfoOf(lsn), out WalBatchInfo? found))
            {
                info = found ?? throw Lost(lsn);
                return true;
            }
        }
    }

    /// <summary>First and last LSN of the batch that holds <paramref name="lsn"/>, or null.</summary>
    /// <exception cref="WalDamagedException">It is there and cannot be read.</exception>
    public (long First, long Last)? BatchBounds(long lsn) => TryGetBatchInfo(lsn, out WalBatchInfo info) ? (info.FirstLsn, info.LastLsn) : null;

    /// <summary>
    /// The LSN of the last entry of the complete group <paramref name="key"/>, the newest where there are several; void groups (rule C7)
    /// are never found. The last group that pruning took is remembered and found too. Null when it is not here.
    /// </summary>
    /// <exception cref="WalDamagedException">A part of the log that may hold it cannot be read.</exception>
    public long? FindGroup(EntryKey key)
    {
        while (true)
        {
            View view;
            long through = long.MaxValue;
            while (NextInTail(key, ref through, out view, out WalBatch? batch, out GroupState before))
            {
                try
                {
                    if (BatchReading.EndOfGroup(batch, before, key) is { } lsn)
                        return lsn;
                }
                finally
                {
                    batch.Release();
                }
            }

            if (!TryRead(view, (key, Math.Min(through, view.Last)), static (reader, what) => reader.FindGroup(what.key, what.Item2), out long? found))
                continue;
            if (found is not null)
                return found;
            return view.Start.HasLast && view.Start.Last.Key == key ? view.Start.Last.LastLsn : null;
        }
    }

    /// <summary>
    /// The last complete group that ends at or before <paramref name="lsn"/>. It may end before <see cref="FirstLsn"/>: what pruning took
    /// is remembered. Null only where no group was ever logged up to there: then the cluster's base decides (rule C2).
    /// </summary>
    /// <exception cref="WalPrunedException">Retention has deleted the place asked for.</exception>
    /// <exception cref="WalDamagedException">It is there and cannot be read.</exception>
    public EntryKey? LastGroupAtOrBefore(long lsn, out long groupLastLsn)
    {
        GroupState groups = GroupsAfter(lsn);
        groupLastLsn = groups.HasLast ? groups.Last.LastLsn : 0;
        return groups.HasLast ? groups.Last.Key : null;
    }

    /// <summary>Opens a forward reader at <paramref name="firstLsn"/>, which may be one past the end.</summary>
    public WalCursor OpenCursor(long firstLsn) => new(this, firstLsn);

    // Where the log cannot be cut: inside a batch.
    private GroupState GroupsAtBoundary(long lastKeptLsn)
    {
        bool isStart = lastKeptLsn == FirstLsn - 1;
        if (!isStart && BatchBounds(lastKeptLsn) is { } bounds && bounds.Last != lastKeptLsn)
            throw new ArgumentException($"LSN {lastKeptLsn} is inside batch {bounds.First}–{bounds.Last}, and batches are never split.", nameof(lastKeptLsn));
        return GroupsAfter(lastKeptLsn);
    }

    private GroupState GroupsAfter(long lsn)
    {
        while (true)
        {
            View view;
            WalBatch? batch = null;
            GroupState before = default;
            lock (_gate)
            {
                view = Look();
                if (lsn >= view.Last)
                    return _end.Groups;
                if (lsn < view.First)
                    return !view.Start.HasLast || view.Start.Last.LastLsn <= lsn || lsn == view.First - 1 ? view.Start : throw new WalPrunedException(lsn, view.First);
                int index = _tail.IndexOf(lsn);
                if (index >= 0)
                {
                    batch = _tail[index].Batch.Retain();
                    before = _tail[index].Before;
                }
            }

            if (batch is not null)
            {
                GroupState after = batch.LastLsn == lsn ? before.After(batch.Header) : BatchReading.Fold(batch, before, lsn);
                batch.Release();
                return after;
            }

            if (TryRead(view, lsn, static (reader, lsn) => reader.GroupsAfter(lsn), out GroupState found))
                return found;
        }
    }

    // The newest batch in the tail that ends before `through` and may hold the group. `through` becomes the LSN before what was looked at.
    private bool NextInTail(EntryKey key, ref long through, out View view, [NotNullWhen(true)] out WalBatch? batch, out GroupState before)
    {
        batch = null;
        before = default;
        lock (_gate)
        {
            view = Look();
            for (int i = _tail.Count - 1; i >= 0; i--)
            {
                ref readonly LogTail.Node node = ref _tail[i];
                if (node.Batch.LastLsn > through)
                    continue;
                through = node.Batch.FirstLsn - 1;
                if (!node.Batch.Header.Groups.MayHold(key.Sequence))
                    continue;
                batch = node.Batch.Retain();
                before = node.Before;
                return true;
            }
        }

        return false;
    }

    // Runs a read of the files. False: the log was cut or pruned meanwhile, so look again.
    private bool TryRead<TWhat, T>(View view, TWhat what, Func<LogReader, TWhat, T> read, out T? result)
    {
        result = default;
        try
        {
            result = read(_reader, what);
        }
        catch (Exception e) when (e is WalDamagedException or PosixException or InvalidOperationException && (HasMoved(view) || MeetsCut(view)))
        {
            return false;
        }

        if (!HasMoved(view))
            return true;
        (result as WalBatch)?.Release();
        result = default;
        return false;
    }

    private static InvalidOperationException Lost(long lsn) => new($"LSN {lsn} is neither in memory nor in a segment: this is a bug in the log.");

    private bool HasMoved(View view)
    {
        lock (_gate)
            return Look() is var now && (now.Generation != view.Generation || now.First != view.First);
    }

    /// <summary>
    /// A cut counts in the log at once and happens in the files a moment later: what was read in between may have been cut off under the reader's hands,
    /// and looks like damage. It is none where it is still there after the cut.
    /// </summary>
    private bool MeetsCut(View view)
    {
        lock (_gate)
            return view.CutInFiles != view.Generation || (_failure is null && _writerGeneration != view.CutInFiles);
    }

    private View Look()
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        return new View(_start.End.Lsn + 1, _end.End.Lsn, _generation, _failure is null ? _writerGeneration : _generation, _start.Groups);
    }

    private readonly record struct View(long First, long Last, long Generation, long CutInFiles, GroupState Start)
    {
        public bool Holds(long lsn) => lsn >= First && lsn <= Last;
    }
}
