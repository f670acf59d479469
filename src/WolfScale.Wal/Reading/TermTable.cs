using WolfScale.Wal.Segments;

namespace WolfScale.Wal.Reading;

/// <summary>Which term each LSN belongs to: one entry per change of term. Guarded by the log's lock.</summary>
internal sealed class TermTable
{
    private readonly List<TermStart> _starts = [];

    public void Add(long firstLsn, long term)
    {
        if (_starts.Count == 0 || _starts[^1].Term != term)
            _starts.Add(new TermStart(firstLsn, term));
    }

    /// <summary>The term at an LSN that the log holds.</summary>
    public long At(long lsn)
    {
        int low = 0;
        int high = _starts.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (_starts[middle].FirstLsn <= lsn)
                low = middle;
            else
                high = middle - 1;
        }

        return _starts[low].Term;
    }

    public void CutAfter(long lsn) => _starts.RemoveAll(start => start.FirstLsn > lsn);

    /// <summary>Forgets what only concerns LSNs before the given one.</summary>
    public void Prune(long firstLsn)
    {
        int useless = 0;
        while (useless + 1 < _starts.Count && _starts[useless + 1].FirstLsn <= firstLsn)
            useless++;
        _starts.RemoveRange(0, useless);
    }

    public void Clear() => _starts.Clear();
}
