using WolfScale.Wal;

namespace WolfScale.Server.Metrics;

/// <summary>Makes <c>GET /stats</c> of two looks at a node's counters.</summary>
internal static class NodeStats
{
    /// <param name="report">The node now.</param>
    /// <param name="before">Some seconds ago.</param>
    /// <param name="now">Now.</param>
    /// <param name="waiting">Commits that wait for the quorum.</param>
    /// <param name="time">Whose timestamps these are.</param>
    public static StatsDocument Make(NodeReport report, Figures before, Figures now, int waiting, TimeProvider time)
    {
        var seconds = time.GetElapsedTime(before.At, now.At).TotalSeconds;
        return new StatsDocument(
            report.Id, time.GetUtcNow(), Math.Round(seconds, 3), report.Role, report.Leader, report.Term, report.LastLsn, report.CommitLsn, report.AppliedLsn,
            Rate(before.CommitLsn, now.CommitLsn),
            report.Role != "LEADER" ? null : new LeadingStats(
                Rate(before.Groups, now.Groups), Rate(before.EventBytes, now.EventBytes), waiting, Times(before.Commits, now.Commits ?? new LatencyHistogram())),
            Times(before.Syncs, now.Syncs),
            report.ProxySessions is { } sessions
                ? new ProxyStats(sessions, Rate(before.Statements, now.Statements), Rate(before.LocalReads, now.LocalReads), Rate(before.Connections, now.Connections))
                : null,
            report.Nodes);

        // In mode available the commit LSN may fall.
        double Rate(long from, long to) => seconds > 0 ? Math.Round(Math.Max(0, to - from) / seconds, 1) : 0;

        TimesStats Times(LatencyHistogram? from, LatencyHistogram to)
        {
            var times = to.Minus(from);
            return times.Count == 0
                ? new TimesStats(0, null, null, null)
                : new TimesStats(Rate(0, times.Count), Ms(times, 0.5), Ms(times, 0.95), Ms(times, 0.99));
        }

        static double Ms(LatencyHistogram times, double share) => Math.Round(times.Quantile(share).TotalMilliseconds, 3);
    }
}
