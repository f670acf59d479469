using System.Globalization;
using WolfScale.Cluster;
using WolfScale.Cluster.History;

namespace WolfScale.Server.Hosting;

/// <summary>What the history says of planned switchovers.</summary>
internal static class Switchovers
{
    /// <param name="node">Who led.</param>
    /// <param name="succeeded">Another leads.</param>
    /// <param name="to">Who.</param>
    /// <param name="why">Who wanted it: an operator, a setting, the end of the node.</param>
    /// <param name="durationMs">Until the other was elected, or it was given up.</param>
    /// <param name="writePauseMs">How long writes waited; null where that is not known.</param>
    /// <param name="reason">Why it failed.</param>
    public static void Record(ClusterNode node, bool succeeded, string? to, string why, long durationMs, long? writePauseMs, string? reason)
    {
        (string, object?)[] facts =
            [("from", node.Self.Id), ("to", to), ("why", why), ("duration_ms", durationMs), ("write_pause_ms", writePauseMs), ("reason", succeeded ? null : reason)];
        if (succeeded)
        {
            var pause = writePauseMs is { } ms ? string.Create(CultureInfo.InvariantCulture, $"; writes waited {ms} ms at most") : "";
            node.History.Record(EventKinds.Switchover, $"the lead went from {node.Self.Id} to {to ?? "another node"}: {why}{pause}", facts);
        }
        else
        {
            node.History.Record(EventKinds.SwitchoverFailed, $"the lead did not go from {node.Self.Id}{(to is null ? "" : " to " + to)} ({why}): {reason}", facts);
        }
    }
}
