using Microsoft.Extensions.Logging;

namespace WolfScale.Cluster.Transport;

/// <summary>The transport's log lines, events 2000 to 2049.</summary>
internal static partial class TransportLog
{
    [LoggerMessage(2000, LogLevel.Information, "Listening for cluster connections on {Endpoint} ({Security})")]
    public static partial void Listening(ILogger logger, string endpoint, string security);

    [LoggerMessage(2001, LogLevel.Information, "Node {NodeId} (incarnation {Incarnation:x}) at {Address} is connected")]
    public static partial void Dialled(ILogger logger, string nodeId, ulong incarnation, string address);

    [LoggerMessage(2002, LogLevel.Warning, "Cannot reach the peer {Address}: {Reason}{More}")]
    public static partial void DialFailed(ILogger logger, string address, string reason, string more);

    [LoggerMessage(2003, LogLevel.Warning, "The connection to node {NodeId} at {Address} is lost: {Reason}")]
    public static partial void LinkLost(ILogger logger, string nodeId, string address, string reason);

    [LoggerMessage(2004, LogLevel.Warning, "Refused a cluster connection from {Remote}: {Reason}{More}")]
    public static partial void InboundRefused(ILogger logger, string remote, string reason, string more);

    [LoggerMessage(2005, LogLevel.Warning, "Closed the cluster connection from node {NodeId} at {Remote}: {Reason}{More}")]
    public static partial void InboundClosed(ILogger logger, string nodeId, string remote, string reason, string more);

    [LoggerMessage(2006, LogLevel.Debug, "Node {NodeId} has connected from {Remote}")]
    public static partial void InboundReady(ILogger logger, string nodeId, string remote);

    [LoggerMessage(2007, LogLevel.Error, "Accepting cluster connections failed and is tried again: {Reason}")]
    public static partial void AcceptFailed(ILogger logger, string reason);

    [LoggerMessage(2008, LogLevel.Debug, "The peer {Address} is this node itself and is left out")]
    public static partial void PeerIsSelf(ILogger logger, string address);

    [LoggerMessage(2009, LogLevel.Error, "The peer {Address} refuses this node: {Reason}{More}")]
    public static partial void RefusedByPeer(ILogger logger, string address, string reason, string more);

    /// <summary>" (and N more like it)", or nothing.</summary>
    public static string More(int suppressed) => suppressed == 0 ? "" : $" (and {suppressed} more like it)";
}
