using WolfScale.Consensus;

namespace WolfScale.Simulation;

/// <summary>
/// Watches everything that happens and knows what must never happen (Raft, figure 3):
/// election safety, log matching, leader completeness, state machine safety; and what WolfScale promises on top:
/// an acknowledged entry is durable on a majority, strong reads are not stale, a node that may not serve takes no writes.
/// </summary>
public class Checker(Cluster cluster)
{
    private readonly Dictionary<long, NodeKey> _leaders = [];
    private readonly Dictionary<(long Lsn, long Term), ulong> _chains = [];
    private readonly List<CommittedBatch> _committed = [];
    private readonly Dictionary<NodeKey, long> _commitOf = [];
    private readonly Dictionary<NodeKey, SimulatedLog> _logsOfTheDead = [];
    private readonly HashSet<long> _clientPayloads = [];
    private readonly Dictionary<long, long> _reads = [];
    private readonly List<PlacedConfiguration> _configurations = [];
    private long _committedConfigurationLsn;

    public SimulationStatistics Statistics { get; } = new();

    /// <summary>Everything up to here has been acknowledged to somebody.</summary>
    public long CommittedLsn => _committed.Count == 0 ? 0 : _committed[^1].Stored.Batch.LastLsn;

    /// <summary>A digest of all that was committed and who led, to compare runs.</summary>
    public ulong Digest { get; private set; }

    /// <summary>Configurations that can be or become the cluster's: the latest committed one and all proposed after it.</summary>
    public virtual IEnumerable<Configuration> PossibleConfigurations =>
        _configurations.Where(placed => placed.Lsn >= _committedConfigurationLsn).Select(placed => placed.Configuration).Distinct();

    protected Cluster Cluster { get; } = cluster;

    /// <summary>For tests that keep a history of their own.</summary>
    public event Action<SimulatedNode, Effect>? EffectSeen;

    public virtual void OnStarted(SimulatedNode node) => _commitOf[node.Key] = node.Core!.CommitLsn;

    public virtual void OnCrashed(SimulatedNode node) => _commitOf.Remove(node.Key);

    /// <summary>The incarnation is gone for good; what it held when it acknowledged still counts as held then.</summary>
    public virtual void OnWiped(SimulatedNode node)
    {
        _logsOfTheDead[node.Key] = node.Log;
        Statistics.Wipes++;
    }

    /// <summary>The node's log begins anew, with a copy of another node's data.</summary>
    public virtual void OnMigrated(SimulatedNode node)
    {
    }

    public virtual void OnReceived(SimulatedNode node, Message message)
    {
    }

    public virtual void OnSent(SimulatedNode node, Message message)
    {
    }

    /// <summary>Log matching (Raft §5.3): same LSN and term, same everything up to there.</summary>
    public void OnAppended(SimulatedNode node, StoredBatch stored)
    {
        var key = (stored.Batch.LastLsn, stored.Batch.Term);
        if (!_chains.TryAdd(key, stored.Chain) && _chains[key] != stored.Chain)
            throw new InvariantViolationException($"log matching: {node.Key} has another log up to LSN {key.LastLsn} of term {key.Term} than an earlier node");
        if (stored.Batch.Configuration is { } configuration)
            _configurations.Add(new PlacedConfiguration(stored.Batch.FirstLsn, configuration));
    }

    public virtual void OnTruncate(SimulatedNode node, long lastKeptLsn)
    {
        Statistics.Truncations++;
        if (FindCommitted(lastKeptLsn + 1) is { } lost && node.Log.Holds(lost.Stored.Batch.LastLsn, lost.Stored.Chain))
            throw new InvariantViolationException($"acknowledged entries lost: {node.Key} truncates committed LSN {lastKeptLsn + 1}");
    }

    /// <summary>Rule C3.</summary>
    public void OnProposalAccepted(SimulatedNode node, long payload)
    {
        _ = _clientPayloads.Add(payload);
        Statistics.Proposals++;
        Member? member = node.Core!.Configuration?.Find(node.Key);
        if (node.Fitness != Fitness.Fit || member is null or { NeverLeader: true } or { Witness: true })
            throw new InvariantViolationException($"{node.Key} may not serve and accepted a write (C3)");
    }

    public virtual void OnReadBegan(long context) => _reads[context] = CommittedLsn;

    public virtual void OnEffect(SimulatedNode node, Effect effect)
    {
        EffectSeen?.Invoke(node, effect);
        switch (effect)
        {
            case Effect.CommitAdvanced commit:
                OnCommit(node, commit.Lsn);
                break;
            case Effect.RoleChanged { Role: RaftRole.Leader } role:
                OnLeader(node, role.Term);
                break;
            case Effect.ReadIndexReady read:
                Statistics.Reads++;
                if (_reads.Remove(read.Context, out long needed) && read.Lsn < needed)
                {
                    throw new InvariantViolationException(
                        $"stale strong read: {node.Key} answers with LSN {read.Lsn}, but {needed} was acknowledged before it began");
                }

                break;
            case Effect.ReadIndexAborted read:
                _ = _reads.Remove(read.Context);
                break;
            case Effect.LeadershipTransferEnded transfer:
                Statistics.Transfers += transfer.Succeeded ? 1 : 0;
                break;
            case Effect.ConfigurationChanged:
                Statistics.ConfigurationChanges++;
                break;
            case Effect.SafetyAlarm alarm:
                throw new InvariantViolationException($"alarm: {alarm.What}");
        }
    }

    /// <summary>Every acknowledged write is in the log of this node, which has caught up.</summary>
    public virtual void CheckHoldsEverything(SimulatedNode node)
    {
        foreach (CommittedBatch batch in _committed)
            if (!node.Log.Holds(batch.Stored.Batch.LastLsn, batch.Stored.Chain))
                throw new InvariantViolationException($"acknowledged entries lost: {node.Key} lacks committed LSN {batch.Stored.Batch.LastLsn} at the end");
    }

    protected virtual void OnLeader(SimulatedNode node, long term)
    {
        if (IsFirst(node, term))
            CheckLeaderIsComplete(node, term);
    }

    /// <summary>Election safety (Raft §5.2): one leader a term.</summary>
    /// <returns>Whether this is news.</returns>
    protected bool IsFirst(SimulatedNode node, long term)
    {
        if (_leaders.TryGetValue(term, out NodeKey other))
        {
            if (other != node.Key)
                throw new InvariantViolationException($"election safety: {other} and {node.Key} both lead term {term}");
            return false; // announced again, because its standing has changed
        }

        _leaders.Add(term, node.Key);
        Statistics.Elections++;
        Mix((ulong)term, (ulong)node.Key.GetStableHash());
        return true;
    }

    /// <summary>Leader completeness (Raft §5.4.3): what was committed in earlier terms is in its log.</summary>
    private void CheckLeaderIsComplete(SimulatedNode node, long term)
    {
        for (int i = _committed.Count - 1; i >= 0; i--)
        {
            if (_committed[i].CommittedInTerm >= term)
                continue;
            StoredBatch needed = _committed[i].Stored;
            if (!node.Log.Holds(needed.Batch.LastLsn, needed.Chain))
            {
                throw new InvariantViolationException(
                    $"leader completeness: {node.Key} leads term {term} without committed LSN {needed.Batch.LastLsn} of term {needed.Batch.Term}");
            }

            break;
        }
    }

    protected virtual void OnCommit(SimulatedNode node, long lsn)
    {
        long before = _commitOf[node.Key];
        if (lsn <= before)
            throw new InvariantViolationException($"{node.Key} announces commit LSN {lsn} after {before}");
        _commitOf[node.Key] = lsn;
        if (node.AnnouncedRole != RaftRole.Leader && node.Log.DurableLsn < lsn)
            throw new InvariantViolationException($"follower {node.Key} announces commit LSN {lsn}, durable in its own log up to {node.Log.DurableLsn}");
        bool advanced = lsn > CommittedLsn;
        for (long at = Math.Max(before, node.Log.First.Lsn); at < lsn;)
        {
            StoredBatch stored = node.Log.Holding(at + 1)
                ?? throw new InvariantViolationException($"{node.Key} announces commit LSN {lsn} without holding {at + 1}");
            CheckOrRecord(node, stored);
            at = stored.Batch.LastLsn;
        }

        if (advanced)
            CheckDurableOnMajority(node, lsn);
    }

    /// <summary>State machine safety (Raft §5.4.3): all nodes commit the same.</summary>
    private void CheckOrRecord(SimulatedNode node, StoredBatch stored)
    {
        if (stored.Batch.LastLsn > CommittedLsn)
        {
            _committed.Add(new CommittedBatch(stored, node.Core!.Term));
            Mix(stored.Chain, (ulong)stored.Batch.LastLsn);
            if (stored.Batch.Configuration is not null)
                _committedConfigurationLsn = stored.Batch.FirstLsn;
            CountAcknowledged(stored);
            return;
        }

        CommittedBatch committed = FindCommitted(stored.Batch.LastLsn)!.Value;
        if (committed.Stored.Chain != stored.Chain)
            throw new InvariantViolationException($"state machine safety: {node.Key} commits another entry at LSN {stored.Batch.LastLsn}");
    }

    /// <summary>The promise of mode "consistent": when a leader acknowledges, a majority of its voters has the entry on disk.</summary>
    private void CheckDurableOnMajority(SimulatedNode node, long lsn)
    {
        ulong chain = node.Log.Holding(lsn)!.Chain;
        int voters = 0;
        int holding = 0;
        foreach (Member member in node.Core!.Configuration!.Members)
        {
            if (!member.IsVoter)
                continue;
            voters++;
            SimulatedLog? log = Cluster.Find(member.Key)?.Log ?? _logsOfTheDead.GetValueOrDefault(member.Key);
            if (log is not null && log.HoldsDurably(lsn, chain))
                holding++;
        }

        if (holding <= voters / 2)
            throw new InvariantViolationException($"acknowledged too early: {node.Key} commits LSN {lsn}, durable on {holding} of {voters} voters");
    }

    private CommittedBatch? FindCommitted(long lsn)
    {
        int low = 0;
        int high = _committed.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            BatchInfo batch = _committed[middle].Stored.Batch;
            if (batch.LastLsn < lsn)
                low = middle + 1;
            else if (batch.FirstLsn > lsn)
                high = middle - 1;
            else
                return _committed[middle];
        }

        return null;
    }

    protected void CountAcknowledged(StoredBatch stored)
    {
        if (_clientPayloads.Contains(stored.Payload))
            Statistics.AcknowledgedWrites++;
    }

    protected void Mix(ulong a, ulong b) => Digest = (((Digest ^ a) * 0x100000001B3) ^ b) * 0x9E3779B97F4A7C15;

    private readonly record struct CommittedBatch(StoredBatch Stored, long CommittedInTerm);
}
