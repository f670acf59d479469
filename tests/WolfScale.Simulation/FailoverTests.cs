using WolfScale.Consensus;

namespace WolfScale.Simulation;

/// <summary>
/// Who leads next is predictable, and known soon (rules C3 and C4: by fitness, then by id). Times are virtual, so they are exact.
/// </summary>
public class FailoverTests
{
    public static TheoryData<int> Seeds() => [.. Enumerable.Range(1, 50)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void The_lowest_id_leads_first_and_the_next_one_follows_within_one_election_timeout(int seed)
    {
        var cluster = new Cluster(seed, Weather.Calm);
        SimulatedNode leader = WaitForLeader(cluster, besides: null);
        Assert.Equal("n1", leader.Key.Id);
        RunFor(cluster, 1000);

        leader.Crash();
        long crashed = cluster.NowMs;
        Assert.Equal("n2", WaitForLeader(cluster, besides: leader).Key.Id);

        // One round of pre-votes and one of votes come on top of the patience of the best-placed node, whose slice of the time-outs is the
        // first but one.
        Assert.InRange(cluster.NowMs - crashed, 0, cluster.CoreOptions.ElectionTimeoutMaxMs);
    }

    /// <summary>A process that dies hangs up. Nobody waits then as for one that is silent.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_leader_that_hangs_up_is_replaced_within_one_heartbeat(int seed)
    {
        var cluster = new Cluster(seed, Weather.Calm);
        SimulatedNode leader = WaitForLeader(cluster, besides: null);
        RunFor(cluster, 1000);

        leader.Crash();
        RunFor(cluster, 5); // a connection ends after everything that was sent on it
        long crashed = cluster.NowMs;
        foreach (SimulatedNode node in cluster.Nodes.Where(node => node != leader))
            node.Run((core, effects) => core.PeerDisconnected(cluster.NowMs, leader.Key, effects));
        Assert.Equal("n2", WaitForLeader(cluster, besides: leader).Key.Id);
        Assert.InRange(cluster.NowMs - crashed, 0, cluster.CoreOptions.HeartbeatIntervalMs);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_leader_that_lives_keeps_the_lead_when_one_node_believes_that_it_hung_up(int seed)
    {
        var cluster = new Cluster(seed, Weather.Calm);
        SimulatedNode leader = WaitForLeader(cluster, besides: null);
        RunFor(cluster, 1000);
        long term = leader.Core!.Term;

        cluster.Nodes[1].Run((core, effects) => core.PeerDisconnected(cluster.NowMs, leader.Key, effects));
        RunFor(cluster, 3000);
        Assert.All(cluster.Nodes, node => Assert.Equal((term, leader.Key), (node.Core!.Term, node.Core.Leader)));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void C4_an_unfit_node_is_passed_over(int seed)
    {
        var cluster = new Cluster(seed, Weather.Calm);
        SimulatedNode leader = WaitForLeader(cluster, besides: null);
        RunFor(cluster, 1000);

        cluster.Nodes[1].SetFitness(Fitness.Unfit);
        leader.Crash();
        SimulatedNode next = WaitForLeader(cluster, besides: leader);
        Assert.Equal("n3", next.Key.Id);
        Assert.True(next.Core!.MayServe);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_planned_switchover_takes_a_few_round_trips(int seed)
    {
        var cluster = new Cluster(seed, Weather.Calm);
        SimulatedNode leader = WaitForLeader(cluster, besides: null);
        RunFor(cluster, 1000);

        SimulatedNode target = cluster.Nodes[2];
        long began = cluster.NowMs;
        leader.Run((core, effects) => Assert.Equal(TransferResult.Started, core.TransferLeadership(cluster.NowMs, target.Key, effects)));
        Assert.Same(target, WaitForLeader(cluster, besides: leader));
        Assert.InRange(cluster.NowMs - began, 0, cluster.CoreOptions.HeartbeatIntervalMs);
    }

    private static SimulatedNode WaitForLeader(Cluster cluster, SimulatedNode? besides)
    {
        while (true)
        {
            SimulatedNode? leader = cluster.Nodes.Find(node => node != besides && node.AnnouncedRole == RaftRole.Leader);
            if (leader is not null)
                return leader;
            Assert.True(cluster.NowMs < 60_000, "nobody was elected within a virtual minute");
            cluster.Step();
        }
    }

    private static void RunFor(Cluster cluster, long ms)
    {
        long until = cluster.NowMs + ms;
        while (cluster.NowMs < until)
            cluster.Step();
    }
}
