using Microsoft.Extensions.Logging.Abstractions;
using WolfScale.Cluster;
using WolfScale.Cluster.Recovery;
using WolfScale.Cluster.State;
using WolfScale.Consensus;

namespace WolfScale.Integration.Cluster;

/// <summary>A node that is killed while it leaves is a member still. What its vote is needed for it does; and every way out of it that the documentation names is one.</summary>
public class LeavingTests
{
    /// <summary>Neither of two voters leads without the other, so the one that leaves helps to elect the leader who lets it go.</summary>
    [Fact]
    public async Task Of_two_voters_the_one_that_was_leaving_goes_when_it_is_started_once_more()
    {
        await using var cluster = await OfTwoAsync();
        await cluster.WriteAsync(1);
        var staying = await cluster.ServingAsync();
        var leaving = cluster.Nodes.Single(n => n != staying).Self.Id;
        await DieLeavingAsync(cluster, leaving);
        await cluster.UntilAsync("nobody to lead", () => cluster.Serving is null);

        var back = await cluster.StartAsync(leaving);
        await cluster.UntilAsync("it to be out", () => staying.Configuration is { VoterCount: 1 } c && c.FindById(leaving) is null);
        await cluster.UntilAsync("it to know", () => back.View.Stopped?.Contains("has left", StringComparison.Ordinal) == true);
        await cluster.WriteAsync(2);
        Assert.Equal(staying, cluster.Serving);

        // And it stays away.
        await cluster.KillAsync(leaving);
        back = await cluster.StartAsync(leaving);
        Assert.Contains("has left", back.View.Stopped, StringComparison.Ordinal);
    }

    /// <summary>What only its log holds may be acknowledged (here it is not, and nobody can tell): it is elected for it, and hands it over. It opens for nobody.</summary>
    [Fact]
    public async Task With_the_longer_log_it_is_elected_hands_over_and_goes()
    {
        await using var cluster = await OfTwoAsync();
        await cluster.WriteAsync(1);
        await cluster.UntilEqualAsync();
        var leaving = await cluster.ServingAsync();
        var (id, staying) = (leaving.Self.Id, cluster.Nodes.Single(n => n != leaving).Self.Id);
        await cluster.KillAsync(staying);
        var proposed = leaving.Propose(TestCluster.Batch(2), leaving.Role.Term);
        Assert.True(proposed.Accepted);
        await cluster.UntilAsync("it to be on the disk", () => leaving.Wal.Durable.Lsn >= proposed.FirstLsn);
        await DieLeavingAsync(cluster, id);

        var stays = await cluster.StartAsync(staying);
        var back = await cluster.StartAsync(id);
        var (led, served) = (false, false);
        back.RoleChanged += role => (led, served) = (led || role.Role == RaftRole.Leader, served || role.Lease is not null);
        await cluster.UntilAsync("it to be out", () => stays.Configuration is { VoterCount: 1 } c && c.FindById(id) is null);
        Assert.Equal((true, false), (led, served));
        Assert.Equal([1ul, 2ul], TestCluster.Groups(stays));
        await cluster.WriteAsync(3);
    }

    /// <summary>With the disk of the one that was leaving the other's majority is gone for good: recovery by force is what is left.</summary>
    [Fact]
    public async Task Of_two_voters_the_other_is_recovered_by_force_where_the_disk_of_the_leaving_one_is_gone()
    {
        await using var cluster = await OfTwoAsync();
        await cluster.WriteAsync(1);
        await cluster.UntilEqualAsync();
        var staying = (await cluster.ServingAsync()).Self.Id;
        var leaving = cluster.Nodes.Single(n => n.Self.Id != staying).Self.Id;
        await DieLeavingAsync(cluster, leaving);
        cluster.Forget(leaving);
        await cluster.UntilAsync("nobody to lead", () => cluster.Serving is null);

        await cluster.KillAsync(staying);
        var plan = await ClusterRecovery.RecoverAsync(Survivor(cluster, staying), TimeProvider.System, NullLogger.Instance);
        Assert.False(plan.WasLeaving);
        await cluster.StartAsync(staying);
        await cluster.WriteAsync(2);
        Assert.Equal([1ul, 2ul], TestCluster.Groups(cluster[staying]));
        await cluster.StartAsync(leaving);
        await cluster.UntilAsync("a fresh node in its place", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 2 }));
        await cluster.UntilEqualAsync();
    }

    /// <summary>The other way round: what is left is the node that was leaving. Recovered, it stays.</summary>
    [Fact]
    public async Task A_survivor_that_was_leaving_can_be_recovered_and_stays()
    {
        await using var cluster = await OfTwoAsync();
        await cluster.WriteAsync(1);
        await cluster.UntilEqualAsync();
        var lost = (await cluster.ServingAsync()).Self.Id;
        var leaving = cluster.Nodes.Single(n => n.Self.Id != lost).Self.Id;
        await DieLeavingAsync(cluster, leaving);
        await cluster.KillAsync(lost);
        cluster.Forget(lost);

        Assert.True((await ClusterRecovery.RecoverAsync(Survivor(cluster, leaving), TimeProvider.System, NullLogger.Instance)).WasLeaving);
        await cluster.StartAsync(leaving);
        await cluster.WriteAsync(2);
        Assert.Equal(0, cluster.Logs[leaving].Count("was stopped while it left"));
        await cluster.KillAsync(leaving);
        await cluster.StartAsync(leaving);
        await cluster.WriteAsync(3);

        // One that was told that it is out must not be: the cluster went on without it.
        await cluster.KillAsync(leaving);
        using (var state = SqliteStateStore.Open(Path.Combine(cluster.Folder(leaving), "state")))
        {
            Assert.Null(state.Get(NodeIdentity.LeftFact));
            state.Put(NodeIdentity.LeftFact, "1");
        }
        var refused = await Assert.ThrowsAsync<ClusterStartException>(() => ClusterRecovery.ExamineAsync(Survivor(cluster, leaving)));
        Assert.Contains("has left the cluster", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>The operator has changed his mind: <c>wolfscale join</c>. It may even be the only one that can lead.</summary>
    [Fact]
    public async Task It_stays_when_somebody_lets_it_come_back_and_may_lead()
    {
        await using var cluster = await OfTwoAsync();
        await cluster.WriteAsync(1);
        var other = await cluster.ServingAsync();
        var id = cluster.Nodes.Single(n => n != other).Self.Id;
        await DieLeavingAsync(cluster, id);
        await cluster.UntilAsync("nobody to lead", () => cluster.Serving is null);
        other.SetLocalState(new LocalState { Status = NodeStatus.Active }); // not fit

        var back = await cluster.StartAsync(id);
        Assert.False(back.View.Self.Fit);
        back.Rejoin();
        await cluster.UntilAsync("it to serve", () => cluster.Serving == back);
        await cluster.WriteAsync(2);
        Assert.Equal(2, back.Configuration!.VoterCount);

        // It is a member, and knows: leaving now, which nobody can take the lead for, is refused and stops nothing.
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => back.LeaveAsync());
        Assert.Contains("cannot be handed over", refused.Message, StringComparison.Ordinal);
        await cluster.WriteAsync(3);
        await cluster.KillAsync(id);
        await cluster.StartAsync(id);
        await cluster.WriteAsync(4);
        Assert.Equal(2, cluster[id].Configuration!.VoterCount);
    }

    /// <summary>Of three, one has died since: the two that would remain are no majority of two, and the change would hold up everything after it.</summary>
    [Fact]
    public async Task It_waits_until_the_others_can_do_without_it()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        await cluster.WriteAsync(1);
        var leader = await cluster.ServingAsync();
        var (leaving, dead) = (cluster.Nodes.First(n => n != leader).Self.Id, cluster.Nodes.Last(n => n != leader).Self.Id);
        await DieLeavingAsync(cluster, leaving);
        await cluster.KillAsync(dead);
        var back = await cluster.StartAsync(leaving);
        await cluster.WriteAsync(2);
        for (var heartbeat = 0; heartbeat < 10; heartbeat++) // in which it could ask
            await back.PassAsync(TestContext.Current.CancellationToken);
        await cluster.WriteAsync(3);
        Assert.Equal(3, back.Configuration!.VoterCount);

        await cluster.StartAsync(dead);
        await cluster.UntilAsync("it to be out", () => cluster.Nodes.Where(n => n != back).All(n => n.Configuration is { VoterCount: 2 } c && c.FindById(leaving) is null));
        await cluster.WriteAsync(4);
    }

    /// <summary>Meanwhile it has become the only one.</summary>
    [Fact]
    public async Task The_last_voter_stays()
    {
        await using var cluster = new TestCluster();
        await cluster.StartAsync("node-1", o => o with { Bootstrap = true });
        await cluster.WriteAsync(1);
        await DieLeavingAsync(cluster, "node-1");
        await cluster.StartAsync("node-1");
        await cluster.WriteAsync(2);
        Assert.Equal(1, cluster.Logs["node-1"].Count("last voter", "it stays"));
    }

    private static async Task<TestCluster> OfTwoAsync()
    {
        var cluster = new TestCluster();
        cluster.Reserve("node-1", "node-2");
        await cluster.StartAsync("node-1", o => o with { Bootstrap = true });
        await cluster.StartAsync("node-2");
        await cluster.UntilAsync("two voters and a serving leader", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 2 }) && cluster.Serving is not null);
        return cluster;
    }

    /// <summary>Notes that it leaves, the first thing that a leaving node does, and dies.</summary>
    private static async Task DieLeavingAsync(TestCluster cluster, string id)
    {
        await cluster.KillAsync(id);
        using var state = SqliteStateStore.Open(Path.Combine(cluster.Folder(id), "state"));
        state.Put(NodeIdentity.LeftFact, NodeIdentity.Leaving);
    }

    private static ClusterOptions Survivor(TestCluster cluster, string id) => new()
    {
        NodeId = id, DataDirectory = cluster.Folder(id), BindAddress = cluster.AddressOf(id), AdvertiseAddress = cluster.AddressOf(id), ClusterName = "test",
    };
}
