namespace WolfScale.Cluster.Transport;

/// <summary>The newest durations, and the one that 95 in 100 of them do not exceed. Not thread-safe.</summary>
internal sealed class TailWindow
{
    /// <summary>So many; at fifty commits a second a little more than a second.</summary>
    public const int Size = 64;

    /// <summary>Of fewer the tail would be a single one.</summary>
    private const int Enough = 20;

    private readonly double[] _ring = new double[Size];
    private long _added;

    public void Clear() => _added = 0;

    public void Add(double ms) => _ring[_added++ % Size] = ms;

    /// <summary>After every <see cref="Size"/> additions, and only then, what <see cref="P95"/> says: each duration is in one answer.</summary>
    public double? TakeFull() => _added > 0 && _added % Size == 0 ? P95() : null;

    /// <summary>In milliseconds; null where there are too few.</summary>
    public double? P95()
    {
        if (_added < Enough)
            return null;
        Span<double> sorted = stackalloc double[Size];
        sorted = sorted[..(int)Math.Min(_added, Size)];
        _ring.AsSpan(0, sorted.Length).CopyTo(sorted);
        sorted.Sort();
        return sorted[(int)(sorted.Length * 0.95)];
    }
}
