using System.Collections.Immutable;
using System.Globalization;
using WolfScale.Cluster;
using WolfScale.Consensus;
using WolfScale.MariaDb;
using WolfScale.Server.Http;

namespace WolfScale.Server.Hosting;

/// <summary>Makes the HTTP side's snapshot of the cluster's view and the local server's state.</summary>
internal static class ReportBuilder
{
    /// <summary>The node's own facts.</summary>
    /// <param name="configuration">As started.</param>
    /// <param name="view">The cluster as this node sees it.</param>
    /// <param name="ends">Of this node's log, newer than the view's.</param>
    /// <param name="database">Null on a witness, and before the node is a member.</param>
    /// <param name="lagSeconds">How long the local server has been behind.</param>
    /// <param name="process">Version, start and process id.</param>
    public static NodeReport Build(
        NodeConfiguration configuration, ClusterView view, LogEnds ends, DatabaseState? database, double? lagSeconds, ProcessFacts process)
    {
        var self = view.Self;
        var applied = configuration.Database.Enabled ? database?.AppliedLsn : null;
        return new NodeReport
        {
            Id = view.SelfId,
            Incarnation = Hex(self.Incarnation),
            ClusterName = view.ClusterName.Length > 0 ? view.ClusterName : null,
            ClusterId = view.ClusterId == Guid.Empty ? null : view.ClusterId.ToString(),
            Mode = Word(view.Mode.ToString()).ToLowerInvariant(),
            Role = Word(self.Role.ToString()),
            Status = Word(self.Status.ToString()),
            Reason = Text(view.Stopped ?? self.Reason),
            Leader = view.LeaderId,
            Term = view.Term,
            LastLsn = ends.Durable,
            CommitLsn = ends.Commit,
            AppliedLsn = applied,
            LagEntries = applied is { } lsn ? Math.Max(0, ends.Commit - lsn) : null,
            LagSeconds = lagSeconds,
            AcceptsWrites = self.Role == NodeRole.Leader && database is { Serving: true },
            ServesReads = database is { Phase: DatabasePhase.Following, NodeStatus: "ACTIVE" },
            Database = Database(configuration, database),
            Migration = Migration(database?.Migration),
            Addresses = new AddressReport(
                configuration.AdvertiseAddress,
                configuration.Api.Enabled ? LocalFacts.Advertised(configuration, configuration.Api.BindAddress) : null,
                configuration is { Proxy.Enabled: true, Database.Enabled: true } ? LocalFacts.Advertised(configuration, configuration.Proxy.BindAddress) : null),
            Warnings = Warnings(configuration, view),
            Version = process.Version,
            StartedAt = process.StartedAt,
            Pid = process.Id,
            Failure = view.Stopped,
            Nodes = [.. view.Nodes.Select(n => n.Id == view.SelfId
                ? Member(n with { LastLsn = ends.Durable, AppliedLsn = applied ?? 0, LagEntries = Math.Max(0, ends.Commit - (applied ?? 0)) })
                : Member(n))],
        };
    }

    /// <summary>On one line: role, status, progress.</summary>
    public static string Summary(NodeReport report)
    {
        var applied = report.AppliedLsn is { } lsn ? string.Create(CultureInfo.InvariantCulture, $", applied {lsn}") : "";
        var leader = report.Leader is null ? "no leader" : report.Leader == report.Id ? "leads" : $"leader {report.Leader}";
        var reason = report.Reason is null ? "" : $"; {report.Reason.ReplaceLineEndings(" ")}";
        return string.Create(CultureInfo.InvariantCulture, $"{report.Role}, {report.Status}: LSN {report.CommitLsn}{applied}; {leader} in term {report.Term}{reason}");
    }

    private static DatabaseReport Database(NodeConfiguration configuration, DatabaseState? database) => new()
    {
        Enabled = configuration.Database.Enabled,
        Up = database?.Up == true,
        Version = Text(database?.Version),
        Fit = database?.Fit == true,
        Phase = database is null ? null : Word(database.Phase.ToString()).ToLowerInvariant(),
        Reason = Text(database?.Reason),
        GtidPosition = Text(database?.Position),
        Alarms = database?.Alarms ?? [],
        SemiSync = database is { Serving: true } ? database.SemiSync : null,
    };

    private static MigrationReport? Migration(MigrationProgress? migration) => migration is null ? null : new MigrationReport
    {
        From = migration.From,
        Phase = Word(migration.Phase.ToString()).ToLowerInvariant(),
        Bytes = migration.Bytes,
        EstimatedBytes = migration.EstimatedBytes > 0 ? migration.EstimatedBytes : null,
        BytesPerSecond = migration.BytesPerSecond,
        Attempt = migration.Attempt,
        StartedAt = migration.StartedAt,
        Error = Text(migration.Error),
    };

    private static MemberReport Member(NodeView node) => new()
    {
        Id = node.Id,
        Incarnation = Hex(node.Incarnation),
        Address = Text(node.ClusterAddress),
        Api = Text(node.ApiAddress),
        Proxy = Text(node.ProxyAddress),
        Role = Word(node.Role.ToString()),
        Status = Word(node.Status.ToString()),
        Reason = Text(node.Reason),
        LastLsn = node.LastLsn,
        AppliedLsn = node.Witness ? null : node.AppliedLsn,
        LagEntries = node.Witness ? null : node.LagEntries,
        Voter = node.Voter,
        NeverLeader = node.NeverLeader,
        Fit = node.Fit,
        LastHeardMs = node.LastHeardMs,
    };

    private static ImmutableArray<string> Warnings(NodeConfiguration configuration, ClusterView view)
    {
        var warnings = ImmutableArray.CreateBuilder<string>();
        if (!configuration.Wal.Fsync)
            warnings.Add("fsync_off");
        if (view.Mode == ClusterMode.Available)
            warnings.Add("mode_available");
        if (view.ClusterId != Guid.Empty && (view.Mode == ClusterMode.Available) != (configuration.Cluster.Mode == GuaranteeMode.Available))
            warnings.Add("mode_differs");
        return warnings.ToImmutable();
    }

    /// <summary><c>NeedsMigration</c> → <c>NEEDS_MIGRATION</c>.</summary>
    private static string Word(string name) => ConfigurationSchema.SnakeCase(name).ToUpperInvariant();

    private static string Hex(ulong incarnation) => incarnation.ToString("x16", CultureInfo.InvariantCulture);

    private static string? Text(string? text) => string.IsNullOrEmpty(text) ? null : text;
}

/// <summary>What does not change while the process runs.</summary>
internal sealed record ProcessFacts(string Version, DateTimeOffset StartedAt, int Id);

/// <summary>Last durable and last committed LSN, as of now.</summary>
internal readonly record struct LogEnds(long Durable, long Commit);
