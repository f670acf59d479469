namespace WolfScale.Cluster.Transport;

/// <summary>The duration that 95 in 100 do not exceed, as it usually is: the mean over the newest blocks of durations, of which older ones count less and less. Not thread-safe.</summary>
internal sealed class UsualTail
{
    /// <summary>Durations of a block; of fewer the tail would be a single one.</summary>
    public const int Block = 64;

    /// <summary>A new block counts one in so many: at fifty commits a second the usual is that of the last ten seconds.</summary>
    private const int Blocks = 8;

    private readonly double[] _block = new double[Block];
    private int _count;

    /// <summary>In milliseconds; null until there is a whole block.</summary>
    public double? P95 { get; private set; }

    public void Add(double ms)
    {
        _block[_count++] = ms;
        if (_count < Block)
            return;
        _count = 0;
        Array.Sort(_block);
        var tail = _block[(int)(Block * 0.95)];
        P95 = P95 is { } usual ? usual + ((tail - usual) / Blocks) : tail;
    }

    public void Forget()
    {
        _count = 0;
        P95 = null;
    }
}
