using WolfScale.Proxy.Net;

namespace WolfScale.Proxy;

/// <summary>Which server answered, as far as that matters for how long it took.</summary>
public enum AnsweredBy
{
    /// <summary>This node's own server, which follows.</summary>
    Local,

    /// <summary>This node's own server, which leads.</summary>
    LeaderHere,

    /// <summary>The leader, on another node.</summary>
    LeaderElsewhere,
}

/// <summary>What the proxy has done since its start. Read anywhere.</summary>
public sealed class ProxyCounters
{
    private readonly LoopMeter[] _meters;

    internal ProxyCounters(LoopMeter[] meters) => _meters = meters;

    public Counter Connections { get; } = new();

    /// <summary>Clients that got error 1040.</summary>
    public Counter Refused { get; } = new();

    /// <summary>Sessions that went on with another leader.</summary>
    public Counter Moves { get; } = new();

    /// <summary>How often a silent client's connection went to the pool.</summary>
    public Counter Parked { get; } = new();

    /// <summary>Statements that went to the leader.</summary>
    public long ToLeader => TakenRoutes.All.Where(r => r != TakenRoute.Local).Sum(Statements);

    /// <summary>Reads that went to this node's own server while it followed.</summary>
    public long LocalReads => Statements(TakenRoute.Local);

    /// <summary>Statements that went this way.</summary>
    public long Statements(TakenRoute route) => _meters.Sum(m => Volatile.Read(ref m.Statements[(int)route]));

    /// <summary>From the moment a statement was sent to a server to the end of its answer, the quorum's word included.</summary>
    public LatencyHistogram Latency(AnsweredBy server)
    {
        var sum = new LatencyHistogram();
        foreach (var meter in _meters)
            sum.Add(meter.Latency[(int)server]);
        return sum;
    }

    /// <summary>A number that only grows. Counted on all loops.</summary>
    public sealed class Counter
    {
        private long _value;

        public long Value => Interlocked.Read(ref _value);

        public void Increment() => Interlocked.Increment(ref _value);
    }
}
