using WolfScale.Consensus;

namespace WolfScale.Simulation;

/// <summary>The people: users who write and read, and an operator who adds, removes and moves nodes.</summary>
public sealed class Operator(Cluster cluster)
{
    private long _reads;

    private Random Random => cluster.Random;

    private SimulationProfile Profile => cluster.Profile;

    public void Begin()
    {
        Repeat(Profile.WriteIntervalMs, Write);
        Repeat(Profile.OperatorIntervalMs, Act);
        if (Profile.Reads)
            Repeat(3 * Profile.WriteIntervalMs, Read);
    }

    /// <summary>Somebody who believes to lead; there may be several.</summary>
    public SimulatedNode? AnyLeader()
    {
        SimulatedNode[] leaders = [.. cluster.Nodes.Where(node => node.Core?.Role == RaftRole.Leader)];
        return leaders.Length == 0 ? null : leaders[Random.Next(leaders.Length)];
    }

    /// <summary>Whether the voters whose incarnation still exists can be a majority.</summary>
    public bool HasLivingMajority(Configuration configuration, NodeKey? besides = null)
    {
        int living = configuration.Members.Count(member => member.IsVoter && member.Key != besides && cluster.Find(member.Key) is not null);
        return living >= QuorumArithmetic.Majority(configuration.VoterCount);
    }

    public void Write(SimulatedNode leader) => leader.Run((core, effects) =>
    {
        int entries = Random.Next(1, 5);
        int bytes = Random.Next(10, 400);
        ProposeOutcome outcome = core.Propose(entries, bytes, core.Term, effects);
        if (!outcome.Accepted)
            return;
        long payload = cluster.NewPayload();
        cluster.Checker.OnProposalAccepted(leader, payload);
        leader.Append(new BatchInfo(outcome.FirstLsn, outcome.FirstLsn + entries - 1, outcome.Term, bytes), payload);
    });

    /// <summary>
    /// Brings back a member whose entries a leader has pruned: its data is copied, and its log begins where the leader's does.
    /// </summary>
    public void MigrateStranded(SimulatedNode leader)
    {
        if (leader.Core is not { Role: RaftRole.Leader } core)
            return;
        foreach (PeerStatus peer in core.Status().Peers)
        {
            if (peer.State != ReplicationState.BehindRetention || cluster.Find(peer.Key) is not { IsUp: true } node)
                continue;

            // A node that already holds the leader's first position is not behind: the leader's news is old.
            SimulatedLog start = leader.Log.Migrate();
            bool isBehind = cluster.Mode == ClusterMode.Available
                ? node.Core!.Term == core.Term && !node.Log.HoldsForSure(start.First.Lsn, start.LastChain) && !node.Log.BeginsIn(leader.Log)
                : start.First.Lsn > node.Core!.CommitLsn && !node.Log.Holds(start.First.Lsn, start.LastChain);
            if (!isBehind)
                continue;
            cluster.Trace(node, $"is migrated to {start.First}");
            cluster.Checker.Statistics.Migrations++;
            cluster.Checker.OnMigrated(node);
            node.Migrate(start);
            node.Start();
        }
    }

    /// <summary>Nodes that the leader's configuration does not hold ask to join, as a running node does by itself.</summary>
    public void LetIn(SimulatedNode leader)
    {
        foreach (SimulatedNode node in cluster.Nodes.Where(node => node.IsUp && leader.Core?.Configuration?.Find(node.Key) is null))
            leader.Run((core, effects) => core.ProposeConfiguration(new ConfigurationChange.AddLearner(node.Key, node.Key.Id), effects));
    }

    private void Repeat(int meanMs, Action act) => cluster.Events.In(Random.Next(2 * meanMs) + 1, () =>
    {
        if (!cluster.Faults.IsOn)
            return;
        act();
        Repeat(meanMs, act);
    });

    private void Write()
    {
        if (AnyLeader() is { } leader)
            Write(leader);
    }

    private void Read()
    {
        if (AnyLeader() is not { } leader)
            return;
        leader.Run((core, effects) =>
        {
            long context = ++_reads;
            cluster.Checker.OnReadBegan(context);
            _ = core.BeginReadIndex(context, effects);
        });
    }

    private void Act()
    {
        if (AnyLeader() is not { } leader)
            return;
        if (Profile.Pruning)
            MigrateStranded(leader);
        if (Profile.Transfers && Random.Next(3) == 0)
        {
            NodeKey? target = Random.Next(3) == 0 ? null : cluster.Nodes[Random.Next(cluster.Nodes.Count)].Key;
            leader.Run((core, effects) => core.TransferLeadership(cluster.NowMs, target, effects));
        }
        else if (Profile.MembershipChanges || Profile.Wipes)
        {
            leader.Run(ChangeMembership);
        }
    }

    public void ChangeAtTheWorstTime(SimulatedNode leader)
    {
        if (Profile.ChangesAtTheWorstTime && cluster.Faults.IsOn)
            cluster.Events.In(Random.Next(20), () => leader.Run(ChangeMembership));
    }

    private void ChangeMembership(RaftCore core, EffectList effects)
    {
        if (core.Configuration is not { } configuration)
            return;
        SimulatedNode[] others = [.. cluster.Nodes.Where(node => node.Key != core.Self)];
        SimulatedNode node = others[Random.Next(others.Length)];
        ConfigurationChange? change = configuration.Find(node.Key) switch
        {
            null => new ConfigurationChange.AddLearner(node.Key, node.Key.Id, NeverLeader: Random.Next(8) == 0, Witness: Random.Next(12) == 0),
            { IsVoter: false } when Profile.OnlyVotesChange => new ConfigurationChange.Promote(node.Key),
            { IsVoter: false } => Random.Next(4) == 0 ? new ConfigurationChange.Remove(node.Key) : new ConfigurationChange.Promote(node.Key),
            _ when !Profile.MembershipChanges => null,
            _ when Profile.OnlyVotesChange => new ConfigurationChange.Demote(node.Key),
            { } member => Random.Next(3) switch
            {
                0 => new ConfigurationChange.Remove(node.Key),
                1 => new ConfigurationChange.Demote(node.Key),
                _ => new ConfigurationChange.Update(node.Key, member.Address, Random.Next(4) == 0, member.Witness),
            },
        };

        // An operator who takes votes away looks first whether those that stay are a majority.
        bool takesVote = change is ConfigurationChange.Remove or ConfigurationChange.Demote;
        if (change is null || (takesVote && !HasLivingMajorityWithout(configuration, node.Key)))
            return;
        core.ProposeConfiguration(change, effects);
    }

    private bool HasLivingMajorityWithout(Configuration configuration, NodeKey key) =>
        HasLivingMajority(configuration.WithMembers(configuration.Members.RemoveAll(member => member.Key == key)));
}
