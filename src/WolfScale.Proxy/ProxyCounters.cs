namespace WolfScale.Proxy;

/// <summary>What the proxy has done since its start. Counted on all loops, read anywhere.</summary>
public sealed class ProxyCounters
{
    public Counter Connections { get; } = new();

    /// <summary>Commands that went to the leader.</summary>
    public Counter ToLeader { get; } = new();

    /// <summary>Reads that the local server answered.</summary>
    public Counter LocalReads { get; } = new();

    /// <summary>Sessions that went on with another leader.</summary>
    public Counter Moves { get; } = new();

    /// <summary>A number that only grows.</summary>
    public sealed class Counter
    {
        private long _value;

        public long Value => Interlocked.Read(ref _value);

        public void Increment() => Interlocked.Increment(ref _value);
    }
}
