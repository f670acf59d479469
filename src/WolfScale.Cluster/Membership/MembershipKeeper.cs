using Microsoft.Extensions.Logging;
using WolfScale.Cluster.Handshake;
using WolfScale.Cluster.Runtime;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;

namespace WolfScale.Cluster.Membership;

/// <summary>
/// The leader's care for the membership: lets nodes in as learners, gives them a vote when they have caught up, and takes the vote of those
/// that are gone, where that costs nothing. Every change is one entry in the log, one vote at a time (thesis §4.1); the core refuses what is not safe.
/// </summary>
internal sealed class MembershipKeeper(CoreHost host, InboundRegistry inbound, LogStartKeeper starts, CurrentOptions options, ILogger logger)
{
    private long _leaderSinceMs;
    private long _leaderTerm = -1;

    /// <summary>To be called with every heartbeat.</summary>
    public void Tick(CoreStatus status, long nowMs)
    {
        if (status.Role != RaftRole.Leader || status.Configuration is not { } configuration)
            return;
        if (_leaderTerm != status.Term)
            (_leaderTerm, _leaderSinceMs) = (status.Term, nowMs);
        foreach (var peer in status.Peers)
        {
            if (configuration.Find(peer.Key) is not { } member)
                continue;
            var silentMs = nowMs - Math.Max(peer.LastHeardMs, _leaderSinceMs);
            var heard = peer.LastHeardMs != long.MinValue && nowMs - peer.LastHeardMs <= options.Value.ElectionTimeoutMinMs;
            if (!member.IsVoter && heard && peer.State == ReplicationState.Replicate && starts.HoldsTheData(member, nowMs))
                Promote(peer.Key);
            else if (member.IsVoter && silentMs >= options.Value.DropAfterS * 1000L && configuration.Mode == ClusterMode.Consistent && MayTakeVote(configuration.VoterCount))
                TakeVote(peer.Key);
        }
    }

    /// <summary>Rule of drop_after_s: a silent node's vote goes only if ⌊(n−1)/2⌋ stays what it is, so for an even number of voters.</summary>
    public static bool MayTakeVote(int voters) => voters > 1
        && QuorumArithmetic.ToleratedFailures(voters - 1) == QuorumArithmetic.ToleratedFailures(voters);

    /// <summary>Answers a node that wants to be a member.</summary>
    /// <param name="key">As its connection has proven it (rule C1).</param>
    public JoinResponse Answer(NodeKey key, JoinRequest request)
    {
        if (host.Configuration is not { } configuration || host.Role.Role != RaftRole.Leader)
            return Redirect();
        if (request.Former is { } former && former.Id != key.Id && configuration.Find(former) is not null && !inbound.IsAlive(former))
        {
            // The data directory goes on under another id: what the former identity promised ended with it. (A copied directory whose original is still
            // alive is another matter: that one keeps its vote.)
            var removed = host.ProposeConfiguration(new ConfigurationChange.Remove(former));
            return Logged(key, request, new(JoinResult.Wait, $"its former identity {former.Id} leaves the cluster first ({removed.Result})", ""));
        }
        var member = configuration.Find(key);
        ConfigurationChange change = member is null
            ? new ConfigurationChange.AddLearner(key, request.Address, request.NeverLeader, request.Witness)
            : new ConfigurationChange.Update(key, request.Address, request.NeverLeader, request.Witness);
        var outcome = host.ProposeConfiguration(change);
        return outcome.Result == ConfigurationResult.NothingToDo
            ? new(JoinResult.Accepted, "", "")
            : Logged(key, request, Translate(outcome.Result, key, request, configuration));
    }

    private JoinResponse Redirect()
    {
        if (host.Role.Leader is not { } leader)
            return new(JoinResult.Wait, "there is no leader now", "");
        var address = host.Configuration?.Find(leader)?.Address ?? "";
        return address.Length == 0 ? new(JoinResult.Wait, "the leader's address is not known yet", "") : new(JoinResult.Redirect, "", address);
    }

    private static JoinResponse Translate(ConfigurationResult result, NodeKey key, JoinRequest request, Configuration configuration) => result switch
    {
        ConfigurationResult.Accepted => new(JoinResult.Accepted, "", ""),
        ConfigurationResult.NotLeader => new(JoinResult.Wait, "the leader has just changed", ""),
        ConfigurationResult.TransferInProgress => new(JoinResult.Wait, "the lead is being handed over", ""),
        ConfigurationResult.TermNotCommitted => new(JoinResult.Wait, "the leader has just been elected and has not committed yet", ""),
        ConfigurationResult.ChangeInProgress => new(JoinResult.Wait, "another change of the membership is under way", ""),
        ConfigurationResult.IdInUse => new(JoinResult.Refused,
            IdentityRules.DuplicateNode(key.Id, configuration.FindById(key.Id)?.Address ?? "?", request.Address).Text, ""),
        _ => new(JoinResult.Refused, result.ToString(), ""),
    };

    private JoinResponse Logged(NodeKey key, JoinRequest request, JoinResponse response)
    {
        RuntimeLog.JoinAnswered(logger, key.ToString(), request.Address,
            response.Text.Length == 0 ? response.Result.ToString() : response.Text);
        return response;
    }

    private void Promote(NodeKey key)
    {
        if (host.ProposeConfiguration(new ConfigurationChange.Promote(key)).Result == ConfigurationResult.Accepted)
            RuntimeLog.Promoted(logger, key.Id);
    }

    private void TakeVote(NodeKey key)
    {
        if (host.ProposeConfiguration(new ConfigurationChange.Demote(key)).Result == ConfigurationResult.Accepted)
            RuntimeLog.VoteTaken(logger, key.Id, options.Value.DropAfterS);
    }
}
