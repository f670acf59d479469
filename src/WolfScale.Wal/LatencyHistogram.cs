using System.Numerics;

namespace WolfScale.Wal;

/// <summary>
/// Durations in buckets whose width is an eighth of their power of two of microseconds, so that a quantile is off by 12.5 % at most. Fixed size,
/// nothing allocated; written by any thread.
/// </summary>
public sealed class LatencyHistogram
{
    private const int StepsPerPower = 8;
    private readonly long[] _buckets = new long[40 * StepsPerPower];
    private long _count;
    private long _sumMicroseconds;

    /// <summary>How many durations were recorded.</summary>
    public long Count => Volatile.Read(ref _count);

    public void Record(TimeSpan duration)
    {
        _ = Interlocked.Increment(ref _buckets[Bucket((long)duration.TotalMicroseconds)]);
        _ = Interlocked.Increment(ref _count);
        _ = Interlocked.Add(ref _sumMicroseconds, (long)duration.TotalMicroseconds);
    }

    /// <summary>What is counted now.</summary>
    public LatencyHistogram Copy() => Minus(null);

    /// <summary>What was counted after an earlier copy of this.</summary>
    public LatencyHistogram Minus(LatencyHistogram? earlier)
    {
        var left = new LatencyHistogram { _count = 0, _sumMicroseconds = Volatile.Read(ref _sumMicroseconds) - (earlier?._sumMicroseconds ?? 0) };
        for (var bucket = 0; bucket < _buckets.Length; bucket++)
        {
            left._buckets[bucket] = Volatile.Read(ref _buckets[bucket]) - (earlier?._buckets[bucket] ?? 0);
            left._count += left._buckets[bucket]; // not the counter, which may be ahead
        }

        return left;
    }

    /// <summary>All durations together.</summary>
    public TimeSpan Sum => TimeSpan.FromMicroseconds(Volatile.Read(ref _sumMicroseconds));

    /// <summary>How many took no longer than this, which is rounded to the buckets' width.</summary>
    public long CountWithin(TimeSpan limit)
    {
        var last = Bucket((long)limit.TotalMicroseconds);
        long within = 0;
        for (var bucket = 0; bucket < last; bucket++)
            within += Volatile.Read(ref _buckets[bucket]);
        return within;
    }

    /// <summary>The duration that this share of all stayed within: 0.5 is the median. Zero when nothing was recorded.</summary>
    public TimeSpan Quantile(double share)
    {
        var wanted = (long)Math.Ceiling(Count * share);
        long seen = 0;
        for (var bucket = 0; bucket < _buckets.Length; bucket++)
        {
            seen += Volatile.Read(ref _buckets[bucket]);
            if (seen >= wanted && seen > 0)
                return TimeSpan.FromMicroseconds(UpperBound(bucket));
        }

        return TimeSpan.Zero;
    }

    internal static int Bucket(long microseconds)
    {
        if (microseconds < StepsPerPower)
            return (int)Math.Max(microseconds, 0);
        var power = BitOperations.Log2((ulong)microseconds);
        var step = (int)(microseconds >> (power - 3)) & (StepsPerPower - 1);
        return Math.Min(((power - 2) * StepsPerPower) + step, (40 * StepsPerPower) - 1);
    }

    private static long UpperBound(int bucket)
    {
        if (bucket < StepsPerPower)
            return bucket;
        var power = (bucket / StepsPerPower) + 2;
        return (long)(StepsPerPower + (bucket % StepsPerPower) + 1) << (power - 3);
    }
}
