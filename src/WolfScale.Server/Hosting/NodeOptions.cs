using WolfScale.Cluster;
using WolfScale.Cluster.Transport;
using WolfScale.Consensus;
using WolfScale.MariaDb;
using WolfScale.Proxy;

namespace WolfScale.Server.Hosting;

/// <summary>Translates the configuration into what the parts are told.</summary>
internal static class NodeOptions
{
    public static ClusterOptions Cluster(NodeConfiguration configuration, ClusterEntry entry)
    {
        var (minimum, maximum) = configuration.ElectionTimeoutMs;
        var cluster = configuration.Cluster;
        return new ClusterOptions
        {
            NodeId = configuration.Node.Id,
            DataDirectory = configuration.DataDirectory,
            BindAddress = configuration.Node.BindAddress,
            AdvertiseAddress = configuration.AdvertiseAddress,
            Peers = [.. cluster.Peers.Concat(entry.Peers).Distinct().Where(p => p != configuration.AdvertiseAddress)],
            ClusterName = cluster.ClusterName,
            Secret = cluster.Secret,
            Tls = cluster.TlsCert.Length > 0 ? new TlsFiles(cluster.TlsCert, cluster.TlsKey, cluster.TlsCa) : null,
            Discovery = cluster.AutoDiscovery,
            ApiAddress = configuration.Api.Enabled ? LocalFacts.Advertised(configuration, configuration.Api.BindAddress) : "",
            ApiTls = configuration.Api.TlsCert.Length > 0,
            Bootstrap = entry.Bootstrap,
            Mode = cluster.Mode == GuaranteeMode.Available ? ClusterMode.Available : ClusterMode.Consistent,
            NeverLeader = cluster.NeverLeader,
            Witness = !configuration.Database.Enabled,
            HeartbeatIntervalMs = cluster.HeartbeatIntervalMs,
            ElectionTimeoutMinMs = minimum,
            ElectionTimeoutMaxMs = maximum,
            DropAfterS = cluster.DropAfterS,
            MaxMessageEntries = cluster.MaxBatchEntries,
            Fsync = configuration.Wal.Fsync,
            FlushIntervalMs = configuration.Wal.FlushIntervalMs,
            SegmentBytes = (long)configuration.Wal.SegmentSizeMb << 20,
            RetentionHours = configuration.Wal.RetentionHours,
            MaxLogBytes = (long)configuration.Wal.MaxSizeGb << 30,
        };
    }

    public static DatabaseOptions Database(NodeConfiguration configuration, Func<IReadOnlyCollection<PeerServer>> peers) => LocalServer.Options(configuration) with { Peers = peers };

    /// <summary>What the proxy of a node and one that stands alone are told alike.</summary>
    public static ProxyOptions Proxy(NodeConfiguration configuration, HostPort bind)
    {
        var proxy = configuration.Proxy;
        return new ProxyOptions
        {
            BindAddress = bind.ToEndPoint(),
            NodeId = configuration.Node.Id,
            MaxConnections = proxy.MaxConnections,
            FailoverWaitMs = proxy.FailoverWaitMs,
            ReadWaitMs = proxy.ReadWaitMs,
            PoolConnections = proxy.PoolConnections,
            PoolIdleMs = proxy.PoolIdleMs,
            Certificate = proxy.TlsCert.Length > 0 ? ProxyTls.Certificate(proxy) : null,
            TlsRequired = proxy.TlsRequired,
            HopTls = proxy.TlsCert.Length > 0 ? ProxyTls.ToOtherProxies(configuration.Cluster) : null,
            ProxyProtocolNetworks = [.. proxy.ProxyProtocolNetworks.SelectMany(n => Networks.Parse(n) ?? [])],
            SendsProxyProtocol = proxy.SendProxyProtocol,
            Consistency = Enum.Parse<Proxy.ReadConsistency>(configuration.Replication.ReadConsistency.ToString()),
        };
    }

    public static CaptureOptions Capture(NodeConfiguration configuration) => new()
    {
        Server = new ServerEndpoint
        {
            Host = configuration.Database.Host,
            Port = configuration.Database.Port,
            Socket = configuration.Database.Socket,
            User = configuration.Database.User,
            Password = configuration.Database.Password,
        },
        ReplicaHost = configuration.Node.Id,
        Compression = configuration.Wal.Compression,
        MaxBatchEntries = configuration.Wal.BatchSize,
    };
}

/// <summary>How a node comes into its cluster.</summary>
/// <param name="Bootstrap">Found a new cluster where the data directory belongs to none.</param>
/// <param name="Rejoin">Come back if this node had left, or was removed.</param>
/// <param name="Peers">Members beside those of the configuration.</param>
internal sealed record ClusterEntry(bool Bootstrap, bool Rejoin, IReadOnlyList<string> Peers);
