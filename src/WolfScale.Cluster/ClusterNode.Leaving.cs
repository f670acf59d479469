using System.Collections.Concurrent;
using WolfScale.Cluster.Membership;
using WolfScale.Cluster.Runtime;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;

namespace WolfScale.Cluster;

/// <summary>How members go.</summary>
public sealed partial class ClusterNode
{
    private const string HasLeft = "this node has left the cluster for good; 'wolfscale join' lets it come back";

    private const string GoesAfterRestart = "it was stopped while it left the cluster, and goes as soon as a leader lets it: 'wolfscale join' keeps it";

    private static readonly TimeSpan RemovalLimit = TimeSpan.FromSeconds(15);

    /// <summary>Whoever decides whether this node goes or stays holds it.</summary>
    private readonly Lock _leaving = new();

    /// <summary>This node was started on a data directory that was leaving, and takes part until it is out.</summary>
    private volatile bool _goesOnLeaving;

    /// <summary><see cref="LeaveAsync"/> is under way, and answers for what becomes of it.</summary>
    private volatile bool _operatorWaits;

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
        lock (_leaving)
        {
            _operatorWaits = true;
            _identity.BeginLeaving();
        }
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
                    AskToBeLetGo([leader]);
                }
                await Task.Delay(TimeSpan.FromMilliseconds(200), _time, cancellationToken);
            }
            if (_join.IsMember)
                throw new InvalidOperationException($"no leader took this node out within {RemovalLimit.TotalSeconds:0} s: try again when there is one");
            EndLeaving();
        }
        catch
        {
            Stay();
            throw;
        }
        finally
        {
            _operatorWaits = false;
        }
    }

    /// <summary>Comes back after <see cref="LeaveAsync"/>, or after an operator's removal, or does not go after all: asks to join again.</summary>
    public void Rejoin()
    {
        lock (_leaving)
        {
            if (!_identity.HasLeft && !_identity.IsLeaving)
                return;
            Stay();
            _join.ForgetMembership();
            _host.Restart();
        }
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

    /// <summary>
    /// At the start: a node that was killed while it left goes on, and takes part until it is out. It is a member until then, and the cluster may need its vote to elect the leader who lets it go: of two
    /// voters neither leads alone. It leads for nobody's writes (rule C3).
    /// </summary>
    private void ReadWhetherItLeaves()
    {
        if (!_identity.IsLeaving)
            return;
        _goesOnLeaving = true;
        RuntimeLog.GoesOnLeaving(_logger, Self.Id);
        SetLocalState(_given);
    }

    /// <summary>With every heartbeat.</summary>
    private void GoOnLeaving()
    {
        lock (_leaving)
        {
            if (_goesOnLeaving && !_operatorWaits)
                GoOrStay();
            else if (_host.Halted is not null && _identity.HasLeft && _join.IsMember)
                AskToBeLetGo(_peers.Reached); // it is out, and its log does not hold the entry that says so; or an earlier version was killed while it left
        }
    }

    private void GoOrStay()
    {
        if (_join.IsOut)
        {
            EndLeaving();
        }
        else if (Configuration is { VoterCount: 1 } alone && alone.IsVoter(Self))
        {
            RuntimeLog.LastVoterStays(_logger, Self.Id);
            Stay();
        }
        else if (Role.Leader is { } leader && leader != Self && OthersCanDoWithout())
        {
            AskToBeLetGo([leader]);
        }
    }

    private void AskToBeLetGo(IEnumerable<NodeKey> whom)
    {
        var frame = ClusterMessages.Frame(new LeaveRequest(Self.Id));
        foreach (var key in whom)
            _peers.Send(key, frame);
    }

    private void EndLeaving()
    {
        lock (_leaving)
        {
            _identity.Leave();
            _goesOnLeaving = false;
            _host.Stop(HasLeft);
        }
        CallOut();
    }

    /// <summary>It does not go, or comes back.</summary>
    private void Stay()
    {
        lock (_leaving)
        {
            _identity.Return();
            _goesOnLeaving = false;
            SetLocalState(_given);
        }
    }

    /// <summary>
    /// The change is committed by the voters that remain (thesis §4.1): with too few of them alive it never would be, and nothing after it. Whoever asked for it saw to that, and some may have died since.
    /// </summary>
    private bool OthersCanDoWithout()
    {
        if (Configuration is not { Mode: ClusterMode.Consistent } configuration)
            return true;
        var nowMs = _host.NowMs;
        var rest = configuration.Members.Where(m => m.IsVoter && m.Key != Self).ToList();
        var alive = rest.Count(m => _board.Find(m.Key, nowMs) is { } heard && !heard.Report.Goodbye && heard.AgeMs < Options.ElectionTimeoutMaxMs);
        return alive >= QuorumArithmetic.Majority(rest.Count);
    }

    private LocalState AsOneThatLeaves(LocalState state) =>
        _goesOnLeaving ? state with { Fit = false, Reason = state.Reason.Length > 0 ? state.Reason : GoesAfterRestart } : state;
}
