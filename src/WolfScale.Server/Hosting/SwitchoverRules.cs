using WolfScale.Cluster;

namespace WolfScale.Server.Hosting;

/// <summary>Who is not asked to lead. The core refuses them too, but only when writes already wait.</summary>
internal static class SwitchoverRules
{
    /// <summary>Why a node should not get the lead now, and what to do; null when nothing is known against it.</summary>
    public static string? Refuse(ClusterView view, string nodeId) => view.Find(nodeId) switch
    {
        null => $"{nodeId} is not a member of the cluster.",
        { Id: var id } when id == view.SelfId => null,
        { Witness: true } => $"{nodeId} is a witness: it votes and has no MariaDB that could take writes.",
        { NeverLeader: true } => $"{nodeId} has cluster.never_leader = true: change that in its configuration, and run `wolfctl reload` on it.",
        { Voter: false } node => $"{nodeId} has no vote yet: {Why(node)}",
        { Status: NodeStatus.Offline or NodeStatus.Dropped or NodeStatus.Lagging or NodeStatus.NeedsMigration } node => $"{nodeId} is {Word(node.Status)}: {Why(node)}",
        { Fit: false } node => $"{nodeId} is not fit to lead: {Why(node)}",
        _ => null,
    };

    private static string Why(NodeView node) => node.Reason.Length > 0 ? node.Reason
        : node.LagEntries > 0 ? $"it is {node.LagEntries} entries behind; wait until it has caught up."
        : "it is catching up; wait until it is ACTIVE.";

    /// <summary>As the API writes it.</summary>
    public static string Word(NodeStatus status) => ConfigurationSchema.SnakeCase(status.ToString()).ToUpperInvariant();
}
