namespace WolfScale.Cluster;

/// <summary>
/// What the rest of a node says about itself to its <see cref="ClusterNode"/>, which tells all others with every heartbeat.
/// Compared by value: setting the same again costs nothing.
/// </summary>
public sealed record LocalState
{
    /// <summary>As far as its MariaDB shows the log.</summary>
    public long AppliedLsn { get; init; }

    /// <summary>Where its MariaDB stands, as a GTID position.</summary>
    public string AppliedGtid { get; init; } = "";

    /// <summary>Rule C4: its MariaDB could be opened for service now. A node starts unfit.</summary>
    public bool Fit { get; init; }

    /// <summary>How the database side is: <see cref="NodeStatus.Active"/>, Syncing, Offline or NeedsMigration. A witness is Active.</summary>
    public NodeStatus Status { get; init; } = NodeStatus.Syncing;

    /// <summary>Why it is not Active, or not fit, for people; empty when all is well.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The MariaDB's health in words.</summary>
    public string DatabaseHealth { get; init; } = "";

    /// <summary>The MariaDB's version as it reports it.</summary>
    public string DatabaseVersion { get; init; } = "";

    /// <summary>The MariaDB's server_id, which no two nodes may share; 0 when unknown.</summary>
    public uint DatabaseServerId { get; init; }

    /// <summary>What the MariaDB sides of the nodes tell each other; opaque here, at most 8,000 bytes.</summary>
    public string DatabaseAnnouncement { get; init; } = "";

    /// <summary>Where the HTTP API is reached, HOST:PORT; empty when it is off.</summary>
    public string ApiAddress { get; init; } = "";

    /// <summary>Where the proxy is reached, HOST:PORT; empty when it is off.</summary>
    public string ProxyAddress { get; init; } = "";
}
