using Microsoft.Extensions.Logging;
using WolfScale.Consensus;

namespace WolfScale.Cluster.Runtime;

/// <summary>The node's log lines, events 2050 to 2099.</summary>
internal static partial class RuntimeLog
{
    [LoggerMessage(2050, LogLevel.Information, "Node {NodeId} (incarnation {Incarnation:x}) starts at {Address}: log {FirstLsn} to {LastLsn}, term {Term}, cluster {ClusterId}")]
    public static partial void Starting(ILogger logger, string nodeId, ulong incarnation, string address, long firstLsn, long lastLsn, long term, Guid clusterId);

    [LoggerMessage(EventId = 2051, Message = "{Role} in term {Term}, leader {Leader}{Serving}")]
    public static partial void RoleChanged(ILogger logger, LogLevel level, RaftRole role, long term, string leader, string serving);

    [LoggerMessage(2052, LogLevel.Information, "Configuration at LSN {Lsn}: {Members}")]
    public static partial void ConfigurationChanged(ILogger logger, long lsn, string members);

    [LoggerMessage(2053, LogLevel.Critical, "This node stops taking part: {Reason}")]
    public static partial void Halted(ILogger logger, string reason);

    [LoggerMessage(2054, LogLevel.Warning, "The log is full and the lead is given away: {Reason}. The node goes on by itself when there is space again")]
    public static partial void DiskFull(ILogger logger, string reason);

    [LoggerMessage(2055, LogLevel.Information, "The log accepts writes again: the node takes part from LSN {LastLsn} on")]
    public static partial void Resumed(ILogger logger, long lastLsn);

    [LoggerMessage(2056, LogLevel.Critical, "What consensus rules out has happened, and this node stops: {What}")]
    public static partial void SafetyAlarm(ILogger logger, string what);

    [LoggerMessage(2057, LogLevel.Error, "A subscriber to the node's events failed")]
    public static partial void SubscriberFailed(ILogger logger, Exception error);

    [LoggerMessage(2058, LogLevel.Warning, "The data directory was used as node {Former} and is node {NodeId} now: it keeps its log, and joins under its new identity")]
    public static partial void Renamed(ILogger logger, string former, string nodeId);

    [LoggerMessage(2059, LogLevel.Error, "The state of this data directory belongs to cluster {ClusterId}, and its log is gone: the node comes back as a new incarnation without a vote and is refilled by its peers (rule C1)")]
    public static partial void LogLost(ILogger logger, Guid clusterId);

    [LoggerMessage(2060, LogLevel.Error, "{Damage}. Everything from LSN {Lsn} on is discarded; the node comes back as a new incarnation without a vote and is refilled by its peers (rule C6)")]
    public static partial void LogDamaged(ILogger logger, string damage, long lsn);

    [LoggerMessage(2061, LogLevel.Information, "Founded cluster {ClusterId} named '{ClusterName}'")]
    public static partial void Founded(ILogger logger, Guid clusterId, string clusterName);

    [LoggerMessage(2062, LogLevel.Information, "--bootstrap is ignored: the data directory belongs to cluster {ClusterId} already")]
    public static partial void BootstrapIgnored(ILogger logger, Guid clusterId);

    [LoggerMessage(2063, LogLevel.Warning, "Not a member of the cluster yet: {Reason}{More}")]
    public static partial void NotJoined(ILogger logger, string reason, string more);

    [LoggerMessage(2064, LogLevel.Information, "Node {NodeId} at {Address} asks to join: {Outcome}")]
    public static partial void JoinAnswered(ILogger logger, string nodeId, string address, string outcome);

    [LoggerMessage(2065, LogLevel.Information, "Node {NodeId} has caught up and gets its vote")]
    public static partial void Promoted(ILogger logger, string nodeId);

    [LoggerMessage(2066, LogLevel.Warning, "Node {NodeId} was silent for {Seconds} s and loses its vote, which costs no fault tolerance; it gets it back when it has caught up")]
    public static partial void VoteTaken(ILogger logger, string nodeId, int seconds);

    [LoggerMessage(2067, LogLevel.Warning, "An operator has removed this node from the cluster: it does not join again by itself")]
    public static partial void Removed(ILogger logger);

    [LoggerMessage(2068, LogLevel.Information, "Deleted log segments up to LSN {Lsn}")]
    public static partial void Pruned(ILogger logger, long lsn);

    [LoggerMessage(2072, LogLevel.Warning, "What this node needs after LSN {LastLsn} is no longer in the leader's log, which begins after LSN {StartLsn}: this log begins there too from now on. The server's data must be copied from another node (NEEDS_MIGRATION)")]
    public static partial void LogBegins(ILogger logger, long lastLsn, long startLsn);

    [LoggerMessage(2073, LogLevel.Warning, "Node {NodeId} needs the log from LSN {NeedLsn} on, and here it begins at LSN {FirstLsn} now ({Why}): it is NEEDS_MIGRATION and must be rebuilt from another node (wolfctl migrate, or cluster.auto_migrate)")]
    public static partial void LeftBehind(ILogger logger, string nodeId, long needLsn, long firstLsn, string why);

    [LoggerMessage(2074, LogLevel.Warning, "Node {NodeId} needs what is no longer in the log, and keeps its own as it is for now: too few others hold the cluster's data whole ({Holders}). Rebuild one of those first (wolfctl migrate)")]
    public static partial void LogStartHeldBack(ILogger logger, string nodeId, string holders);

    [LoggerMessage(2084, LogLevel.Warning, "Node {NodeId} was stopped while it left the cluster: it takes part until it is out, leads for nobody's writes, and goes on asking to be let go. To keep it, stop it and start it with 'wolfscale join HOST:PORT'")]
    public static partial void GoesOnLeaving(ILogger logger, string nodeId);

    [LoggerMessage(2085, LogLevel.Warning, "Node {NodeId} was leaving and is the cluster's last voter: it stays")]
    public static partial void LastVoterStays(ILogger logger, string nodeId);

    [LoggerMessage(2086, LogLevel.Warning, "This node's MariaDB is NEEDS_MIGRATION and cannot use its log, which grows beyond wal.retention_hours or wal.max_size_gb all the same, because too few others hold the cluster's data whole. Not whole, or not heard: {Without}. Rebuild this node or one of those (wolfctl migrate), or bring it back")]
    public static partial void KeptForData(ILogger logger, string without);

    [LoggerMessage(2069, LogLevel.Error, "Housekeeping failed and is tried again: {Reason}")]
    public static partial void HousekeepingFailed(ILogger logger, string reason);

    [LoggerMessage(2070, LogLevel.Information, "Before a cluster is founded, others of this name and secret are listened for ({Seconds} s)")]
    public static partial void ListeningBeforeFounding(ILogger logger, double seconds);

    [LoggerMessage(2083, LogLevel.Information, "Node {NodeId} at {Address} wanted to found a cluster and does not answer: it may have ended, and its packet have been recorded. Members are listened for once more ({Seconds} s)")]
    public static partial void FounderIsSilent(ILogger logger, string nodeId, string address, double seconds);

    [LoggerMessage(2087, LogLevel.Warning, "This node stood still for {Ms} ms: its machine was overloaded, suspended, or waited for a disk. Where it leads, the others may have elected another leader meanwhile")]
    public static partial void StoodStill(ILogger logger, long ms);

    [LoggerMessage(2079, LogLevel.Warning, "The entries {FirstLsn} to {LastLsn} of this node's log are discarded, although they may have been acknowledged (mode \"available\"): {Leader} leads a later epoch without them")]
    public static partial void Discarding(ILogger logger, long firstLsn, long lastLsn, string leader);

    [LoggerMessage(2071, LogLevel.Information, "Discovery is off, because cluster.secret is empty and anybody could speak for the cluster: nodes are found through cluster.peers only")]
    public static partial void DiscoveryWithoutSecret(ILogger logger);

    [LoggerMessage(2075, LogLevel.Critical, "The cluster was recovered by force while this node was lost ({NodeId} speaks in term {Term}): this node gives up its vote, and comes back as a learner when it is restarted")]
    public static partial void Superseded(ILogger logger, string nodeId, long term);

    [LoggerMessage(2076, LogLevel.Warning, "The cluster was recovered by force while this node was lost: it begins anew as a learner, and what only the lost nodes had is rewound")]
    public static partial void BeginsAsLearner(ILogger logger);

    [LoggerMessage(2080, LogLevel.Warning, "The history of events was damaged and begins anew: {Damage}")]
    public static partial void EventsDamaged(ILogger logger, string damage);

    [LoggerMessage(2081, LogLevel.Warning, "The history of events cannot be opened and is kept in memory alone until the node is restarted: {Reason}")]
    public static partial void EventsNotKept(ILogger logger, string reason);

    [LoggerMessage(2082, LogLevel.Warning, "{Count} events could not be written and are kept in memory alone: {Reason}")]
    public static partial void EventsNotWritten(ILogger logger, int count, string reason);
}
