using WolfScale.Cluster;
using WolfScale.Cluster.Transport;
using WolfScale.Consensus;
using WolfScale.MariaDb;
using WolfScale.Server.Configuration;

namespace WolfScale.Server.Hosting;

/// <summary>Translates the configuration into what the parts are told.</summary>
internal static class NodeOptions
{
    public static ClusterOptions Cluster(NodeConfiguration configuration, bool bootstrap, IEnumerable<string> morePeers)
    {
        var (minimum, maximum) = configuration.ElectionTimeoutMs;
        var cluster = configuration.Cluster;
        return new ClusterOptions
        {
            NodeId = configuration.Node.Id,
            DataDirectory = configuration.DataDirectory,
            BindAddress = configuration.Node.BindAddress,
            AdvertiseAddress = configuration.AdvertiseAddress,
            Peers = [.. cluster.Peers.Concat(morePeers).Distinct().Where(p => p != configuration.AdvertiseAddress)],
            ClusterName = cluster.ClusterName,
            Secret = cluster.Secret,
            Tls = cluster.TlsCert.Length > 0 ? new TlsFiles(cluster.TlsCert, cluster.TlsKey, cluster.TlsCa) : null,
            Bootstrap = bootstrap,
            Mode = cluster.Mode == GuaranteeMode.Available ? ClusterMode.Available : ClusterMode.Consistent,
            NeverLeader = cluster.NeverLeader,
            Witness = !configuration.Database.Enabled,
            HeartbeatIntervalMs = cluster.HeartbeatIntervalMs,
            ElectionTimeoutMinMs = minimum,
            ElectionTimeoutMaxMs = maximum,
            DropAfterS = cluster.DropAfterS,
            Fsync = configuration.Wal.Fsync,
            FlushIntervalMs = configuration.Wal.FlushIntervalMs,
            SegmentBytes = (long)configuration.Wal.SegmentSizeMb << 20,
            RetentionHours = configuration.Wal.RetentionHours,
            MaxLogBytes = (long)configuration.Wal.MaxSizeGb << 30,
        };
    }

    public static DatabaseOptions Database(NodeConfiguration configuration, Func<IReadOnlyCollection<PeerServer>> peers)
    {
        var database = configuration.Database;
        return new DatabaseOptions
        {
            NodeId = configuration.Node.Id,
            DataDirectory = Path.Combine(configuration.DataDirectory, "data"),
            Host = database.Host,
            Port = database.Port,
            Socket = database.Socket,
            User = database.User,
            Password = database.Password,
            ConnectTimeout = TimeSpan.FromSeconds(database.ConnectTimeoutS),
            FeedAdvertiseHost = database.FeedAdvertiseHost,
            Peers = peers,
        };
    }
}
