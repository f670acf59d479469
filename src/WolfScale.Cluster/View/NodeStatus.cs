namespace WolfScale.Cluster;

/// <summary>How a node does, as <c>wolfctl list servers</c> and the HTTP API say it (in upper case, words joined by underscores).</summary>
public enum NodeStatus : byte
{
    /// <summary>Not a member yet: it asks to be let in.</summary>
    Joining = 0,

    /// <summary>A member that is still catching up with the log, or whose MariaDB is.</summary>
    Syncing = 1,

    /// <summary>In service.</summary>
    Active = 2,

    /// <summary>Nothing was heard of it for three heartbeats.</summary>
    Lagging = 3,

    /// <summary>Nothing was heard of it for cluster.drop_after_s: out of routing.</summary>
    Dropped = 4,

    /// <summary>It has said that it stops or cannot serve, or was never heard since this node started.</summary>
    Offline = 5,

    /// <summary>It needs a copy of the data from a peer: see its reason.</summary>
    NeedsMigration = 6,
}

/// <summary>What a node does in the cluster now.</summary>
public enum NodeRole : byte
{
    Follower = 0,
    Candidate = 1,
    Leader = 2,

    /// <summary>Receives the log and has no vote (yet).</summary>
    Learner = 3,

    /// <summary>Votes, keeps the log, has no MariaDB.</summary>
    Witness = 4,
}
