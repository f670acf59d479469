using WolfScale.Cluster;
using WolfScale.Consensus;
using WolfScale.Server.Http;

namespace WolfScale.Server.Hosting.Membership;

/// <summary>
/// Whether a member may go. What the core refuses is what would break a promise; these rules refuse what would keep it and stop the cluster: a change of the
/// members is committed by the voters that remain (thesis §4.1), so with fewer than a majority of them alive it never would be, and nothing after it.
/// <para>
/// In mode "available" the leader commits it alone, and nothing stops. There another thing can be lost: a silent node may lead the other side of a partition, and what it acknowledges
/// while it is taken out is never compared with the cluster's log again, so it would be neither saved nor reported.
/// </para>
/// </summary>
/// <param name="view">The cluster as the node that is asked sees it.</param>
/// <param name="aliveMs">A node that was heard of within so many milliseconds lives.</param>
internal sealed class DepartureRules(ClusterView view, long aliveMs)
{
    /// <summary>What the leader says to the removal of a member.</summary>
    public Departure Remove(string nodeId, bool force)
    {
        if (view.LeaderId != view.SelfId)
            return Departure.Refused("not_leader", view.Leader is { } leader ? $"Ask the leader, {leader.Id}{At(leader)}." : "There is no leader at the moment; try again when there is.");
        if (view.Find(nodeId) is not { } node)
            return Departure.Refused("not_found", $"This cluster has no node \"{nodeId}\". GET /cluster/nodes lists them.");
        if (LastVoter(node) is { } last)
            return last;
        if (nodeId == view.SelfId)
            return Departure.Refused("is_leader", $"{nodeId} leads: `wolfctl leave -e {nodeId}'s API` makes it hand over first, and go then.");
        if (IsAlive(node) && !force)
            return Departure.Refused("node_alive", $"{nodeId} lives ({Heard(node)}): `wolfctl leave` on it is the way to go. --force removes it all the same.");
        if (MayWriteElsewhere(node) && !force)
        {
            return Departure.Refused(
                "node_silent",
                $"{nodeId} is not heard, and in mode \"available\" it may be writing on the other side of a partition: what it acknowledges would then be neither merged nor saved. "
                + "Make sure that its machine is off for good; --force removes it then.");
        }
        return WithoutMajority(node) ?? Gone(node, done: false);
    }

    /// <summary>What this node says to leaving itself.</summary>
    public Departure Leave()
    {
        var self = view.Self;
        if (view.ClusterId == Guid.Empty || view.Stopped is not null)
            return Departure.Refused("not_a_member", $"{self.Id} is not a member of a cluster{(view.Stopped is { } why ? $" ({why})" : "")}: there is nothing to leave.");
        if (LastVoter(self) is { } last)
            return last;
        if (view.LeaderId is null)
            return Departure.Refused("no_leader", "There is no leader at the moment, who alone can take a member out; try again when there is.");
        if (view.LeaderId == view.SelfId && !view.Nodes.Any(n => n.Id != self.Id && n.Voter && IsAlive(n) && n is { Fit: true, Witness: false, NeverLeader: false }))
            return Departure.Refused("nobody_can_lead", $"{self.Id} leads, and no other node could: none is a live voter with a fit MariaDB (`wolfctl list servers` tells why). Writes would stop.");
        return WithoutMajority(self) ?? Gone(self, done: false);
    }

    /// <summary>What is left without a node.</summary>
    public Departure Gone(NodeView node, bool done)
    {
        var voters = view.Nodes.Count(n => n.Voter && n.Id != node.Id);
        return new Departure(new DepartureDocument(done, node.Id, voters, IsAvailable ? Math.Max(0, voters - 1) : QuorumArithmetic.ToleratedFailures(voters)), "", "");
    }

    private Departure? LastVoter(NodeView node) => node.Voter && view.Nodes.Count(n => n.Voter) == 1
        ? Departure.Refused("last_voter", $"{node.Id} is the cluster's last voter and stays: stop it instead.")
        : null;

    /// <summary>It could lead, and nobody here would know.</summary>
    private bool MayWriteElsewhere(NodeView node) => IsAvailable && !IsAlive(node) && node is { Voter: true, Witness: false, NeverLeader: false };

    private Departure? WithoutMajority(NodeView node)
    {
        if (IsAvailable)
            return null;
        var rest = view.Nodes.Where(n => n.Voter && n.Id != node.Id).ToList();
        var alive = rest.Count(IsAlive);
        var needed = QuorumArithmetic.Majority(rest.Count);
        return alive >= needed ? null : Departure.Refused(
            "no_majority",
            $"Without {node.Id} only {alive} of {rest.Count} voters live, and {needed} are needed: the cluster would stand still. Bring {string.Join(" or ", rest.Where(n => !IsAlive(n)).Select(n => n.Id))} back, or remove the dead first.");
    }

    private bool IsAvailable => view.Mode == ClusterMode.Available;

    private bool IsAlive(NodeView node) => node.Id == view.SelfId || (node.LastHeardMs is { } ms && ms < aliveMs);

    private static string Heard(NodeView node) => $"heard of {node.LastHeardMs ?? 0} ms ago";

    private static string At(NodeView node) => node.ApiAddress.Length > 0 ? $" at {node.ApiAddress}" : "";
}
