using System.Collections.Immutable;
using WolfScale.Consensus;

namespace WolfScale.Cluster;

/// <summary>
/// The cluster as one node sees it at one moment. Immutable, swapped whole: readers hold on to one and see no half-made change.
/// </summary>
public sealed record ClusterView
{
    public required string ClusterName { get; init; }

    /// <summary>Empty before this node belongs to a cluster.</summary>
    public Guid ClusterId { get; init; }

    public ClusterMode Mode { get; init; }

    public long Term { get; init; }

    /// <summary>Id of the leader of <see cref="Term"/>, or null when none is known.</summary>
    public string? LeaderId { get; init; }

    /// <summary>As far as this node knows; see <see cref="ClusterNode.CommitLsn"/> for the moment's value.</summary>
    public long CommitLsn { get; init; }

    /// <summary>Id of the node whose view this is.</summary>
    public required string SelfId { get; init; }

    /// <summary>Why this node has stopped serving (a failed disk), or null.</summary>
    public string? Stopped { get; init; }

    /// <summary>All members, and this node while it is not one yet; by id.</summary>
    public ImmutableArray<NodeView> Nodes { get; init; } = [];

    /// <summary>The node with this id, or null.</summary>
    public NodeView? Find(string id)
    {
        foreach (var node in Nodes)
        {
            if (node.Id == id)
                return node;
        }
        return null;
    }

    /// <summary>This node.</summary>
    public NodeView Self => Find(SelfId)!;

    /// <summary>The leader, or null when none is known.</summary>
    public NodeView? Leader => LeaderId is null ? null : Find(LeaderId);
}

/// <summary>One node in a <see cref="ClusterView"/>. What is not known is 0 or empty.</summary>
public sealed record NodeView
{
    public required string Id { get; init; }

    /// <summary>Rule C1.</summary>
    public ulong Incarnation { get; init; }

    public string ClusterAddress { get; init; } = "";

    public string ApiAddress { get; init; } = "";

    public string ProxyAddress { get; init; } = "";

    public NodeRole Role { get; init; }

    public NodeStatus Status { get; init; }

    /// <summary>Why it is not Active, for people.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Last LSN durable in its log.</summary>
    public long LastLsn { get; init; }

    /// <summary>LSN visible in its MariaDB.</summary>
    public long AppliedLsn { get; init; }

    /// <summary>Where its MariaDB stands, as a GTID position.</summary>
    public string AppliedGtid { get; init; } = "";

    /// <summary>Committed entries that its MariaDB does not show yet.</summary>
    public long LagEntries { get; init; }

    public bool Voter { get; init; }

    public bool NeverLeader { get; init; }

    public bool Witness { get; init; }

    /// <summary>Rule C4: could open for service now.</summary>
    public bool Fit { get; init; }

    public string DatabaseHealth { get; init; } = "";

    public string DatabaseVersion { get; init; } = "";

    public uint DatabaseServerId { get; init; }

    /// <summary>See <see cref="LocalState.DatabaseAnnouncement"/>.</summary>
    public string DatabaseAnnouncement { get; init; } = "";

    /// <summary>Milliseconds since it was last heard, when this view was made; 0 for this node, null for never since this node started.</summary>
    public long? LastHeardMs { get; init; }
}
