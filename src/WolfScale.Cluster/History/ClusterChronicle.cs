using System.Globalization;
using WolfScale.Consensus;

namespace WolfScale.Cluster.History;

/// <summary>Tells the history what becomes of the cluster: who leads and why, who is a member, who is heard. Thread-safe; never blocks.</summary>
internal sealed class ClusterChronicle(NodeKey self, ClusterOptions options, IEventSink history, Configuration? configuration, Func<string> whyNotFit, Func<string?> halted)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, NodeStatus> _away = [];
    private NodeKey? _leader;
    private NodeKey? _lastLeader;
    private long _leaderTerm;
    private Configuration? _configuration = configuration;
    private string? _why;
    private string? _stopped;

    /// <summary>What was seen of the leader before it was none.</summary>
    public ElectionCause Cause { get; } = new();

    /// <summary>In the order of the changes.</summary>
    public void OnRole(RoleChange role)
    {
        lock (_lock)
        {
            if (role.Leader is { } leader)
            {
                if (_leader != leader || _leaderTerm != role.Term)
                    NewLeader(leader, role);
            }
            else if (_leader is { } lost)
            {
                _leader = null;
                LostLeader(lost, role);
            }
        }
    }

    /// <summary>A configuration is in force.</summary>
    public void OnConfiguration(Configuration? now)
    {
        lock (_lock)
        {
            if (now is null || _configuration == now)
                return;
            var before = _configuration;
            _configuration = now;
            // A log that is being caught up with tells of changes that are long past: only who is in hears of them as they happen.
            if (now.Find(self) is null && before?.Find(self) is null)
                return;
            foreach (var member in now.Members)
            {
                if (before?.Find(member.Key) is not { } old)
                    Joined(member, before?.FindById(member.Key.Id) is not null);
                else
                    Changed(old, member);
            }
            foreach (var gone in before?.Members ?? [])
            {
                if (now.FindById(gone.Key.Id) is null)
                    history.Record(EventKinds.NodeLeft, $"{gone.Key.Id} is no longer a member", Facts(gone));
            }
        }
    }

    /// <summary>How the nodes look now; may be called out of order by a hair.</summary>
    public void OnView(ClusterView view)
    {
        lock (_lock)
        {
            if (view.Stopped != _stopped)
            {
                if (view.Stopped is { } reason)
                    history.Record(EventKinds.Error, $"this node takes no part any more: {reason}", ("reason", reason));
                else
                    history.Record(EventKinds.ErrorOver, $"this node takes part again, after: {_stopped}", ("reason", _stopped));
                _stopped = view.Stopped;
            }
            foreach (var node in view.Nodes)
            {
                if (node.Id != view.SelfId && node.LastHeardMs is not null)
                    Look(node);
            }
        }
    }

    private void NewLeader(NodeKey leader, RoleChange role)
    {
        var previous = _leader ?? _lastLeader;
        var cause = previous is null ? _configuration is { VoterCount: 1 } ? "it is the only voter" : "no leader was known since this node started"
            : _why ?? Cause.Known(previous.Value) ?? (previous == leader ? "it led before, and was elected again" : LaterTerm(previous.Value));
        (_leader, _lastLeader, _leaderTerm, _why) = (leader, leader, role.Term, null);
        Cause.Clear();
        (string, object?)[] facts = [("leader", leader.Id), ("term", role.Term), ("previous_leader", previous?.Id), ("why", cause)];
        if (leader == self)
        {
            var unable = role.Lease is null ? $". It does not serve and hands over ({(whyNotFit() is { Length: > 0 } reason ? reason : "not fit")})" : "";
            history.Record(EventKinds.Elected, string.Create(CultureInfo.InvariantCulture, $"this node was elected leader of term {role.Term}: {cause}{unable}"), facts);
        }
        else
        {
            history.Record(EventKinds.LeaderChanged, string.Create(CultureInfo.InvariantCulture, $"{leader.Id} leads term {role.Term}: {cause}"), facts);
        }
    }

    private void LostLeader(NodeKey lost, RoleChange role)
    {
        var later = role.Term > _leaderTerm;
        if (lost == self)
        {
            _why = halted() ?? (later ? LaterTerm(self) : "a majority was not heard any more");
            history.Record(EventKinds.SteppedDown, $"this node leads no more: {_why}", ("term", role.Term), ("why", _why));
            return;
        }
        var known = Cause.Known(lost);
        // One that stands for election has asked nobody's leave: its own patience had ended.
        _why = known ?? (later && role.Role == RaftRole.Follower ? LaterTerm(lost)
            : string.Create(CultureInfo.InvariantCulture, $"nothing was heard of the leader {lost.Id} for an election timeout (at least {options.ElectionTimeoutMinMs} ms)"));
        if (Cause.IsHandover(lost))
            return; // it has not been lost, and who leads next is told in a moment
        history.Record(EventKinds.LeaderLost, $"there is no leader: {_why}", ("previous_leader", lost.Id), ("term", role.Term), ("why", _why));
    }

    private static string LaterTerm(NodeKey leader) => $"a later term has begun: {leader.Id} handed the lead over, or a majority no longer heard it";

    private void Joined(Member member, bool anew) => history.Record(
        EventKinds.NodeJoined,
        $"{member.Key.Id} at {member.Address} is a member {(member.IsVoter ? "with a vote" : "and catches up, without a vote yet")}{(anew ? "; its data directory is another than before" : "")}",
        Facts(member));

    private void Changed(Member old, Member now)
    {
        if (!old.IsVoter && now.IsVoter)
            history.Record(EventKinds.NodeVotes, $"{now.Key.Id} has caught up and votes", Facts(now));
        else if (old.IsVoter && !now.IsVoter)
            history.Record(EventKinds.NodeLostVote, $"{now.Key.Id} was silent and has lost its vote, which costs no fault tolerance; it gets it back when it has caught up", Facts(now));
        if (old.Address != now.Address)
            history.Record(EventKinds.NodeMoved, $"{now.Key.Id} is at {now.Address} now, and was at {old.Address}", Facts(now));
    }

    private void Look(NodeView node)
    {
        var away = node.Status is NodeStatus.Dropped or NodeStatus.Offline or NodeStatus.NeedsMigration;
        _ = _away.TryGetValue(node.Id, out var before);
        if (away && (before != node.Status || !_away.ContainsKey(node.Id)))
        {
            _away[node.Id] = node.Status;
            var kind = node.Status switch
            {
                NodeStatus.Dropped => EventKinds.NodeDropped,
                NodeStatus.Offline => EventKinds.NodeOffline,
                _ => EventKinds.NodeNeedsMigration,
            };
            history.Record(kind, $"{node.Id} is {Word(node.Status)}: {node.Reason}", ("node", node.Id), ("reason", node.Reason));
        }
        else if (!away && node.Status is not NodeStatus.Lagging && _away.Remove(node.Id))
        {
            history.Record(EventKinds.NodeReturned, $"{node.Id} is back, {Word(node.Status)}; it was {Word(before)}", ("node", node.Id), ("status", Word(node.Status)), ("was", Word(before)));
        }
    }

    private static (string, object?)[] Facts(Member member) =>
        [("node", member.Key.Id), ("incarnation", member.Key.Incarnation.ToString("x16", CultureInfo.InvariantCulture)), ("address", member.Address), ("voter", member.IsVoter), ("witness", member.Witness)];

    private static string Word(NodeStatus status) => status == NodeStatus.NeedsMigration ? "NEEDS_MIGRATION" : status.ToString().ToUpperInvariant();
}
