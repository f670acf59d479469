using System.Collections.Concurrent;
using WolfScale.Cluster.Membership;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;

namespace WolfScale.Cluster;

/// <summary>How members go.</summary>
public sealed partial class ClusterNode
{
    private const string HasLeft = "this node has left the cluster for good; 'wolfscale join' lets it come back";

    private static readonly TimeSpan RemovalLimit = TimeSpan.FromSeconds(15);

    /// <summary>Members that an operator takes out through this node, the leader, and that have not been told yet.</summary>
    private readonly ConcurrentDictionary<NodeKey, bool> _removing = new();

    /// <summary>Removes a member from the configuration, through the leader. Returns when it has left.</summary>
    /// <exception cref="InvalidOperationException">It cannot be removed; the message says why.</exception>
    public async Task RemoveAsync(string nodeId, CancellationToken cancellationToken = default)
    {
        var started = _time.GetTimestamp();
        var (last, accepted) = ("", false);
        while (_time.GetElapsedTime(started) < RemovalLimit)
        {
            if (Configuration is not { } configuration)
                throw new InvalidOperationException("this node is not a member of a cluster itself");
            if (configuration.FindById(nodeId) is null)
            {
                if (accepted && Role.Role != RaftRole.Leader)
                    throw new InvalidOperationException($"{nodeId} was taken out, but the lead changed before it was told: if it lives it joins again. Look (wolfctl list servers), and remove it again then");
                return;
            }

            if (Role.Role == RaftRole.Leader)
            {
                var outcome = ProposeRemoval(nodeId);
                last = outcome.Result.ToString();
                if (outcome.Result == ConfigurationResult.LastVoter)
                    throw new InvalidOperationException($"{nodeId} is the cluster's last voter and stays: stop it instead");
                if (outcome.Result == ConfigurationResult.LeaderMustHandOver)
                    last = (await TransferLeadershipAsync(null, cancellationToken)).Reason;
                accepted |= outcome.Result == ConfigurationResult.Accepted;
                if (outcome.Result == ConfigurationResult.Accepted)
                    await WaitForCommitAsync(outcome.Lsn, cancellationToken).AsTask().WaitAsync(RemovalLimit, _time, cancellationToken);
            }
            else if (Role.Leader is { } leader)
            {
                _peers.Send(leader, ClusterMessages.Frame(new LeaveRequest(nodeId)));
            }
            await Task.Delay(TimeSpan.FromMilliseconds(200), _time, cancellationToken);
        }
        throw new InvalidOperationException($"{nodeId} could not be removed within {RemovalLimit.TotalSeconds:0} s"
            + (Role.Leader is null ? ": there is no leader" : last.Length > 0 ? $": {last}" : ""));
    }

    /// <summary>Leaves the cluster for good: this data directory does not join again by itself. The lead is handed over first.</summary>
    /// <exception cref="InvalidOperationException">The cluster cannot do without it; the message says why.</exception>
    public async Task LeaveAsync(CancellationToken cancellationToken = default)
    {
        _identity.Leave();
        try
        {
            // A node that is taken out does not get the entry that says so: the leader's word counts, and then its silence.
            var started = _time.GetTimestamp();
            while (_join.IsMember && _time.GetElapsedTime(started) < RemovalLimit)
            {
                if (Role.Role == RaftRole.Leader)
                {
                    var outcome = await TransferLeadershipAsync(null, cancellationToken);
                    if (!outcome.Succeeded)
                        throw new InvalidOperationException($"the lead cannot be handed over: {outcome.Reason}");
                }
                else if (Role.Leader is { } leader)
                {
                    _peers.Send(leader, ClusterMessages.Frame(new LeaveRequest(Self.Id)));
                }
                await Task.Delay(TimeSpan.FromMilliseconds(200), _time, cancellationToken);
            }
            if (_join.IsMember)
                throw new InvalidOperationException($"no leader took this node out within {RemovalLimit.TotalSeconds:0} s: try again when there is one");
            _host.Stop(HasLeft);
            CallOut();
        }
        catch
        {
            _identity.Return();
            throw;
        }
    }

    /// <summary>Comes back after <see cref="LeaveAsync"/>, or after an operator's removal: asks to join again.</summary>
    public void Rejoin()
    {
        if (!_identity.HasLeft)
            return;
        _identity.Return();
        _join.ForgetMembership();
        _host.Restart();
        CallOut();
    }

    /// <summary>On the leader: takes a member out. It is told when that is committed, see <see cref="TellWhoIsOut"/>.</summary>
    private ConfigurationOutcome ProposeRemoval(string nodeId)
    {
        if (Configuration?.FindById(nodeId) is not { } member)
            return new ConfigurationOutcome(ConfigurationResult.UnknownNode, 0);
        var outcome = _host.ProposeConfiguration(new ConfigurationChange.Remove(member.Key));
        if (outcome.Result == ConfigurationResult.Accepted)
            _removing[member.Key] = true;
        return outcome;
    }

    /// <summary>
    /// What another node asks for. One that leaves, and whose id somebody else has by now, takes nobody's place. And it keeps its own word: if it has given up meanwhile, because it took too long, it
    /// joins again when it hears that it is out.
    /// </summary>
    private void AskedToLetGo(NodeKey from, string nodeId)
    {
        if (nodeId != from.Id)
            _ = ProposeRemoval(nodeId);
        else if (Configuration?.Find(from) is not null)
            _ = _host.ProposeConfiguration(new ConfigurationChange.Remove(from));
    }

    /// <summary>
    /// A node that was taken out does not get the entry that says so: the leader tells it, as soon as the entry is committed and not before. Told earlier it would stop, its operator would switch
    /// the machine off, and if the entry were lost with its leader the cluster would go on counting on a vote, and on a disk, that are gone.
    /// </summary>
    private void TellWhoIsOut(NodeKey key)
    {
        if (Role.Role != RaftRole.Leader || Configuration?.Find(key) is not null || _host.Status() is not { Role: RaftRole.Leader, Configuration: { } committed } status
            || committed.Find(key) is not null || status.ConfigurationLsn > status.CommitLsn)
            return;
        _peers.Send(key, ClusterMessages.Frame(new JoinResponse(_removing.TryRemove(key, out _) ? JoinResult.Removed : JoinResult.NotAMember, "", "")));
    }

    private void TellThoseRemoved()
    {
        foreach (var key in _removing.Keys)
            TellWhoIsOut(key);
    }

    /// <summary>With every heartbeat: a node that was killed while it left is a member still, with a vote that it does not use. It goes on asking to be let go.</summary>
    private void GoOnLeaving()
    {
        if (_host.Halted is null || !_identity.HasLeft || !_join.IsMember)
            return;
        var frame = ClusterMessages.Frame(new LeaveRequest(Self.Id));
        foreach (var key in _peers.Reached)
            _peers.Send(key, frame);
    }
}
