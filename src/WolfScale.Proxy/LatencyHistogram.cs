using System.Numerics;

namespace WolfScale.Proxy;

/// <summary>
/// How long things took: counts by logarithmic buckets, 8 to an octave, so that a quantile is within 6 % of the truth from 1 µs to an hour. One
/// thread records, any reads; nothing is allocated.
/// </summary>
public sealed class LatencyHistogram
{
    private const int PerOctave = 8;
    private const int Octaves = 32;

    private readonly long[] _counts = new long[PerOctave * Octaves];
    private long _sum;

    /// <param name="microseconds">Of one.</param>
    public void Record(long microseconds)
    {
        _counts[Bucket(microseconds)]++;
        _sum += microseconds;
    }

    /// <summary>All together, in microseconds.</summary>
    public long Sum => Volatile.Read(ref _sum);

    /// <summary>How many took less than this, which is rounded down to the buckets' width.</summary>
    public long CountWithin(long microseconds)
    {
        var last = Bucket(microseconds);
        long within = 0;
        for (var bucket = 0; bucket < last; bucket++)
            within += Volatile.Read(ref _counts[bucket]);
        return within;
    }

    /// <summary>Adds the counts of another one.</summary>
    public void Add(LatencyHistogram other)
    {
        for (var i = 0; i < _counts.Length; i++)
            _counts[i] += Volatile.Read(ref other._counts[i]);
        _sum += other.Sum;
    }

    public long Count => _counts.Sum();

    /// <param name="share">Between 0 and 1: 0.5 for the median.</param>
    /// <returns>Microseconds that this share did not exceed: the middle of its bucket. Null where nothing was recorded.</returns>
    public long? Quantile(double share)
    {
        var rank = (long)Math.Ceiling(share * Count);
        for (var bucket = 0; bucket < _counts.Length; bucket++)
        {
            rank -= _counts[bucket];
            if (rank <= 0 && _counts[bucket] > 0)
                return (LowerBound(bucket) + LowerBound(bucket + 1)) / 2;
        }

        return null;
    }

    /// <summary>Below one octave's width each value has a bucket of its own.</summary>
    private static int Bucket(long value)
    {
        if (value < PerOctave)
            return (int)Math.Max(value, 0);
        var octave = BitOperations.Log2((ulong)value) - 3; // of 8: the first octave begins there
        return Math.Min(((octave + 1) * PerOctave) + (int)((value >> octave) - PerOctave), (PerOctave * Octaves) - 1);
    }

    private static long LowerBound(int bucket)
    {
        var octave = (bucket / PerOctave) - 1;
        return octave < 0 ? bucket : (long)(PerOctave + (bucket % PerOctave)) << octave;
    }
}
