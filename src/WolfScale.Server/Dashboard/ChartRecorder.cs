using System.Collections.Immutable;
using WolfScale.Server.Metrics;
using WolfScale.Wal;

namespace WolfScale.Server.Dashboard;

/// <summary>
/// The last minutes, a point a second, whether anybody looks or not: who opens the page after something has happened sees it happen. What others know (their
/// clients, the leader's stages) is there for the seconds in which they were asked.
/// </summary>
internal sealed class ChartRecorder(TimeProvider time)
{
    public const int Seconds = 300;

    private readonly Queue<DashboardPoint> _points = new();
    private volatile DashboardPoint[] _kept = [];
    private Figures? _before;

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<DashboardPoint> Kept => _kept;

    public DashboardPoint? Last => _kept is [.., var last] ? last : null;

    /// <summary>Takes the next point. Called by one at a time.</summary>
    /// <param name="report">The node.</param>
    /// <param name="figures">Its counters.</param>
    /// <param name="others">What the other nodes have answered.</param>
    public void Note(NodeReport report, Figures figures, ImmutableArray<DashboardNode> others)
    {
        var before = _before;
        _before = figures;
        if (before is null)
            return;
        var seconds = time.GetElapsedTime(before.At, figures.At).TotalSeconds;
        if (seconds <= 0)
            return;
        var leader = report.Role == "LEADER" ? Own(before, figures) : Stages.Of(others.FirstOrDefault(o => o.Status.Id == report.Leader)?.Point);
        _points.Enqueue(new DashboardPoint(
            time.GetUtcNow().ToUnixTimeMilliseconds(),
            Math.Round(Math.Max(0, figures.CommitLsn - before.CommitLsn) / seconds, 1), // in mode available the commit LSN may fall
            leader.CaptureMs, leader.QuorumMs, leader.P95Ms, leader.SyncMs,
            [.. report.Nodes.Select(n => new DashboardNodePoint(
                n.Id, n.Id == report.Leader ? null : n.LagEntries, n.Id == report.Id ? report.ProxySessions : others.FirstOrDefault(o => o.Status.Id == n.Id)?.Status.ProxySessions))]));
        while (_points.Count > Seconds)
            _ = _points.Dequeue();
        _kept = [.. _points];
    }

    private static Stages Own(Figures before, Figures now) => new(
        Mean(before.Capture, now.Capture), Mean(before.Quorum, now.Quorum),
        now.Commits?.Minus(before.Commits) is { Count: > 0 } commits ? Math.Round(commits.Quantile(0.95).TotalMilliseconds, 3) : null,
        Mean(before.Syncs, now.Syncs));

    private static double? Mean(LatencyHistogram? before, LatencyHistogram? now) =>
        now?.Minus(before) is { Count: > 0 } times ? Math.Round(times.Sum.TotalMilliseconds / times.Count, 3) : null;

    private readonly record struct Stages(double? CaptureMs, double? QuorumMs, double? P95Ms, double? SyncMs)
    {
        public static Stages Of(DashboardPoint? point) => point is null ? default : new(point.CaptureMs, point.QuorumMs, point.CommitP95Ms, point.SyncMs);
    }
}
