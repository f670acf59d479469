using WolfScale.Cluster;
using WolfScale.MariaDb;

namespace WolfScale.Server.Hosting;

/// <summary>What this node tells the others about itself: its MariaDB's state and where it is reached.</summary>
internal static class LocalFacts
{
    private const string Serving = "serving";

    /// <summary>Why the node is not fit, for whoever looks at it.</summary>
    public const string MaintenanceReason = "in maintenance, so it does not take the lead; `wolfctl maintenance off` ends that";

    /// <summary>A node with a MariaDB.</summary>
    /// <param name="database">Its state.</param>
    /// <param name="configuration">As started.</param>
    /// <param name="maintenance">It keeps the lead away: unfit, it stands last and hands over what it wins (rule C3).</param>
    public static LocalState Of(DatabaseState database, NodeConfiguration configuration, bool maintenance) => Addresses(configuration) with
    {
        AppliedLsn = database.AppliedLsn,
        AppliedGtid = database.Position,
        Fit = database.Fit && !maintenance,
        Status = Status(database.NodeStatus),
        Reason = database.Reason.Length > 0 || !maintenance ? database.Reason : MaintenanceReason,
        DatabaseHealth = Health(database),
        DatabaseVersion = database.Version,
        DatabaseServerId = database.ServerId,
        DatabaseAnnouncement = database.Announcement,
    };

    /// <summary>Whether the node has said that it leads and its server takes writes.</summary>
    public static bool IsServing(NodeView node) => node.DatabaseHealth.StartsWith(Serving, StringComparison.Ordinal);

    /// <summary>A witness: it keeps the log and votes, is never fit, and is as well as its log.</summary>
    public static LocalState Witness(NodeConfiguration configuration) => Addresses(configuration) with { Status = NodeStatus.Active };

    private static string Health(DatabaseState database)
    {
        var word = database.Serving ? Serving : database.Up ? "up" : "down";
        return database.Alarms.IsEmpty ? word : $"{word}: {string.Join(' ', database.Alarms)}";
    }

    private static LocalState Addresses(NodeConfiguration configuration) => new()
    {
        ApiAddress = configuration.Api.Enabled ? Advertised(configuration, configuration.Api.BindAddress) : "",
        ProxyAddress = configuration.Proxy.Enabled && configuration.Database.Enabled ? Advertised(configuration, configuration.Proxy.BindAddress) : "",
    };

    /// <summary>A wildcard listener is reached under the host the cluster knows.</summary>
    internal static string Advertised(NodeConfiguration configuration, string bindAddress)
    {
        if (!HostPort.TryParse(bindAddress, out var bind, out _) || !bind.IsWildcard)
            return bindAddress;
        return HostPort.TryParse(configuration.AdvertiseAddress, out var advertised, out _) ? new HostPort(advertised.Host, bind.Port).ToString() : bindAddress;
    }

    private static NodeStatus Status(string text) => text switch
    {
        "ACTIVE" => NodeStatus.Active,
        "OFFLINE" => NodeStatus.Offline,
        "NEEDS_MIGRATION" => NodeStatus.NeedsMigration,
        "LAGGING" => NodeStatus.Lagging,
        _ => NodeStatus.Syncing,
    };
}
