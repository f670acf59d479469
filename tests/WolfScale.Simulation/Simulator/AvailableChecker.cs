using WolfScale.Consensus;

namespace WolfScale.Simulation;

/// <summary>
/// What mode "available" promises (rule C5), and no more: one leader an epoch; log matching; acknowledged means durable in the leader's own log; nobody
/// commits what no leader has acknowledged; whatever a node cuts off it reports before; who answers with more leads instead; a hand-over loses nothing.
/// At the end all logs are equal, and an acknowledged write that is not in them was reported by the node that acknowledged it, or went with its disk.
/// </summary>
public sealed class AvailableChecker(Cluster cluster) : Checker(cluster)
{
    private readonly Dictionary<ulong, Acknowledged> _acknowledged = [];
    private readonly HashSet<(NodeKey Node, ulong Chain)> _reported = [];
    private readonly Dictionary<NodeKey, Effect.Discarding> _discarding = [];
    private readonly Dictionary<NodeKey, long> _commitOf = [];
    private readonly HashSet<NodeKey> _lostDisks = [];
    private readonly Dictionary<(NodeKey Voter, NodeKey Candidate, long Term), LogPosition> _askedWith = [];
    private readonly Dictionary<(NodeKey Target, long Term), Takeover> _takeovers = [];

    /// <summary>What each node works with now: nothing is settled by a majority.</summary>
    public override IEnumerable<Configuration> PossibleConfigurations =>
        Cluster.Nodes.Select(node => node.Log.Configurations()).Where(all => !all.IsEmpty).Select(all => all[^1].Configuration).Distinct();

    public override void OnStarted(SimulatedNode node) => _commitOf[node.Key] = node.Core!.CommitLsn;

    public override void OnCrashed(SimulatedNode node)
    {
        _commitOf.Remove(node.Key);
        _discarding.Remove(node.Key);
    }

    public override void OnWiped(SimulatedNode node)
    {
        base.OnWiped(node);
        _lostDisks.Add(node.Key);
    }

    /// <summary>Its data are replaced by another node's, log and all.</summary>
    public override void OnMigrated(SimulatedNode node) => _lostDisks.Add(node.Key);

    /// <summary>A strong read is as strong as the side it is on.</summary>
    public override void OnReadBegan(long context)
    {
    }

    public override void OnReceived(SimulatedNode node, Message message)
    {
        if (message is not PreVoteRequest request)
            return;
        var asked = (node.Key, request.From, request.Term);
        if (!_askedWith.TryGetValue(asked, out LogPosition before) || !before.IsAtLeastAsUpToDateAs(request.Last))
            _askedWith[asked] = request.Last;
    }

    /// <summary>Nobody with a vote lets another lead whose log is less complete than its own; and a leader steps aside only for one that has its whole log.</summary>
    public override void OnSent(SimulatedNode node, Message message)
    {
        if (message is PreVoteResponse { Granted: true } && (node.Core!.Configuration?.IsVoter(node.Key) ?? false)
            && _askedWith.TryGetValue((node.Key, message.To, message.Term), out LogPosition had) && !had.IsAtLeastAsUpToDateAs(node.Log.Last))
            throw new InvariantViolationException($"{node.Key}, which has {node.Log.Last}, lets {message.To} lead from {had}");
        if (message is VoteResponse { Granted: true })
            _takeovers[(message.To, message.Term)] = new Takeover(node.Key, node.Log.Last.Lsn, node.Log.LastChain);
    }

    public override void OnEffect(SimulatedNode node, Effect effect)
    {
        base.OnEffect(node, effect);
        if (effect is Effect.Discarding discarding)
        {
            if (discarding.CommitLsn != Math.Min(_commitOf[node.Key], discarding.LastKeptLsn))
                throw new InvariantViolationException($"{node.Key} discards after LSN {discarding.LastKeptLsn}, and its commit LSN goes from {_commitOf[node.Key]} to {discarding.CommitLsn}");
            _commitOf[node.Key] = discarding.CommitLsn;
            _discarding[node.Key] = discarding;
        }
    }

    public override void OnTruncate(SimulatedNode node, long lastKeptLsn)
    {
        Statistics.Truncations++;
        if (!_discarding.Remove(node.Key, out Effect.Discarding? reported) || reported.LastKeptLsn != lastKeptLsn || reported.LastLsn != node.Log.Last.Lsn)
            throw new InvariantViolationException($"silent loss: {node.Key} cuts off {lastKeptLsn + 1} to {node.Log.Last.Lsn} and has reported {reported}");
        foreach (StoredBatch stored in node.Log.Memory)
            if (stored.Batch.LastLsn > lastKeptLsn)
                _reported.Add((node.Key, stored.Chain));
    }

    /// <summary>This node's log is the cluster's now.</summary>
    public override void CheckHoldsEverything(SimulatedNode node)
    {
        Statistics.Lost = 0;
        foreach (Acknowledged write in _acknowledged.Values)
        {
            if (node.Log.Holds(write.Stored.Batch.LastLsn, write.Stored.Chain))
                continue;
            Statistics.Lost++;
            if (!_lostDisks.Contains(write.By) && !_reported.Contains((write.By, write.Stored.Chain)))
                throw new InvariantViolationException(
                    $"silent loss: {write.By} acknowledged LSN {write.Stored.Batch.LastLsn} of epoch {write.Stored.Batch.Term}, which is gone and was not reported by it");
        }
    }

    protected override void OnLeader(SimulatedNode node, long term)
    {
        if (!IsFirst(node, term))
            return;
        if ((uint)term != Epoch.OwnerOf(node.Key))
            throw new InvariantViolationException($"{node.Key} leads epoch {term}, which is not its own");

        // Straight from follower: stepped aside for. (Who was granted an epoch and did not hear of it may take it by roll call later.)
        if (node.AnnouncedRole == RaftRole.Follower && _takeovers.TryGetValue((node.Key, term), out Takeover given) && !node.Log.Holds(given.Lsn, given.Chain))
            throw new InvariantViolationException($"{node.Key} takes over epoch {term} from {given.By}, and lacks what that had up to LSN {given.Lsn}");
    }

    protected override void OnCommit(SimulatedNode node, long lsn)
    {
        long before = _commitOf[node.Key];
        if (lsn <= before)
            throw new InvariantViolationException($"{node.Key} announces commit LSN {lsn} after {before}");
        _commitOf[node.Key] = lsn;
        if (node.Log.DurableLsn < lsn)
            throw new InvariantViolationException($"acknowledged too early: {node.Key} announces commit LSN {lsn}, durable in its own log up to {node.Log.DurableLsn}");
        bool leads = node.AnnouncedRole == RaftRole.Leader;
        for (long at = Math.Max(before, node.Log.First.Lsn); at < lsn;)
        {
            StoredBatch stored = node.Log.Holding(at + 1)
                ?? throw new InvariantViolationException($"{node.Key} announces commit LSN {lsn} without holding {at + 1}");
            at = stored.Batch.LastLsn;
            if (leads && _acknowledged.TryAdd(stored.Chain, new Acknowledged(stored, node.Key)))
            {
                CountAcknowledged(stored);
                Mix(stored.Chain, (ulong)at);
            }
            else if (!leads && !_acknowledged.ContainsKey(stored.Chain))
            {
                throw new InvariantViolationException($"{node.Key} commits LSN {at} of epoch {stored.Batch.Term}, which no leader has acknowledged");
            }
        }
    }

    private readonly record struct Acknowledged(StoredBatch Stored, NodeKey By);

    private readonly record struct Takeover(NodeKey By, long Lsn, ulong Chain);
}
