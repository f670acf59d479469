using WolfScale.Cluster.History;
using WolfScale.MariaDb;
using WolfScale.Proxy;
using WolfScale.Wal;

namespace WolfScale.Server.Metrics;

/// <summary>What <c>GET /metrics</c> tells of a node beside its report.</summary>
/// <param name="Log">Its log.</param>
/// <param name="History">What happened to it.</param>
/// <param name="Commits">What commits took; null on a witness, and before it is a member.</param>
/// <param name="WaitingCommits">Commits that wait for the quorum now.</param>
/// <param name="Proxy">Its proxy's counters; null where it has none.</param>
internal sealed record NodeMeasures(WriteAheadLog Log, EventHistory History, CommitStages? Commits, int WaitingCommits, ProxyCounters? Proxy);

/// <summary>A node for Prometheus. Names and units follow its conventions; docs/metrics.md lists them.</summary>
internal static class NodeMetrics
{
    internal static readonly string[] Roles = ["LEADER", "FOLLOWER", "CANDIDATE", "LEARNER", "WITNESS"];
    internal static readonly string[] Statuses = ["ACTIVE", "LAGGING", "DROPPED", "JOINING", "SYNCING", "OFFLINE", "NEEDS_MIGRATION"];

    /// <summary>Told from the start on, so that a rate over the first one is right.</summary>
    private static readonly string[] AlwaysTold = [EventKinds.Elected, EventKinds.LeaderChanged, EventKinds.Switchover, EventKinds.Discarded, EventKinds.Rewound, EventKinds.Different, EventKinds.Error];

    public static string Write(NodeReport report, NodeMeasures measures)
    {
        var text = new MetricsText();
        WriteNode(text, report);
        WriteMembers(text, report);
        WriteLog(text, measures.Log);
        WriteEvents(text, measures.History);
        if (measures.Commits is { } commits)
            WriteCommits(text, commits, measures.WaitingCommits);
        if (measures.Proxy is { } proxy)
            ProxyMetrics.Write(text, proxy, report.ProxySessions ?? 0);
        return text.ToString();
    }

    private static void WriteNode(MetricsText text, NodeReport report)
    {
        _ = text.Gauge("wolfscale_build_info", "Always 1: the program's version.").Sample(1, ("version", report.Version));
        _ = text.Gauge("wolfscale_node_info", "Always 1: which node of which cluster this is, and how the cluster acknowledges.")
            .Sample(1, ("node", report.Id), ("cluster", report.ClusterName ?? ""), ("mode", report.Mode));
        _ = text.Gauge("wolfscale_start_time_seconds", "When the process began, in seconds since 1970.").Sample(report.StartedAt.ToUnixTimeMilliseconds() / 1000.0);
        _ = text.Gauge("wolfscale_node_role", "1 for the node's role, 0 for the others.");
        foreach (var role in Roles)
            _ = text.Sample(report.Role == role, ("role", role.ToLowerInvariant()));
        _ = text.Gauge("wolfscale_term", "The term of consensus; it rises with every election.").Sample(report.Term);
        _ = text.Gauge("wolfscale_last_lsn", "Last entry that is on this node's disk.").Sample(report.LastLsn);
        _ = text.Gauge("wolfscale_commit_lsn", "Last entry that a majority is known to have.").Sample(report.CommitLsn);
        _ = text.Gauge("wolfscale_applied_lsn", "Last entry that the local MariaDB has applied.").Sample(report.AppliedLsn);
        _ = text.Gauge("wolfscale_lag_entries", "Committed entries that the local MariaDB has not applied.").Sample(report.LagEntries);
        _ = text.Gauge("wolfscale_lag_seconds", "How long the local MariaDB has been behind.").Sample(report.LagSeconds);
        _ = text.Gauge("wolfscale_accepts_writes", "1 where the node leads and its MariaDB is open for writes.").Sample(report.AcceptsWrites);
        _ = text.Gauge("wolfscale_serves_reads", "1 where its MariaDB follows and is in step.").Sample(report.ServesReads);
        _ = text.Gauge("wolfscale_maintenance", "1 while an operator keeps the lead away from the node.").Sample(report.Maintenance);
        _ = text.Gauge("wolfscale_warnings", "Settings that weaken what is promised, such as fsync = false.").Sample(report.Warnings.Length);
        _ = text.Gauge("wolfscale_discarded_transactions", "Transactions that the node held and the cluster went on without, since its data directory was made.")
            .Sample(report.Discarded?.Transactions ?? 0, ("what", "log")).Sample(report.Discarded?.RolledBack ?? 0, ("what", "rolled_back"));
        if (report.Database is not { Enabled: true } database)
            return;
        _ = text.Gauge("wolfscale_database_up", "1 where the local MariaDB answers.").Sample(database.Up);
        _ = text.Gauge("wolfscale_database_fit", "1 where it may serve now: its position is known, its applier runs, its disk can be written.").Sample(database.Fit);
        _ = text.Gauge("wolfscale_database_alarms", "What is wrong with it and does not keep it from serving, such as semi-sync that somebody turned off.").Sample(database.Alarms.Length);
        if (database.SemiSync is { } waits)
            _ = text.Gauge("wolfscale_semi_sync_on", "1 where the leader's MariaDB holds each commit until the quorum has it; told by the leader alone.").Sample(waits);
    }

    private static void WriteMembers(MetricsText text, NodeReport report)
    {
        _ = text.Gauge("wolfscale_member_status", "1 for each member's status as this node shows it, 0 for the others.");
        foreach (var member in report.Nodes)
        {
            foreach (var status in Statuses)
                _ = text.Sample(member.Status == status, ("member", member.Id), ("status", status.ToLowerInvariant()));
        }

        _ = text.Gauge("wolfscale_member_voter", "1 where the member votes.");
        foreach (var member in report.Nodes)
            _ = text.Sample(member.Voter, ("member", member.Id));
        _ = text.Gauge("wolfscale_member_lag_entries", "Committed entries that the member's MariaDB has not applied, as this node has heard.");
        foreach (var member in report.Nodes)
            _ = text.Sample(member.LagEntries, ("member", member.Id));
        _ = text.Gauge("wolfscale_member_last_heard_seconds", "How long ago this node heard of the member.");
        foreach (var member in report.Nodes)
            _ = text.Sample(member.LastHeardMs / 1000.0, ("member", member.Id));
    }

    private static void WriteLog(MetricsText text, WriteAheadLog log)
    {
        var segments = log.Segments;
        _ = text.Gauge("wolfscale_wal_bytes", "Length of the log's files.").Sample(segments.Sum(s => s.Bytes));
        _ = text.Gauge("wolfscale_wal_segments", "The log's files.").Sample(segments.Count);
        _ = text.Gauge("wolfscale_wal_first_lsn", "First entry that the log still holds.").Sample(log.FirstLsn);
        _ = text.Gauge("wolfscale_wal_pending_bytes", "What is to be written.").Sample(log.PendingBytes);
        _ = text.Gauge("wolfscale_wal_failed", "1 where the log cannot be written.").Sample(log.Failure is not null);
        _ = text.Histogram("wolfscale_wal_sync_seconds", "What the disk took for each sync of the log.");
        Distribution(text, log.SyncTimes);
    }

    private static void WriteEvents(MetricsText text, EventHistory history)
    {
        _ = text.Counter("wolfscale_events_total", "What happened, by kind: see GET /events.");
        foreach (var kind in AlwaysTold.Union(history.Told.Keys).Order(StringComparer.Ordinal))
            _ = text.Sample(history.Told.GetValueOrDefault(kind), ("kind", kind));
    }

    private static void WriteCommits(MetricsText text, CommitStages commits, int waiting)
    {
        _ = text.Gauge("wolfscale_commits_waiting", "Commits of the local MariaDB that wait for the quorum.").Sample(waiting);
        _ = text.Counter("wolfscale_captured_groups_total", "Transactions that this node wrote to the log while it led.").Sample(commits.Groups);
        _ = text.Counter("wolfscale_captured_bytes_total", "Bytes of their events.").Sample(commits.EventBytes);
        _ = text.Counter("wolfscale_captured_stored_bytes_total", "Bytes that they take in the log, compressed.").Sample(commits.StoredBytes);
        _ = text.Histogram("wolfscale_commit_stage_seconds", "What a commit took on the leader: until it was in the log's hands (capture), until a majority had it on disk (quorum), both (total).");
        Distribution(text, commits.Capture, ("stage", "capture"));
        Distribution(text, commits.Quorum, ("stage", "quorum"));
        Distribution(text, commits.Total, ("stage", "total"));
    }

    private static void Distribution(MetricsText text, WolfScale.Wal.LatencyHistogram times, params ReadOnlySpan<(string Name, string Value)> labels) =>
        text.Distribution(limit => times.CountWithin(TimeSpan.FromSeconds(limit)), times.Count, times.Sum.TotalSeconds, labels);
}
