using Microsoft.Extensions.Logging;

namespace WolfScale.Server.Hosting.StandAlone;

/// <summary>What a stand-alone proxy says in the log: event ids 4100 to 4199.</summary>
internal static partial class StandAloneLog
{
    [LoggerMessage(4100, LogLevel.Information, "WolfScale {Version} starts as {Program} on {Listen}, following {Peers}; /stats on {Api}")]
    public static partial void Starting(ILogger logger, string version, string program, string listen, string peers, string api);

    [LoggerMessage(4101, LogLevel.Warning, "Without cluster.secret (in the file of -c, or WOLFSCALE_CLUSTER__SECRET) no session can be logged in on a second server: all reads go to the leader, and sessions end with error 1927 when it changes")]
    public static partial void NoSecret(ILogger logger);

    [LoggerMessage(4102, LogLevel.Information, "Following the cluster {Name} ({Id})")]
    public static partial void Following(ILogger logger, string name, string id);

    [LoggerMessage(4103, LogLevel.Information, "Leader: {Leader} in term {Term}")]
    public static partial void Leader(ILogger logger, string leader, long term);

    [LoggerMessage(4104, LogLevel.Information, "Reads go to {Readers}")]
    public static partial void Readers(ILogger logger, string readers);

    [LoggerMessage(4105, LogLevel.Warning, "{Problem}")]
    public static partial void NodeSilent(ILogger logger, string problem);

    [LoggerMessage(4106, LogLevel.Error, "Refused: {Problem}")]
    public static partial void NodeRefused(ILogger logger, string problem);

    [LoggerMessage(4107, LogLevel.Information, "{Node} at {Api} answers")]
    public static partial void NodeHeard(ILogger logger, string node, string api);

    [LoggerMessage(4108, LogLevel.Warning, "Account hashes could not be had: {Reason}. Until they can, the sessions concerned read on the leader.")]
    public static partial void NoHashes(ILogger logger, string reason);

    [LoggerMessage(4109, LogLevel.Error, "An answer of a node could not be used; this is a defect of WolfScale, please report it")]
    public static partial void Fault(ILogger logger, Exception fault);

    [LoggerMessage(4110, LogLevel.Warning, "No node of a cluster named '{ClusterName}' with this secret is heard on UDP port {Port} within {Seconds} s. Compare --cluster-name and cluster.secret with a node's, see that its cluster.auto_discovery is on and that UDP passes; or name nodes with --peers. Listening goes on")]
    public static partial void NobodyHeard(ILogger logger, string clusterName, int port, double seconds);
}
