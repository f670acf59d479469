using Microsoft.Extensions.Logging;

namespace WolfScale.Cluster.Discovery;

/// <summary>The discovery's log lines, events 2100 to 2119.</summary>
internal static partial class DiscoveryLog
{
    [LoggerMessage(2100, LogLevel.Information, "Discovery on UDP port {Port}: nodes of the cluster named '{ClusterName}' with this secret are looked for")]
    public static partial void Started(ILogger logger, int port, string clusterName);

    [LoggerMessage(2101, LogLevel.Information, "Discovered node {NodeId} at {Address}, {Membership}")]
    public static partial void Discovered(ILogger logger, string nodeId, string address, string membership);

    [LoggerMessage(2102, LogLevel.Warning, "Discovery cannot use UDP port {Port} over {Family}, and tries again: {Reason}. Until then nodes are found through cluster.peers only")]
    public static partial void PortFailed(ILogger logger, int port, string family, string reason);

    [LoggerMessage(2103, LogLevel.Information, "Packets of another cluster (other cluster_name or secret), or of strangers, come to UDP port {Port}, the last one from {Remote} ({Reason}): they are left out{More}")]
    public static partial void Strangers(ILogger logger, int port, string remote, string reason, string more);

    [LoggerMessage(2104, LogLevel.Warning, "Node {NodeId} at {Address} is not believed: its beacon's time and this machine's differ by {Seconds} s. Set the clocks (NTP), or name the node in cluster.peers{More}")]
    public static partial void ClocksDiffer(ILogger logger, string nodeId, string address, long seconds, string more);

    [LoggerMessage(2105, LogLevel.Warning, "Several clusters with this name and secret are on the network: {Clusters}. None but the own one is joined; give each another cluster.cluster_name{More}")]
    public static partial void SeveralClusters(ILogger logger, string clusters, string more);

    [LoggerMessage(2106, LogLevel.Debug, "Beacons go to {Targets}")]
    public static partial void Targets(ILogger logger, string targets);

    [LoggerMessage(2107, LogLevel.Error, "Discovery failed and goes on: {Reason}{More}")]
    public static partial void Failed(ILogger logger, string reason, string more);
}
