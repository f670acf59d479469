using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace WolfScale.Client;

/// <summary>What this node knows at one moment. Unknown is null.</summary>
public sealed record NodeReport
{
    public required string Id { get; init; }

    public string? Incarnation { get; init; }

    public string? ClusterName { get; init; }

    public string? ClusterId { get; init; }

    /// <summary><c>consistent</c> or <c>available</c>.</summary>
    public required string Mode { get; init; }

    /// <summary>LEADER, FOLLOWER, CANDIDATE, LEARNER or WITNESS.</summary>
    public string? Role { get; init; }

    /// <summary>ACTIVE, LAGGING, DROPPED, JOINING, SYNCING, OFFLINE or NEEDS_MIGRATION.</summary>
    public string? Status { get; init; }

    /// <summary>Why the status is not ACTIVE, for a person.</summary>
    public string? Reason { get; init; }

    /// <summary>The leader's id.</summary>
    public string? Leader { get; init; }

    public long Term { get; init; }

    public long LastLsn { get; init; }

    /// <summary>The term of the log's last entry: of two logs, the one with the later term is the newer, then the longer one.</summary>
    public long LastTerm { get; init; }

    public long CommitLsn { get; init; }

    public long? AppliedLsn { get; init; }

    /// <summary>Committed entries not yet visible in the local server.</summary>
    public long? LagEntries { get; init; }

    /// <summary>How long the local server has been behind, in seconds; 0 when it is not.</summary>
    public double? LagSeconds { get; init; }

    /// <summary>Whether this node leads and its server accepts writes.</summary>
    public bool AcceptsWrites { get; init; }

    /// <summary>Whether the server follows and is in step, so that this node's proxy answers reads from it.</summary>
    public bool ServesReads { get; init; }

    /// <summary>Whether an operator has told this node to keep the lead away.</summary>
    public bool Maintenance { get; init; }

    /// <summary>Clients of this node's proxy, other proxies' connections among them; null where it is off.</summary>
    public int? ProxySessions { get; init; }

    /// <summary>See <see cref="ClusterDocument.HiddenNames"/>.</summary>
    [JsonIgnore]
    public string? HiddenNames { get; init; }

    public DatabaseReport? Database { get; init; }

    /// <summary>The copy of another node's data that is under way, or the last one since the node started; null: none.</summary>
    public MigrationReport? Migration { get; init; }

    /// <summary>The last comparison of all nodes in which this one took part; null: none.</summary>
    public VerifiedDocument? Verified { get; init; }

    public AddressReport? Addresses { get; init; }

    /// <summary>What this node has given up in its life; null: nothing, ever. <c>/events</c> names all files.</summary>
    public DiscardedReport? Discarded { get; init; }

    /// <summary>What weakens the promise: <c>fsync_off</c>, <c>mode_available</c>.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];

    /// <summary>The node's clock when it answered.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>The file system of its data directory.</summary>
    public DiskReport? Disk { get; init; }

    /// <summary>The certificates that it shows.</summary>
    public ImmutableArray<CertificateReport> Certificates { get; init; } = [];

    /// <summary>Keys whose value in its configuration file wants a restart, as the last reload has found.</summary>
    public ImmutableArray<string> NeedRestart { get; init; } = [];

    public required string Version { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public required int Pid { get; init; }

    /// <summary>Set once when the node can serve no more (a log or state that cannot be written).</summary>
    public string? Failure { get; init; }

    /// <summary>All members as this node sees them, itself included.</summary>
    public ImmutableArray<MemberReport> Nodes { get; init; } = [];
}

/// <summary>The local MariaDB.</summary>
public sealed record DatabaseReport
{
    public required bool Enabled { get; init; }

    public bool Up { get; init; }

    public string? Version { get; init; }

    /// <summary>Whether it may open for writes (rule C4), and if not, why.</summary>
    public bool Fit { get; init; }

    public string? Reason { get; init; }

    public string? GtidPosition { get; init; }

    /// <summary>What is being done with it: <c>following</c>, <c>promoting</c>, <c>serving</c>, <c>rewinding</c>…</summary>
    public string? Phase { get; init; }

    /// <summary>What is wrong although it works.</summary>
    public ImmutableArray<string> Alarms { get; init; } = [];

    /// <summary>On the leader: whether its commits wait for the quorum (semi-sync), as its last look found it. Null on others.</summary>
    public bool? SemiSync { get; init; }
}

/// <summary>Transactions that a node held and the cluster went on without, since the node's data directory was made.</summary>
/// <param name="Transactions">Cut off from its log, where clients may have been told OK for them: mode "available" alone.</param>
/// <param name="LastFile">Where the last of those are saved, on the node; null: there are none.</param>
/// <param name="RolledBack">Undone on its MariaDB: the same ones, once its server has followed its log, and others that were never acknowledged.</param>
public sealed record DiscardedReport(long Transactions, string? LastFile, long RolledBack);

/// <summary>A file system.</summary>
/// <param name="FreeBytes">Free for the node's account.</param>
/// <param name="TotalBytes">Its size.</param>
public sealed record DiskReport(long FreeBytes, long TotalBytes);

/// <summary>A certificate.</summary>
/// <param name="Use">The section that names it: <c>cluster</c>, <c>api</c> or <c>proxy</c>.</param>
/// <param name="NotAfter">When it ends.</param>
public sealed record CertificateReport(string Use, DateTimeOffset NotAfter);

/// <summary>Where this node is reached.</summary>
public sealed record AddressReport(string Cluster, string? Api, string? Proxy);

/// <summary>One member as this node sees it.</summary>
public sealed record MemberReport
{
    public required string Id { get; init; }

    public string? Incarnation { get; init; }

    /// <summary>Cluster address.</summary>
    public string? Address { get; init; }

    public string? Api { get; init; }

    public string? Proxy { get; init; }

    public string? Role { get; init; }

    public string? Status { get; init; }

    public string? Reason { get; init; }

    public long? LastLsn { get; init; }

    public long? AppliedLsn { get; init; }

    public long? LagEntries { get; init; }

    public bool Voter { get; init; }

    /// <summary>Votes and never serves: <c>cluster.never_leader</c>.</summary>
    public bool NeverLeader { get; init; }

    public bool Fit { get; init; }

    /// <summary>Milliseconds since it was last heard of; 0 for the node itself.</summary>
    public long? LastHeardMs { get; init; }
}
