namespace WolfScale.Settings;

/// <summary>Where the writes come from.</summary>
public enum ReplicationMode
{
    /// <summary>From the leader's own MariaDB server.</summary>
    Proxy,

    /// <summary>From a source that WolfScale does not manage.</summary>
    Binlog,
}

/// <summary>How fresh a read must be.</summary>
public enum ReadConsistency
{
    Eventual,
    Session,
    Strong,
}

/// <summary>What is replicated, and what a read may see.</summary>
public sealed record ReplicationSection
{
    /// <summary>The same on all nodes.</summary>
    public ReplicationMode Mode { get; init; } = ReplicationMode.Proxy;

    [Live]
    public ReadConsistency ReadConsistency { get; init; } = ReadConsistency.Session;
}
