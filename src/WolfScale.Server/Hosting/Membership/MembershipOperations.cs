using Microsoft.Extensions.Logging;
using WolfScale.Cluster;
using WolfScale.Cluster.History;
using WolfScale.Server.Http;

namespace WolfScale.Server.Hosting.Membership;

/// <summary>Takes members out of the cluster: asks the rules, hands over where it is needed, and waits until the log says so.</summary>
/// <param name="node">This node.</param>
/// <param name="configuration">As started.</param>
/// <param name="handOver">The planned switchover to the best-placed other node.</param>
/// <param name="logger">Tells what an operator did.</param>
internal sealed class MembershipOperations(ClusterNode node, NodeConfiguration configuration, Func<CancellationToken, Task<SwitchoverDocument>> handOver, ILogger logger) : IMembership
{
    private DepartureRules Rules => new(node.View, configuration.ElectionTimeoutMs.Maximum);

    public async Task<Departure> RemoveAsync(string nodeId, bool force, bool dryRun, CancellationToken cancellationToken)
    {
        var plan = Rules.Remove(nodeId, force);
        if (plan.Document is null || dryRun)
            return plan;
        HostLog.Removing(logger, nodeId, force);
        node.History.Record(EventKinds.Operator, $"an operator removes {nodeId} from the cluster{(force ? ", although it lives" : "")}", ("command", "remove"), ("node", nodeId), ("force", force));
        try
        {
            await node.RemoveAsync(nodeId, cancellationToken);
            return plan with { Document = plan.Document with { Done = true } };
        }
        catch (Exception e) when (e is InvalidOperationException or TimeoutException)
        {
            return Departure.Refused("not_removed", $"{e.Message}. Whether it still goes, `wolfctl list servers` shows.");
        }
    }

    public async Task<Departure> LeaveAsync(bool dryRun, CancellationToken cancellationToken)
    {
        var plan = Rules.Leave();
        if (plan.Document is null || dryRun)
            return plan;
        HostLog.Leaving(logger);
        node.History.Record(EventKinds.Operator, "an operator has asked this node to leave the cluster for good", ("command", "leave"), ("node", node.Self.Id));
        // The planned switchover first: transactions under way end, and the proxies' sessions move. Leaving by itself would only move the vote.
        if (node.View.LeaderId == node.View.SelfId && await handOver(cancellationToken) is { Success: false } failed)
            return Departure.Refused("not_handed_over", $"The lead could not be handed over: {failed.Reason ?? "nobody took it in time"}. The node stays a member.");
        try
        {
            await node.LeaveAsync(cancellationToken);
            return plan with { Document = plan.Document with { Done = true } };
        }
        catch (InvalidOperationException e)
        {
            return Departure.Refused("not_left", $"{e.Message}. The node stays a member.");
        }
    }
}
