namespace WolfScale.Proxy.Net;

/// <summary>What the sessions of one loop have done: written by its thread alone, so that counting costs nothing.</summary>
internal sealed class LoopMeter
{
    /// <summary>By <see cref="TakenRoute"/>.</summary>
    public long[] Statements { get; } = new long[TakenRoutes.Count];

    /// <summary>By <see cref="AnsweredBy"/>.</summary>
    public LatencyHistogram[] Latency { get; } = [new(), new(), new()];
}
