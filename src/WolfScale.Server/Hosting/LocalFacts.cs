using WolfScale.Cluster;
using WolfScale.MariaDb;

namespace WolfScale.Server.Hosting;

/// <summary>What this node tells the others about itself: its MariaDB's state and where it is reached.</summary>
internal static class LocalFacts
{
    /// <summary>A node with a MariaDB.</summary>
    public static LocalState Of(DatabaseState database, NodeConfiguration configuration) => Addresses(configuration) with
    {
        AppliedLsn = database.AppliedLsn,
        AppliedGtid = database.Position,
        Fit = database.Fit,
        Status = Status(database.NodeStatus),
        Reason = database.Reason,
        DatabaseHealth = database.Up ? database.Alarms.IsEmpty ? "up" : "up: " + string.Join(" ", database.Alarms) : "down",
        DatabaseVersion = database.Version,
        DatabaseServerId = database.ServerId,
        DatabaseAnnouncement = database.Announcement,
    };

    /// <summary>A witness: it keeps the log and votes, is never fit, and is as well as its log.</summary>
    public static LocalState Witness(NodeConfiguration configuration) => Addresses(configuration) with { Status = NodeStatus.Active };

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
