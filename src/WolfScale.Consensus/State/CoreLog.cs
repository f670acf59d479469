namespace WolfScale.Consensus;

/// <summary>
/// The log as the core sees it: the host's <see cref="ILogView"/> plus the batches appended lately, because effects of the current call are
/// not in the view yet. The tail also spares the hot path the look-ups in the host's index.
/// </summary>
internal sealed class CoreLog
{
    private const int KeptTail = 256;

    private readonly ILogView _view;

    /// <summary>
    /// Consecutive batches that end at <see cref="Last"/>; everything at or before <see cref="_tailStart"/> is read from the view.
    /// </summary>
    private readonly List<BatchInfo> _tail = [];
    private long _tailStart;

    public CoreLog(ILogView view)
    {
        _view = view;
        Last = view.Last;
        _tailStart = Last.Lsn;
    }

    public LogPosition Last { get; private set; }

    public LogPosition First => _view.First;

    /// <summary>
    /// A new call: the host has executed all earlier effects, so the view knows what the tail knows and the tail may be cut.
    /// </summary>
    public void BeginCall()
    {
        if (_tail.Count <= 2 * KeptTail)
            return;
        int drop = _tail.Count - KeptTail;
        _tailStart = _tail[drop - 1].LastLsn;
        _tail.RemoveRange(0, drop);
    }

    public void Append(BatchInfo batch)
    {
        _tail.Add(batch);
        Last = new LogPosition(batch.LastLsn, batch.Term);
    }

    /// <summary>Drops everything after <paramref name="lastKeptLsn"/>, a batch boundary.</summary>
    public void TruncateAfter(long lastKeptLsn)
    {
        Last = new LogPosition(lastKeptLsn, TermAt(lastKeptLsn) ?? 0);
        int kept = _tail.Count;
        while (kept > 0 && _tail[kept - 1].LastLsn > lastKeptLsn)
            kept--;
        _tail.RemoveRange(kept, _tail.Count - kept);

        // Above the cut the view is out of date until the effect is executed: from here on it is asked for nothing above the cut.
        if (_tail.Count == 0)
            _tailStart = lastKeptLsn;
    }

    /// <summary>Term of the entry, or of the position before the first one; null outside the retained log.</summary>
    public long? TermAt(long lsn)
    {
        if (lsn == Last.Lsn)
            return Last.Term;
        if (lsn > Last.Lsn || lsn < _view.First.Lsn)
            return null;
        return lsn > _tailStart ? _tail[IndexOf(lsn)].Term : _view.TermAt(lsn);
    }

    /// <summary>The position at <paramref name="lsn"/>, or null outside the retained log.</summary>
    public LogPosition? PositionAt(long lsn) => TermAt(lsn) is { } term ? new LogPosition(lsn, term) : null;

    /// <summary>The batch that begins after <paramref name="lsn"/>; null at the end and outside the retained log.</summary>
    public BatchInfo? BatchAfter(long lsn)
    {
        if (lsn >= Last.Lsn || lsn < _view.First.Lsn)
            return null;
        return lsn >= _tailStart ? _tail[IndexOf(lsn + 1)] : _view.BatchAfter(lsn);
    }

    /// <summary>The largest batch boundary at or below <paramref name="lsn"/>.</summary>
    public long AlignDown(long lsn)
    {
        if (lsn >= Last.Lsn)
            return Last.Lsn;
        if (lsn <= First.Lsn)
            return First.Lsn;
        long start = lsn > _tailStart ? _tail[IndexOf(lsn)].FirstLsn : _view.BatchStart(lsn);
        return BatchAfter(start - 1) is { } batch && batch.LastLsn == lsn ? lsn : start - 1;
    }

    /// <summary>The batch boundary before the one at <paramref name="boundary"/>; <see cref="First"/> at the beginning.</summary>
    public long BoundaryBefore(long boundary)
    {
        if (boundary <= First.Lsn)
            return First.Lsn;
        return (boundary > _tailStart ? _tail[IndexOf(boundary)].FirstLsn : _view.BatchStart(boundary)) - 1;
    }

    /// <summary>
    /// Index in the tail of the batch that holds <paramref name="lsn"/>. Most questions are about the very end, so look there first.
    /// </summary>
    private int IndexOf(long lsn)
    {
        int high = _tail.Count - 1;
        if (lsn >= _tail[high].FirstLsn)
            return high;
        int low = 0;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_tail[middle].LastLsn < lsn)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
