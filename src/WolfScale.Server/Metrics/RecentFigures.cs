using WolfScale.Wal;

namespace WolfScale.Server.Metrics;

/// <summary>Counters of a node at one moment.</summary>
/// <param name="At">Of the clock's timestamps.</param>
/// <param name="CommitLsn">Of the cluster.</param>
/// <param name="Groups">Transactions captured.</param>
/// <param name="EventBytes">Their bytes.</param>
/// <param name="Capture">What commits took until they were proposed; null where there were none.</param>
/// <param name="Quorum">What they took from there until a majority had them.</param>
/// <param name="Commits">Both together.</param>
/// <param name="Syncs">What syncs of the log took.</param>
/// <param name="Statements">Of the proxy's clients.</param>
/// <param name="LocalReads">Those answered here.</param>
/// <param name="Connections">Clients that came.</param>
internal sealed record Figures(
    long At, long CommitLsn, long Groups, long EventBytes, LatencyHistogram? Capture, LatencyHistogram? Quorum, LatencyHistogram? Commits, LatencyHistogram Syncs, long Statements, long LocalReads, long Connections);

/// <summary>Counters of the last seconds, so that what is asked now is told of just now and not of the process's whole life.</summary>
internal sealed class RecentFigures(Func<Figures> take, TimeProvider time)
{
    /// <summary>Long enough for a quantile, short enough to see what one does.</summary>
    public const int Seconds = 10;

    private readonly Lock _lock = new();
    private readonly Queue<Figures> _kept = new();

    /// <summary>Looks once a second until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), time);
        try
        {
            do
                Note();
            while (await timer.WaitForNextTickAsync(cancellationToken));
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    internal void Note()
    {
        var now = take();
        lock (_lock)
        {
            _kept.Enqueue(now);
            while (_kept.Count > Seconds)
                _ = _kept.Dequeue();
        }
    }

    /// <summary>The oldest that is kept, and now.</summary>
    public (Figures Before, Figures Now) Look()
    {
        lock (_lock)
        {
            var now = take();
            return (_kept.TryPeek(out var before) ? before : now, now);
        }
    }
}
