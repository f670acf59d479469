using System.Collections.Immutable;

namespace WolfScale.MariaDb.Preflight;

/// <summary>What preflight must know beside the server itself.</summary>
public sealed record PreflightContext
{
    /// <summary>This node's id.</summary>
    public string NodeId { get; init; } = "";

    /// <summary>Whether this node leads: then it is not for it to give way where two servers have one id.</summary>
    public bool Leads { get; init; }

    /// <summary>The user's consent to <c>binlog_format=STATEMENT</c>.</summary>
    public bool AllowStatementFormat { get; init; }

    /// <summary>The other members' servers, as last heard.</summary>
    public IReadOnlyCollection<PeerServer> Peers { get; init; } = [];

    /// <summary>The <c>gtid_domain_id</c> of the groups in the log; null while it holds none.</summary>
    public uint? ClusterDomain { get; init; }

    /// <summary>Semi-sync replicas that are ours: 1 while capture is attached, else 0.</summary>
    public int OwnSemiSyncClients { get; init; }

    /// <summary>Whether the server started the feed's replication by itself after a restart.</summary>
    public bool FeedStartedItself { get; init; }

    /// <summary>Hosts of the server's binlog dump connections, to name a foreign replica with.</summary>
    public ImmutableArray<string> DumpHosts { get; init; } = [];

    /// <summary>Whether a server with an <c>extra_port</c> could be reached through it.</summary>
    public bool ReachedByExtraPort { get; init; } = true;
}
