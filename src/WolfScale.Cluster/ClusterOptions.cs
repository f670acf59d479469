using WolfScale.Cluster.Transport;
using WolfScale.Consensus;

namespace WolfScale.Cluster;

/// <summary>Entries that are about to be cut off, and still stand in the log.</summary>
/// <param name="Log">The log.</param>
/// <param name="State">For what is to outlive the process.</param>
/// <param name="FirstLsn">The first of them.</param>
/// <param name="LastLsn">The last of them, where the log ends.</param>
/// <param name="NewLeader">The node that leads the later epoch.</param>
public sealed record DiscardedEntries(WolfScale.Wal.WriteAheadLog Log, State.IStateStore State, long FirstLsn, long LastLsn, string NewLeader);

/// <summary>How a node takes part in its cluster. Times and sizes carry their units in the names.</summary>
public sealed record ClusterOptions
{
    /// <summary>node.id: unique in the cluster; the lowest is preferred as leader.</summary>
    public required string NodeId { get; init; }

    /// <summary>node.data_dir: the log goes to its folder <c>wal</c>, the node's own state to <c>state/state.db</c>.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>node.bind_address, HOST:PORT with a literal address or "localhost"; port 0 takes a free one.</summary>
    public required string BindAddress { get; init; }

    /// <summary>node.advertise_address, HOST:PORT; empty: the bound address.</summary>
    public string AdvertiseAddress { get; init; } = "";

    /// <summary>cluster.peers, HOST:PORT each; the node's own address among them does no harm.</summary>
    public IReadOnlyList<string> Peers { get; init; } = [];

    /// <summary>cluster.cluster_name: nodes with another name are refused.</summary>
    public string ClusterName { get; init; } = "";

    /// <summary>cluster.secret: what every node proves to know. Empty is accepted on loopback addresses only.</summary>
    public string Secret { get; init; } = "";

    /// <summary>TLS between nodes; null for none.</summary>
    public TlsFiles? Tls { get; init; }

    /// <summary>
    /// cluster.auto_discovery: nodes find one another on their networks, over UDP on the cluster port. Without <see cref="Secret"/> it is off, because
    /// anybody could speak for the cluster.
    /// </summary>
    public bool Discovery { get; init; }

    /// <summary>api.bind_address as others reach it, HOST:PORT, for those who look for the cluster; empty: there is none.</summary>
    public string ApiAddress { get; init; } = "";

    /// <summary>The API speaks HTTPS.</summary>
    public bool ApiTls { get; init; }

    /// <summary>Found a new cluster if this data directory belongs to none. Ignored, with a line in the log, where it does.</summary>
    public bool Bootstrap { get; init; }

    /// <summary>
    /// With <see cref="Bootstrap"/>: finds out what the database holds before LSN 1 (rule C2), and may write to it. Called only when a cluster is really
    /// founded: the data directory belongs to none, and no peer answered from one. Null: an empty database.
    /// </summary>
    public Func<CancellationToken, Task<LogBase>>? BootstrapBase { get; init; }

    /// <summary>What an acknowledgement promises (rule C5). A founder writes it into the log; a node whose cluster has another one does not take part.</summary>
    public ClusterMode Mode { get; init; } = ClusterMode.Consistent;

    /// <summary>
    /// Mode "available": saves and reports entries that may have been acknowledged and are about to be cut off, because the cluster goes on without them. Called
    /// under the node's gate. Where it throws nothing is cut off: the node takes no part until it succeeds.
    /// </summary>
    public Action<DiscardedEntries>? SaveDiscarded { get; init; }

    /// <summary>cluster.never_leader: votes and never serves (rule C3).</summary>
    public bool NeverLeader { get; init; }

    /// <summary>database.enabled = false: keeps the log and votes, has no MariaDB.</summary>
    public bool Witness { get; init; }

    /// <summary>cluster.heartbeat_interval_ms: also how often nodes tell one another their status.</summary>
    public int HeartbeatIntervalMs { get; init; } = 500;

    public int ElectionTimeoutMinMs { get; init; } = 1500;

    public int ElectionTimeoutMaxMs { get; init; } = 3000;

    /// <summary>cluster.drop_after_s: a node silent for so long is DROPPED, and loses its vote where that costs no fault tolerance.</summary>
    public int DropAfterS { get; init; } = 30;

    /// <summary>cluster.max_batch_entries: a message to another node carries no more entries, unless one batch alone does.</summary>
    public int MaxMessageEntries { get; init; } = 1000;

    /// <summary>wal.fsync; false promises less, see the guarantees.</summary>
    public bool Fsync { get; init; } = true;

    /// <summary>wal.flush_interval_ms, with <see cref="Fsync"/> off.</summary>
    public int FlushIntervalMs { get; init; } = 100;

    /// <summary>wal.segment_size_mb × 2²⁰.</summary>
    public long SegmentBytes { get; init; } = 64 << 20;

    /// <summary>wal.retention_hours: segments younger than this are kept. 0 keeps nothing that nobody needs.</summary>
    public double RetentionHours { get; init; } = 168;

    /// <summary>wal.max_size_gb × 2³⁰: above it old segments go even if a dropped member would need them; 0 for no limit.</summary>
    public long MaxLogBytes { get; init; }

    /// <summary>Back-pressure: proposers wait while more than this is appended and not yet synced, in bytes.</summary>
    public long MaxPendingBytes { get; init; } = 64 << 20;

    /// <summary>How much of the log's end is kept in memory, in bytes.</summary>
    public long TailCacheBytes { get; init; } = 16 << 20;

    /// <summary>The file layer of the log; null is the real one. For tests with a faulty disk.</summary>
    public WolfScale.Wal.Files.IWalFiles? WalFiles { get; init; }
}
