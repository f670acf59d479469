using WolfScale.Consensus;

namespace WolfScale.Simulation;

/// <summary>Breaks things: machines, disks, links.</summary>
public sealed class FaultInjector(Cluster cluster)
{
    private readonly List<Action> _faults = [];

    public bool IsOn { get; private set; }

    private Random Random => cluster.Random;

    private SimulationProfile Profile => cluster.Profile;

    public void Begin()
    {
        IsOn = true;
        void Add(bool enabled, int weight, Action fault)
        {
            for (int i = 0; enabled && i < weight; i++)
                _faults.Add(fault);
        }

        Add(Profile.Crashes, 3, () => cluster.CrashAndRestart(AnyNode()));
        Add(Profile.Crashes, 2, CrashLeader);
        Add(Profile.Crashes, 1, CrashAll);
        Add(Profile.Crashes, 2, () => cluster.Disconnect(AnyNode(), AnyLeader().Key));
        Add(Profile.Crashes, 1, () => cluster.Connect(AnyNode(), AnyLeader().Key));
        Add(Profile.Pauses, 2, Pause);
        Add(Profile.Partitions, 3, Split);
        Add(Profile.Partitions, 2, IsolateLeader);
        Add(Profile.Partitions, 2, CutOneWay);
        Add(Profile.Partitions, 3, cluster.Network.Heal);
        Add(Profile.ShiftingPartitions, 12, Shift);
        Add(Profile.SlowDisks, 2, () => Flip(AnyNode()));
        Add(Profile.Wipes, 2, Wipe);
        Add(Profile.FitnessFlips, 3, FlipFitness);
        Add(Profile.Pruning, 2, Prune);
        if (Profile.Bridge)
            CutBothWays(cluster.Nodes[0].Key.Id, cluster.Nodes[1].Key.Id);
        if (_faults.Count > 0)
            Schedule();
    }

    /// <summary>Everything works again.</summary>
    public void End()
    {
        IsOn = false;
        cluster.Network.IsPerfect = true;
        cluster.Network.Heal();
        foreach (SimulatedNode node in cluster.Nodes)
        {
            node.IsSlow = false;
            node.Resume();
            node.Start();
            node.SetFitness(Fitness.Fit);
        }
    }

    private void Schedule() => cluster.Events.In(Random.Next(2 * Profile.FaultIntervalMs) + 1, () =>
    {
        if (!IsOn)
            return;
        _faults[Random.Next(_faults.Count)]();
        Schedule();
    });

    private SimulatedNode AnyNode() => cluster.Nodes[Random.Next(cluster.Nodes.Count)];

    private SimulatedNode AnyLeader() => cluster.Operator.AnyLeader() ?? AnyNode();

    private void CrashLeader() => cluster.CrashAndRestart(AnyLeader());

    private void CrashAll()
    {
        foreach (SimulatedNode node in cluster.Nodes)
            if (Random.Next(4) != 0)
                cluster.CrashAndRestart(node);
    }

    private void Pause()
    {
        SimulatedNode node = Random.Next(2) == 0 ? AnyLeader() : AnyNode();
        node.Pause();
        cluster.Events.In(Random.Next(10, 1500), node.Resume);
    }

    /// <summary>A leader that has just won is cut off before everybody has heard of what it did first.</summary>
    public void ShiftAtTheWorstTime()
    {
        if (Profile.ChangesAtTheWorstTime && IsOn && Random.Next(2) == 0)
            cluster.Events.In(Random.Next(50), Shift);
    }

    /// <summary>Takes the majority away from the leader, and gives it to others.</summary>
    private void Shift()
    {
        if (!IsOn)
            return;
        cluster.Network.Heal();
        SimulatedNode leader = AnyLeader();
        int friends = Random.Next(cluster.Nodes.Count / 2);
        CutInTwo([leader.Key.Id, .. cluster.Nodes.Where(node => node != leader).OrderBy(_ => Random.Next()).Take(friends).Select(node => node.Key.Id)]);
        cluster.Operator.ChangeAtTheWorstTime(leader);
    }

    private void Split()
    {
        CutInTwo([.. cluster.Nodes.Where(_ => Random.Next(2) == 0).Select(node => node.Key.Id)]);
        HealLater();
    }

    private void CutInTwo(IReadOnlyCollection<string> left)
    {
        foreach (SimulatedNode a in cluster.Nodes)
            foreach (SimulatedNode b in cluster.Nodes)
                if (left.Contains(a.Key.Id) != left.Contains(b.Key.Id))
                    cluster.Network.Cut(a.Key.Id, b.Key.Id);
    }

    /// <summary>Cuts the leader off from all, or from all but one or two: those are the partitions that hurt.</summary>
    private void IsolateLeader()
    {
        SimulatedNode leader = AnyLeader();
        int friends = Random.Next(3);
        foreach (SimulatedNode node in cluster.Nodes.Where(node => node != leader).OrderBy(_ => Random.Next()).Skip(friends).ToList())
        {
            CutBothWays(leader.Key.Id, node.Key.Id);
        }

        HealLater();
    }

    private void CutBothWays(string a, string b)
    {
        cluster.Network.Cut(a, b);
        cluster.Network.Cut(b, a);
    }

    private void CutOneWay()
    {
        string from = AnyNode().Key.Id;
        string to = AnyNode().Key.Id;
        cluster.Network.Cut(from, to);
        HealLater();
    }

    private void HealLater() => cluster.Events.In(Random.Next(50, Profile.MaxPartitionMs), cluster.Network.Heal);

    private static void Flip(SimulatedNode node) => node.IsSlow = !node.IsSlow;

    private void FlipFitness()
    {
        SimulatedNode node = Random.Next(2) == 0 ? AnyLeader() : AnyNode();
        node.SetFitness(node.Fitness == Fitness.Fit ? Fitness.Unfit : Fitness.Fit);
    }

    private void Prune()
    {
        SimulatedNode node = AnyNode();
        if (!node.IsUp || node.Log.Memory.Count < 4)
            return;
        StoredBatch upto = node.Log.Memory[Random.Next(node.Log.Memory.Count / 2)];
        if (upto.Batch.LastLsn <= Math.Min(node.RememberedCommitLsn, node.Log.DurableLsn))
            node.Log.Prune(upto.Batch.LastLsn);
    }

    /// <summary>
    /// Empties a disk, where the promise still holds afterwards: "while a majority's disks survive". An incarnation that is gone is a
    /// machine that never comes back, so every configuration that is or may come into force must keep a majority of living incarnations.
    /// </summary>
    private void Wipe()
    {
        SimulatedNode victim = AnyNode();
        foreach (Configuration configuration in cluster.Checker.PossibleConfigurations)
            if (!cluster.Operator.HasLivingMajority(configuration, besides: victim.Key))
                return;
        cluster.Trace(victim, "loses its disk");
        cluster.Checker.OnWiped(victim);
        victim.Wipe(cluster.NewKey(victim.Key.Id));
        cluster.Events.In(Random.Next(5, 800), victim.Start);
    }
}
