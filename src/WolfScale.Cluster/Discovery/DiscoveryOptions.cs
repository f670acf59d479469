using System.Net;

namespace WolfScale.Cluster.Discovery;

/// <summary>What discovery needs to know.</summary>
public sealed record DiscoveryOptions
{
    /// <summary>cluster.cluster_name: beacons of clusters with another name are not understood.</summary>
    public required string ClusterName { get; init; }

    /// <summary>cluster.secret, not empty: signs.</summary>
    public required string Secret { get; init; }

    /// <summary>
    /// The cluster port: the same number is used for UDP. Its address says where beacons go: a loopback address to this machine, one address to its
    /// network, the wildcard to every network of this machine. Heard is on all of them.
    /// </summary>
    public required IPEndPoint Bind { get; init; }
}
