namespace WolfScale.Settings.Rules;

/// <summary>Peers, bootstrap, the guarantees.</summary>
public static class ClusterRules
{
    /// <summary>Whether this version captures from a source that WolfScale does not manage (<c>replication.mode = "binlog"</c>).</summary>
    public static bool BinlogModeExists => false;

    public static IEnumerable<Finding> Check(RuleContext context) =>
        [.. Peers(context), .. Bootstrap(context), .. Guarantees(context), .. Name(context), .. Tls(context)];

    private static IEnumerable<Finding> Peers(RuleContext context)
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var peer in context.Configuration.Cluster.Peers)
        {
            if (!HostPort.TryParse(peer, out var address, out var problem))
                yield return context.Error("bad_peer", "cluster.peers", "cluster.peers: " + problem);
            else if (address.IsWildcard || address.Port == 0)
                yield return context.Error("bad_peer", "cluster.peers", $"cluster.peers: \"{peer}\" is not an address that can be dialled");
            else if (!seen.Add(peer))
                yield return context.Remark("peer_twice", "cluster.peers", $"cluster.peers names {peer} twice");
            else if (peer == context.Configuration.AdvertiseAddress)
                yield return context.Remark("self_in_peers", "cluster.peers", $"cluster.peers names this node itself ({peer}); it is ignored, so one list for all nodes is fine");
        }
    }

    private static IEnumerable<Finding> Bootstrap(RuleContext context)
    {
        var configuration = context.Configuration;
        if (!configuration.Cluster.Bootstrap)
            yield break;
        if (!configuration.Database.Enabled)
            yield return context.Error("bootstrap_witness", "cluster.bootstrap", "cluster.bootstrap = true on a witness (database.enabled = false): a cluster begins with the data of a server; bootstrap a node that has one");
        if (configuration.Cluster.NeverLeader)
            yield return context.Error("bootstrap_never_leader", "cluster.bootstrap", "cluster.bootstrap = true with never_leader = true: the first node is the only one that could lead; bootstrap another node");
        yield return context.Warning("bootstrap_on", "cluster.bootstrap",
            "cluster.bootstrap = true creates a new cluster where the data directory is empty: set it on one node only, and remove it once the cluster runs");
    }

    private static IEnumerable<Finding> Guarantees(RuleContext context)
    {
        if (!context.Configuration.Wal.Fsync)
            yield return context.Warning("fsync_off", "wal.fsync", "wal.fsync = false: a power cut can lose acknowledged writes");
        if (context.Configuration.Cluster.Mode == GuaranteeMode.Available)
        {
            yield return context.Warning("mode_available", "cluster.mode",
                "cluster.mode = \"available\": a write is acknowledged by the leader alone. What it had not replicated when it dies or is cut off is rewound, saved and reported");
        }

        if (context.Configuration.Replication.Mode == ReplicationMode.Binlog && !BinlogModeExists)
            yield return context.Error("not_yet", "replication.mode", "replication.mode = \"binlog\" is not part of this version: use \"proxy\"");
    }

    private static IEnumerable<Finding> Name(RuleContext context)
    {
        var name = context.Configuration.Cluster.ClusterName;
        if (name.Length > 64 || name.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)))
            yield return context.Error("bad_name", "cluster.cluster_name", "cluster.cluster_name: at most 64 characters, no spaces");
    }

    private static IEnumerable<Finding> Tls(RuleContext context)
    {
        var cluster = context.Configuration.Cluster;
        var given = new[] { cluster.TlsCert, cluster.TlsKey, cluster.TlsCa }.Count(f => f.Length > 0);
        if (given is 1 or 2)
            yield return context.Error("tls_incomplete", "cluster.tls_cert", "cluster traffic over TLS needs all of cluster.tls_cert, cluster.tls_key and cluster.tls_ca");
    }
}
