using Microsoft.Extensions.Logging;

namespace WolfScale.Server.Hosting;

/// <summary>What the host says in the log: event ids 4000 to 4099.</summary>
internal static partial class HostLog
{
    [LoggerMessage(4000, LogLevel.Information, "WolfScale {Version} starts as {NodeId}: data in {DataDirectory}, cluster port {ClusterAddress}, API {ApiAddress}")]
    public static partial void Starting(ILogger logger, string version, string nodeId, string dataDirectory, string clusterAddress, string apiAddress);

    [LoggerMessage(4001, LogLevel.Warning, "Configuration: {Finding}")]
    public static partial void ConfigurationWarning(ILogger logger, string finding);

    [LoggerMessage(4002, LogLevel.Information, "Configuration: {Finding}")]
    public static partial void ConfigurationRemark(ILogger logger, string finding);

    [LoggerMessage(4003, LogLevel.Information, "Role {Role} in term {Term}, leader {Leader}; may serve: {MayServe}")]
    public static partial void Role(ILogger logger, string role, long term, string leader, bool mayServe);

    [LoggerMessage(4004, LogLevel.Information, "MariaDB: {Phase}, applied LSN {AppliedLsn}{Reason}")]
    public static partial void Database(ILogger logger, string phase, long appliedLsn, string reason);

    [LoggerMessage(4005, LogLevel.Warning, "MariaDB: {Alarm}")]
    public static partial void DatabaseAlarm(ILogger logger, string alarm);

    [LoggerMessage(4006, LogLevel.Critical, "This node has stopped serving: {Reason}")]
    public static partial void Failed(ILogger logger, string reason);

    [LoggerMessage(4007, LogLevel.Information, "Stopping: {Why}")]
    public static partial void Stopping(ILogger logger, string why);

    [LoggerMessage(4008, LogLevel.Information, "The lead went to {Leader} in {Milliseconds} ms")]
    public static partial void HandedOver(ILogger logger, string leader, long milliseconds);

    [LoggerMessage(4009, LogLevel.Warning, "The lead could not be handed over before stopping ({Reason}): the server is closed for writes, and another node takes over by election")]
    public static partial void NotHandedOver(ILogger logger, string reason);

    [LoggerMessage(4010, LogLevel.Warning, "The server is not closed for writes after {Seconds} s; it goes on waiting for acknowledgements that do not come, so nothing commits")]
    public static partial void NotDemoted(ILogger logger, double seconds);

    [LoggerMessage(4011, LogLevel.Information, "Stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(4012, LogLevel.Information, "The HTTP API listens on {Address}")]
    public static partial void ApiListens(ILogger logger, Uri address);

    [LoggerMessage(4013, LogLevel.Information, "A member of the cluster since LSN {Lsn}: MariaDB is looked after from here on")]
    public static partial void Member(ILogger logger, long lsn);

    [LoggerMessage(4014, LogLevel.Information, "Log level {Level} from here on")]
    public static partial void LevelChanged(ILogger logger, string level);

    [LoggerMessage(4015, LogLevel.Critical, "The MariaDB side could not be started; this node votes and keeps the log, and its server is not looked after")]
    public static partial void DatabaseSideFailed(ILogger logger, Exception exception);

    [LoggerMessage(4017, LogLevel.Information, "A witness (database.enabled = false): this node keeps the log and votes, and has neither a MariaDB nor a proxy")]
    public static partial void Witness(ILogger logger);

    [LoggerMessage(4016, LogLevel.Warning, "The feed turned MariaDB away at position '{Position}': {Why}")]
    public static partial void FeedRefused(ILogger logger, string position, string why);

    [LoggerMessage(4090, LogLevel.Warning, "systemd could not be told {State}: {Why}")]
    public static partial void ServiceManagerNotTold(ILogger logger, string state, string why);

    [LoggerMessage(4046, LogLevel.Warning, "The node starts anew, because its cluster was recovered by force without it")]
    public static partial void StartsAnew(ILogger logger);

    [LoggerMessage(4040, LogLevel.Warning, "An operator removes {Node} from the cluster (forced: {Force})")]
    public static partial void Removing(ILogger logger, string node, bool force);

    [LoggerMessage(4041, LogLevel.Warning, "An operator has asked this node to leave the cluster for good")]
    public static partial void Leaving(ILogger logger);

    [LoggerMessage(4042, LogLevel.Warning, "Maintenance is {State}")]
    public static partial void MaintenanceSet(ILogger logger, string state);

    [LoggerMessage(4043, LogLevel.Information, "{Node} is back and in step: it gets the lead (cluster.failback = \"auto\")")]
    public static partial void FailingBack(ILogger logger, string node);

    [LoggerMessage(4045, LogLevel.Error, "{Count} transactions ({First} to {Last}) that this node's log held are discarded: {Leader} leads a later epoch without them (mode \"available\"). Clients may have been told OK for them. They are saved in {File}: mariadb-binlog shows them")]
    public static partial void Discarded(ILogger logger, int count, string first, string last, string leader, string file);

    [LoggerMessage(4080, LogLevel.Information, "The configuration was read again: {Changed} keys are changed, {NeedRestart} want a restart")]
    public static partial void Reloaded(ILogger logger, int changed, int needRestart);

    [LoggerMessage(4081, LogLevel.Warning, "The configuration was read again, and nothing is changed: {Reason}")]
    public static partial void NotReloaded(ILogger logger, string reason);

    [LoggerMessage(4084, LogLevel.Error, "A part of this node had ended before it was told to, which is a defect of WolfScale; the node stops in order all the same.")]
    public static partial void EndedBadly(ILogger logger, Exception exception);

    [LoggerMessage(4085, LogLevel.Error, "{Problem}")]
    public static partial void LogNotReopened(ILogger logger, string problem);

    [LoggerMessage(4082, LogLevel.Information, "{Key} is changed from {From} to {To}")]
    public static partial void KeyChanged(ILogger logger, string key, string from, string to);

    [LoggerMessage(4083, LogLevel.Warning, "{Key} has another value in the configuration than this program runs with: it wants a restart")]
    public static partial void KeyNeedsRestart(ILogger logger, string key);

    [LoggerMessage(4044, LogLevel.Warning, "{Node} did not get the lead back: {Reason}; tried again in {Seconds} s")]
    public static partial void NotFailedBack(ILogger logger, string node, string reason, double seconds);
}
