using System.Collections.Concurrent;
using WolfScale.Consensus;

namespace WolfScale.Simulation;

/// <summary>
/// Mode "available" (rule C5): the same faults as for the consistent mode, with what this mode promises checked after every step (see
/// <see cref="AvailableChecker"/>), and stories whose losses are known exactly.
/// </summary>
public class AvailableTests
{
    public static TheoryData<int> Seeds() => [.. Enumerable.Range(1, 50)];

    [Fact]
    public void Nothing_is_violated_on_the_fixed_seeds()
    {
        var results = new ConcurrentBag<SimulationResult>();
        Parallel.For(FixedSeeds.First, FixedSeeds.First + FixedSeeds.Count, new ParallelOptions { MaxDegreeOfParallelism = 2 }, seed =>
            results.Add(Simulator.Run(seed, FixedSeeds.Steps, mode: ClusterMode.Available)));

        var total = new SimulationStatistics();
        foreach (SimulationResult result in results)
            total.Add(result.Statistics);
        TestContext.Current.TestOutputHelper?.WriteLine(total.ToString());

        // A run in which nothing happens violates nothing. These are well below what the seeds do.
        Assert.True(total.AcknowledgedWrites > 150_000, total.ToString());
        Assert.True(total.Elections > 10_000, total.ToString());
        Assert.True(total.Truncations > 5_000, total.ToString());
        Assert.True(total.ConfigurationChanges > 20_000, total.ToString());
        Assert.True(total.Transfers > 500, total.ToString());
        Assert.True(total.Wipes > 150, total.ToString());
        Assert.True(total.Migrations > 100, total.ToString());
        Assert.True(total.Lost > 5_000, total.ToString());
    }

    [Fact]
    public void Nothing_is_violated_on_a_seed_that_nobody_has_seen()
    {
        int seed = Random.Shared.Next();
        Console.WriteLine($"simulation: fresh seed {seed}; repeat with ./run.sh simulate --available --seed {seed} --steps 200000");
        SimulationResult result = Simulator.Run(seed, 200_000, mode: ClusterMode.Available);
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}: {result.Statistics}");
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Lowest_id_leads_next_and_keeps_the_lead_until_the_last_node(int seed)
    {
        var cluster = new Cluster(seed, Weather.Calm, mode: ClusterMode.Available);
        var gone = new List<SimulatedNode>();
        while (gone.Count < cluster.Nodes.Count)
        {
            SimulatedNode expected = cluster.Nodes[gone.Count];
            Assert.Same(expected, WaitForLeader(cluster, gone));
            cluster.Operator.Write(expected);
            long lsn = expected.Log.Last.Lsn;
            RunUntil(cluster, () => expected.Core!.CommitLsn >= lsn);
            RunFor(cluster, 500);

            // The first one comes back once: it has no claim on a lead that is taken.
            if (gone.Count == 1)
            {
                gone[0].Start();
                RunFor(cluster, 2000);
                Assert.Equal(expected.Key, gone[0].Core!.Leader);
                Assert.Equal(expected.Log.LastChain, gone[0].Log.LastChain);
                gone[0].Crash();
            }

            expected.Crash();
            gone.Add(expected);
        }
    }

    /// <summary>
    /// The oracle of a death: what the survivors had of the leader's log when it died is kept, wherever it was, and when it comes
    /// back it reports exactly the rest of what is on its disk.
    /// </summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Death_of_a_leader_costs_exactly_what_no_survivor_had(int seed)
    {
        var history = new History(seed);
        Cluster cluster = history.Cluster;
        SimulatedNode leader = WaitForLeader(cluster, []);
        RunFor(cluster, 300);
        for (int i = 0; i < 100; i++)
        {
            cluster.Operator.Write(leader);
            RunFor(cluster, 1 + (seed % 3));
        }

        // What is on the way at that moment still arrives at some and not at others.
        leader.Crash();
        foreach (SimulatedNode other in cluster.Nodes.Where(node => node != leader))
            cluster.Network.Cut(leader.Key.Id, other.Key.Id);
        long kept = cluster.Nodes.Where(node => node != leader).Max(node => node.Log.Last.Lsn);
        long had = leader.Log.Last.Lsn;
        Assert.True(had >= leader.RememberedCommitLsn, "what was acknowledged is on the disk");
        SimulatedNode next = WaitForLeader(cluster, [leader]);
        long began = next.Log.Last.Lsn - 1;
        Assert.Equal(kept, began);

        RunFor(cluster, 500);
        cluster.Network.Heal();
        leader.Start();
        RunFor(cluster, 2000);
        Assert.All(cluster.Nodes, node => Assert.Equal(next.Log.LastChain, node.Log.LastChain));
        history.AssertDiscarded(leader, began, had);
    }

    /// <summary>The oracle of a partition: each side keeps on writing; the older epoch loses exactly what it has written since the cut, on each of its nodes.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Healed_partition_costs_exactly_what_the_older_epoch_wrote_since_the_cut(int seed)
    {
        var history = new History(seed);
        Cluster cluster = history.Cluster;
        SimulatedNode leader = WaitForLeader(cluster, []);
        cluster.Operator.Write(leader);
        RunFor(cluster, 500);
        long common = leader.Log.Last.Lsn;
        List<SimulatedNode> losing = [leader, .. cluster.Nodes.Skip(2).Where((_, i) => (seed >> i) % 2 == 0)];
        List<SimulatedNode> winning = [.. cluster.Nodes.Except(losing)];
        foreach (SimulatedNode a in losing)
        {
            foreach (SimulatedNode b in winning)
            {
                cluster.Network.Cut(a.Key.Id, b.Key.Id);
                cluster.Network.Cut(b.Key.Id, a.Key.Id);
            }
        }

        RunFor(cluster, 30); // what was sent before
        SimulatedNode other = WaitForLeader(cluster, losing);
        for (int i = 0; i < 20; i++)
        {
            cluster.Operator.Write(leader);
            cluster.Operator.Write(other);
            RunFor(cluster, 10);
        }

        RunFor(cluster, 300);
        long end = leader.Core!.CommitLsn;
        Assert.All(losing, node => Assert.Equal(end, node.Core!.CommitLsn));
        Assert.True(other.Core!.Term > leader.Core.Term);
        cluster.Network.Heal();
        RunFor(cluster, 2000);
        Assert.All(cluster.Nodes, node => Assert.Equal((other.Log.LastChain, other.Key), (node.Log.LastChain, node.Core!.Leader)));
        Assert.All(losing, node => history.AssertDiscarded(node, common, end));
        Assert.All(winning, node => Assert.Empty(history.DiscardedBy(node)));
    }

    private static SimulatedNode WaitForLeader(Cluster cluster, IReadOnlyCollection<SimulatedNode> besides)
    {
        SimulatedNode? leader = null;
        RunUntil(cluster, () => (leader = cluster.Nodes.Find(node => !besides.Contains(node) && node.AnnouncedRole == RaftRole.Leader)) is not null);
        return leader!;
    }

    private static void RunUntil(Cluster cluster, Func<bool> condition)
    {
        long until = cluster.NowMs + 60_000;
        while (!condition())
        {
            Assert.True(cluster.NowMs < until, "it did not come about within a virtual minute");
            cluster.Step();
        }
    }

    private static void RunFor(Cluster cluster, long ms)
    {
        long until = cluster.NowMs + ms;
        while (cluster.NowMs < until)
            cluster.Step();
    }

    /// <summary>What each node of a calm cluster has said to discard.</summary>
    private sealed class History
    {
        private readonly List<(SimulatedNode Node, Effect.Discarding Discarding)> _said = [];

        public History(int seed)
        {
            Cluster = new Cluster(seed, Weather.Calm, mode: ClusterMode.Available);
            Cluster.Checker.EffectSeen += (node, effect) =>
            {
                if (effect is Effect.Discarding discarding)
                    _said.Add((node, discarding));
            };
        }

        public Cluster Cluster { get; }

        public IEnumerable<Effect.Discarding> DiscardedBy(SimulatedNode node) => _said.Where(said => said.Node == node).Select(said => said.Discarding);

        /// <summary>Once, and exactly (kept, last]; nothing at all where that is empty.</summary>
        public void AssertDiscarded(SimulatedNode node, long kept, long last)
        {
            if (last > kept)
                Assert.Equal((kept, last), (Assert.Single(DiscardedBy(node)).LastKeptLsn, DiscardedBy(node).Single().LastLsn));
            else
                Assert.All(DiscardedBy(node), discarding => Assert.True(discarding.LastLsn > last && discarding.LastKeptLsn >= last));
        }
    }
}
