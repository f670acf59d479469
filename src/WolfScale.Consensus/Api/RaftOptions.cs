namespace WolfScale.Consensus;

/// <summary>Times and limits of the core. All times in milliseconds of the host's monotonic clock.</summary>
public sealed record RaftOptions
{
    /// <summary>How often a leader speaks to every member.</summary>
    public int HeartbeatIntervalMs { get; init; } = 500;

    /// <summary>No election starts before a leader was silent for this long.</summary>
    public int ElectionTimeoutMinMs { get; init; } = 1500;

    /// <summary>
    /// Upper end of the randomised, ranked timeouts; also how long a leader goes on without hearing from a majority (check-quorum).
    /// </summary>
    public int ElectionTimeoutMaxMs { get; init; } = 3000;

    /// <summary>
    /// How long a risen commit LSN waits for batches to travel with before it is sent alone. Every message costs a wake-up on both
    /// machines; 0 sends it at once.
    /// </summary>
    public int CommitUpdateDelayMs { get; init; } = 5;

    /// <summary>How long a leadership transfer may take before proposals are accepted again.</summary>
    public int TransferTimeoutMs { get; init; } = 3000;

    /// <summary>An append message carries batches up to this many bytes (and always at least one batch).</summary>
    public int MaxMessageBytes { get; init; } = 1 << 20;

    /// <summary>… and up to this many entries.</summary>
    public int MaxMessageEntries { get; init; } = int.MaxValue;

    /// <summary>Append messages with batches sent to one member and not acknowledged.</summary>
    public int MaxInflightMessages { get; init; } = 256;

    /// <summary>Bytes of batches sent to one member and not acknowledged; one message may go beyond it.</summary>
    public int MaxInflightBytes { get; init; } = 16 << 20;

    /// <summary>Bytes proposed and not committed; above it proposals are refused.</summary>
    public long MaxUncommittedBytes { get; init; } = 64L << 20;

    /// <summary>Batches proposed and not committed; above it proposals are refused.</summary>
    public int MaxUncommittedBatches { get; init; } = 16384;

    /// <summary>Read index requests waiting for their round; above it they are refused.</summary>
    public int MaxPendingReads { get; init; } = 16384;

    /// <summary>
    /// A learner that is no more than this many entries behind the commit LSN counts as caught up and may become a voter.
    /// </summary>
    public long CaughtUpEntries { get; init; } = 1000;

    /// <summary>
    /// Mode "available": how long after its start a node that has followed no leader yet, and hears no majority, waits for the others before it leads
    /// without them.
    /// </summary>
    public int ColdStartPatienceMs { get; init; } = 15_000;
}
