using System.Net;
using WolfScale.Cluster.Handshake;
using WolfScale.Cluster.Transport;
using WolfScale.Cluster.Wire;

namespace WolfScale.Cluster;

/// <summary>What options a node cannot start with.</summary>
internal static class OptionsCheck
{
    /// <exception cref="ClusterStartException">Says which option, and what to do.</exception>
    public static void Check(ClusterOptions options)
    {
        Require(options.NodeId.Length > 0 && Utf8Text.ByteCount(options.NodeId) <= HandshakeMessages.MaxIdBytes
            && HandshakeMessages.Printable(options.NodeId) == options.NodeId,
            $"node.id = '{options.NodeId}' must be printable text of 1 to {HandshakeMessages.MaxIdBytes} bytes");
        Require(Utf8Text.ByteCount(options.ClusterName) <= HandshakeMessages.MaxNameBytes
            && HandshakeMessages.Printable(options.ClusterName) == options.ClusterName,
            $"cluster.cluster_name must be printable text of at most {HandshakeMessages.MaxNameBytes} bytes");
        Require(HostPort.TryParse(options.BindAddress, out var bind), $"node.bind_address = '{options.BindAddress}' is not HOST:PORT");
        Require(IPAddress.TryParse(bind.Host, out var literal) || bind.Host == "localhost",
            $"node.bind_address = '{options.BindAddress}' must name an IP address of this machine (0.0.0.0 for all)");
        var advertised = options.AdvertiseAddress.Length > 0;
        Require(advertised || (!IPAddress.Any.Equals(literal) && !IPAddress.IPv6Any.Equals(literal)),
            "node.advertise_address must be set, because node.bind_address stands for all addresses: give HOST:PORT under which the other nodes reach this one");
        var advertise = default(HostPort);
        Require(!advertised || HostPort.TryParse(options.AdvertiseAddress, out advertise),
            $"node.advertise_address = '{options.AdvertiseAddress}' is not HOST:PORT");
        var peers = options.Peers.Select(peer =>
        {
            Require(HostPort.TryParse(peer, out var parsed) && parsed.Port > 0, $"'{peer}' in cluster.peers is not HOST:PORT");
            return parsed;
        }).ToArray();
        Require(options.Secret.Length > 0 || (bind.IsLoopback && (!advertised || advertise.IsLoopback) && peers.All(p => p.IsLoopback)),
            "cluster.secret is empty, which is accepted on loopback addresses only: set the same secret on all nodes ('wolfscale init' makes one)");
        Require(options.HeartbeatIntervalMs > 0 && options.ElectionTimeoutMinMs > options.HeartbeatIntervalMs
            && options.ElectionTimeoutMaxMs >= options.ElectionTimeoutMinMs,
            "cluster.heartbeat_interval_ms < election_timeout_min_ms <= election_timeout_max_ms must hold");
    }

    private static void Require(bool condition, string otherwise)
    {
        if (!condition)
            throw new ClusterStartException(otherwise);
    }
}
