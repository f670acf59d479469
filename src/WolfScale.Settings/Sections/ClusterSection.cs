using System.Collections.Immutable;

namespace WolfScale.Settings;

/// <summary>Who may acknowledge a write: a majority, or the leader alone.</summary>
public enum GuaranteeMode
{
    Consistent,
    Available,
}

/// <summary>How the lowest id takes the lead back.</summary>
public enum FailbackMode
{
    Manual,
    Auto,
}

/// <summary>The cluster this node belongs to.</summary>
public sealed record ClusterSection
{
    public GuaranteeMode Mode { get; init; } = GuaranteeMode.Consistent;

    /// <summary>Creates a new cluster, once.</summary>
    public bool Bootstrap { get; init; }

    /// <summary><c>host:port</c> of other nodes; this node's own address in the list is ignored.</summary>
    [Live]
    public ImmutableArray<string> Peers { get; init; } = [];

    public string ClusterName { get; init; } = "";

    /// <summary>Shared by all nodes. Empty is accepted on loopback addresses only.</summary>
    [Secret]
    public string Secret { get; init; } = "";

    public bool AutoDiscovery { get; init; } = true;

    [Within(10, 60_000)]
    public int HeartbeatIntervalMs { get; init; } = 500;

    [Within(20, 600_000)]
    public int ElectionTimeoutMinMs { get; init; } = 1500;

    [Within(20, 600_000)]
    public int ElectionTimeoutMaxMs { get; init; } = 3000;

    /// <summary>Instead of the pair: 0.75 to 1.5 times this.</summary>
    [Within(40, 400_000)]
    public int? ElectionTimeoutMs { get; init; }

    /// <summary>Votes, and never serves writes.</summary>
    [Live]
    public bool NeverLeader { get; init; }

    [Live]
    public FailbackMode Failback { get; init; } = FailbackMode.Manual;

    /// <summary>A server that cannot rejoin in place gets a copy of another node's data without being asked.</summary>
    public bool AutoMigrate { get; init; }

    /// <summary>A node silent for so long leaves routing.</summary>
    [Within(1, 86_400)]
    [Live]
    public int DropAfterS { get; init; } = 30;

    /// <summary>Entries in one message to another node at most (and always at least one batch, which <c>wal.batch_size</c> bounds).</summary>
    [Within(1, 100_000)]
    public int MaxBatchEntries { get; init; } = 1000;

    [ReadableFile]
    [Live]
    public string TlsCert { get; init; } = "";

    [ReadableFile]
    [Live]
    public string TlsKey { get; init; } = "";

    [ReadableFile]
    [Live]
    public string TlsCa { get; init; } = "";
}
