using WolfScale.Cluster;
using WolfScale.Cluster.State;
using WolfScale.Consensus;

namespace WolfScale.Integration.Cluster;

public class MembershipTests
{
    [Fact]
    public async Task C1_A_wiped_disk_comes_back_as_somebody_else_whose_old_vote_is_gone_first()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        for (ulong i = 1; i <= 50; i++)
            await cluster.WriteAsync(i);
        var victim = cluster.Nodes.First(n => n != cluster.Serving);
        var before = victim.Self;
        await cluster.KillAsync(before.Id);
        cluster.Forget(before.Id);
        var leader = await cluster.ServingAsync();
        var steps = new List<Configuration>();
        leader.ViewChanged += _ =>
        {
            lock (steps)
                steps.Add(leader.Configuration!);
        };

        var after = await cluster.StartAsync(before.Id);
        Assert.NotEqual(before.Incarnation, after.Self.Incarnation);
        await cluster.UntilAsync("the new life to have a vote", () => leader.Configuration!.IsVoter(after.Self));
        lock (steps)
            Assert.DoesNotContain(steps, c => c.Find(before) is not null && c.Find(after.Self) is not null);
        Assert.Equal(3, leader.Configuration!.Members.Length);
        await cluster.UntilEqualAsync();
        Assert.Equal(50, TestCluster.Groups(after).Count);
    }

    [Fact]
    public async Task C1_A_lost_log_beside_a_kept_state_ends_the_incarnation()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        await cluster.WriteAsync(1);
        var victim = cluster.Nodes.First(n => n != cluster.Serving).Self;
        await cluster.KillAsync(victim.Id);
        Directory.Delete(Path.Combine(cluster.Folder(victim.Id), "wal"), recursive: true);
        var after = await cluster.StartAsync(victim.Id);
        Assert.NotEqual(victim, after.Self);
        Assert.Equal(1, cluster.Logs[victim.Id].Count("its log is gone"));
        await cluster.UntilAsync("a vote for the new life", () => after.Configuration?.IsVoter(after.Self) == true);
        await cluster.UntilEqualAsync();
    }

    [Fact]
    public async Task C1_A_lost_state_beside_a_kept_log_ends_the_incarnation_and_keeps_the_log()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        for (ulong i = 1; i <= 20; i++)
            await cluster.WriteAsync(i);
        await cluster.UntilEqualAsync();
        var victim = cluster.Nodes.First(n => n != cluster.Serving).Self;
        var last = cluster[victim.Id].Wal.Last.Lsn;
        await cluster.KillAsync(victim.Id);
        Directory.Delete(Path.Combine(cluster.Folder(victim.Id), "state"), recursive: true);
        var after = await cluster.StartAsync(victim.Id);
        Assert.NotEqual(victim, after.Self);
        Assert.True(after.Wal.Last.Lsn >= last);
        await cluster.UntilAsync("a vote for the new life", () => after.Configuration?.IsVoter(after.Self) == true);
        await cluster.WriteAsync(21);
        await cluster.UntilEqualAsync();
    }

    [Fact]
    public async Task C1_A_data_directory_under_another_id_keeps_its_log_and_gets_a_new_identity_and_vote()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        for (ulong i = 1; i <= 20; i++)
            await cluster.WriteAsync(i);
        await cluster.UntilEqualAsync();
        var victim = cluster.Nodes.First(n => n != cluster.Serving);
        var (before, last) = (victim.Self, victim.Wal.Last.Lsn);
        await cluster.KillAsync(before.Id);
        Directory.Move(cluster.Folder(before.Id), cluster.Folder("node-9"));

        var after = await cluster.StartAsync("node-9");
        Assert.True(after.Wal.Last.Lsn >= last);
        Assert.Equal(1, cluster.Logs["node-9"].Count("was used as node", before.Id));
        var leader = await cluster.ServingAsync();
        await cluster.UntilAsync("the new name to vote and the old one to be gone",
            () => leader.Configuration!.IsVoter(after.Self) && leader.Configuration.Find(before) is null);
        await cluster.UntilEqualAsync();
    }

    [Fact]
    public async Task C6_Damage_below_what_was_synced_ends_the_incarnation_and_the_log_is_refilled()
    {
        await using var cluster = await TestCluster.OfThreeAsync(o => o with { SegmentBytes = 64 * 1024 });
        for (ulong i = 1; i <= 300; i++)
            await cluster.WriteAsync(i);
        await cluster.UntilEqualAsync();
        var victim = cluster.Nodes.First(n => n != cluster.Serving).Self;
        await cluster.KillAsync(victim.Id);
        var segments = Directory.GetFiles(Path.Combine(cluster.Folder(victim.Id), "wal"), "*.wal").Order().ToArray();
        var damaged = await File.ReadAllBytesAsync(segments[^1]);
        damaged[damaged.Length / 2] ^= 0x40;
        await File.WriteAllBytesAsync(segments[^1], damaged);

        var after = await cluster.StartAsync(victim.Id);
        Assert.NotEqual(victim.Incarnation, after.Self.Incarnation);
        Assert.Equal(1, cluster.Logs[victim.Id].Count("rule C6"));
        await cluster.UntilAsync("a vote for the new life", () => after.Configuration?.IsVoter(after.Self) == true);
        await cluster.UntilEqualAsync();
        Assert.Equal(300, TestCluster.Groups(after).Count);
    }

    [Fact]
    public async Task A_fourth_node_joins_through_a_follower_and_catches_up_from_old_segments()
    {
        await using var cluster = await TestCluster.OfThreeAsync(o => o with { SegmentBytes = 64 * 1024, TailCacheBytes = 32 * 1024 });
        for (ulong i = 1; i <= 500; i++)
            await cluster.WriteAsync(i);
        var leader = await cluster.ServingAsync();
        Assert.True(leader.Wal.Segments.Count > 1, "the log must have old segments");
        var follower = cluster.Nodes.First(n => n != leader);
        var fourth = await cluster.StartAsync("node-4", o => o with { Peers = [follower.Address] });
        await cluster.UntilAsync("four voters everywhere", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 4 }));
        await cluster.UntilEqualAsync();
        Assert.Equal(500, TestCluster.Groups(fourth).Count);
    }

    [Fact]
    public async Task Of_four_voters_a_silent_one_loses_its_vote_and_gets_it_back_when_it_returns()
    {
        await using var cluster = await TestCluster.OfThreeAsync(o => o with { DropAfterS = 2 });
        await cluster.StartAsync("node-4");
        await cluster.UntilAsync("four voters", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 4 }));
        var victim = cluster.Nodes.Last(n => n != cluster.Serving).Self;
        await cluster.KillAsync(victim.Id);
        var leader = await cluster.ServingAsync();
        await cluster.UntilAsync("the vote to go", () => leader.Configuration is { VoterCount: 3 });
        await cluster.StartAsync(victim.Id);
        await cluster.UntilAsync("the vote to come back", () => leader.Configuration!.IsVoter(victim));
    }

    [Fact]
    public async Task A_dead_member_is_removed_through_a_follower_and_a_living_one_leaves_for_good()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        await cluster.StartAsync("node-4");
        await cluster.UntilAsync("four voters", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 4 }));
        var leader = await cluster.ServingAsync();
        var dead = cluster.Nodes.First(n => n != leader).Self.Id;
        await cluster.KillAsync(dead);
        var follower = cluster.Nodes.First(n => n != leader);
        await follower.RemoveAsync(dead);
        Assert.Null(follower.Configuration!.FindById(dead));

        var leaving = await cluster.ServingAsync();
        await leaving.LeaveAsync();
        var staying = cluster.Nodes.First(n => n != leaving);
        await cluster.UntilAsync("the leader to have left", () => staying.Configuration!.FindById(leaving.Self.Id) is null);
        await cluster.KillAsync(leaving.Self.Id);
        var back = await cluster.StartAsync(leaving.Self.Id);
        await cluster.UntilAsync("it to say that it stays away", () => back.View.Self.Reason.Contains("has left", StringComparison.Ordinal));
        Assert.Null((await cluster.ServingAsync()).Configuration!.FindById(leaving.Self.Id));
    }

    /// <summary>Also one of an earlier version, which noted no difference between leaving and having left.</summary>
    [Theory]
    [InlineData(NodeIdentity.Leaving)]
    [InlineData("1")]
    public async Task A_node_that_is_killed_while_it_leaves_is_taken_out_when_it_is_started(string before)
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        var leaving = cluster.Nodes.First(n => n != cluster.Serving).Self.Id;
        await cluster.KillAsync(leaving);
        using (var state = SqliteStateStore.Open(Path.Combine(cluster.Folder(leaving), "state")))
            state.Put(NodeIdentity.LeftFact, before); // the first thing that a leaving node does, and here the last

        var back = await cluster.StartAsync(leaving);
        await cluster.UntilAsync("its vote to be gone", () => cluster.Nodes.Where(n => n != back).All(n => n.Configuration is { VoterCount: 2 } c && c.FindById(leaving) is null));
        await cluster.UntilAsync("it to know", () => back.View.Stopped is not null);
        await cluster.WriteAsync(1);
        back.Rejoin();
        await cluster.UntilAsync("it to be back, because somebody asked for it", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 3 }));
        await cluster.UntilEqualAsync();
    }

    [Fact]
    public async Task A_node_that_left_long_ago_takes_nobody_out_who_has_its_id_now()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        var old = cluster.Nodes.First(n => n != cluster.Serving).Self;
        await cluster.KillAsync(old.Id);
        Directory.Move(cluster.Folder(old.Id), cluster.Folder("away"));
        using (var state = SqliteStateStore.Open(Path.Combine(cluster.Folder("away"), "state")))
            state.Put(NodeIdentity.LeftFact, "1");
        var now = await cluster.StartAsync(old.Id);
        await cluster.UntilAsync("the new machine to have a vote", () => cluster.Nodes.All(n => n.Configuration?.IsVoter(now.Self) == true));
        await cluster.KillAsync(old.Id); // so that the door, which knows ids that are twice there, does not stand in the way
        Directory.Move(cluster.Folder(old.Id), cluster.Folder("now"));
        Directory.Move(cluster.Folder("away"), cluster.Folder(old.Id));

        var leader = await cluster.ServingAsync();
        var connected = $"Node {old.Id} (incarnation {old.Incarnation:x}) at {cluster.AddressOf(old.Id)} is connected";
        var before = cluster.Logs[leader.Self.Id].Count(connected);
        var returned = await cluster.StartAsync(old.Id);
        Assert.Equal(old, returned.Self);
        await cluster.UntilAsync("the two to be connected", () => cluster.Logs[leader.Self.Id].Count(connected) > before && cluster.Logs[old.Id].Count($"Node {leader.Self.Id} (incarnation") > 0);
        for (var heartbeat = 0; heartbeat < 10; heartbeat++) // in which it could ask
            await leader.PassAsync(TestContext.Current.CancellationToken);
        Assert.Equal(now.Self, leader.Configuration!.FindById(old.Id)!.Key);
    }

    [Fact]
    public async Task A_node_has_left_when_that_is_committed_and_stays_when_it_cannot_be()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        await cluster.WriteAsync(1);
        var leader = await cluster.ServingAsync();
        var (leaving, dead) = (cluster.Nodes.First(n => n != leader), cluster.Nodes.Last(n => n != leader));
        Assert.NotEqual(leaving, dead);
        await cluster.KillAsync(dead.Self.Id); // without it the two that would remain are no majority of two

        var stays = await Assert.ThrowsAsync<InvalidOperationException>(() => leaving.LeaveAsync());
        Assert.Contains("no leader took this node out", stays.Message, StringComparison.Ordinal);
        Assert.Null(leaving.View.Stopped);

        await cluster.StartAsync(dead.Self.Id);
        await cluster.UntilAsync("three voters, as the operator was told", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 3 }));
        await cluster.WriteAsync(2);
        await cluster.UntilEqualAsync();
    }

    [Fact]
    public async Task A_cluster_is_founded_once_and_never_beside_another()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        Func<CancellationToken, Task<LogBase>> never = _ => throw new InvalidOperationException("the database must not be touched");
        var refused = await Assert.ThrowsAsync<ClusterStartException>(
            () => cluster.StartAsync("node-4", o => o with { Bootstrap = true, BootstrapBase = never }));
        Assert.Contains("--bootstrap is refused", refused.Message, StringComparison.Ordinal);
        var id = cluster[(await cluster.ServingAsync()).Self.Id].Configuration!.ClusterId;
        await cluster.KillAsync("node-1");
        await cluster.StartAsync("node-1", o => o with { Bootstrap = true, BootstrapBase = never });
        Assert.Equal(1, cluster.Logs["node-1"].Count("--bootstrap is ignored"));
        Assert.Equal(id, cluster["node-1"].Configuration!.ClusterId);
    }

    /// <summary>
    /// A survivor that was restarted meanwhile has never heard the missing node itself. It shows what all others show, and so do all after the leader has gone too: LAGGING, then DROPPED, of
    /// both; and whoever comes back is ACTIVE to all.
    /// </summary>
    [Fact]
    public async Task All_survivors_show_the_same_status_of_a_missing_node()
    {
        await using var cluster = new TestCluster { Options = o => o with { DropAfterS = 3 } };
        cluster.Reserve("node-1", "node-2", "node-3", "node-4", "node-5");
        await cluster.StartAsync("node-1", o => o with { Bootstrap = true });
        for (var i = 2; i <= 5; i++)
            await cluster.StartAsync($"node-{i}");
        await cluster.UntilAsync("five voters", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 5 }) && cluster.Serving is not null);
        var leader = (await cluster.ServingAsync()).Self.Id;
        var followers = cluster.Nodes.Select(n => n.Self.Id).Where(id => id != leader).ToList();
        var (missing, restarted) = (followers[0], followers[1]);

        await cluster.KillAsync(missing);
        await cluster.UntilAsync("everybody to call it LAGGING", () => AllShow(cluster, missing, NodeStatus.Lagging));
        await cluster.UntilAsync("everybody to call it DROPPED", () => AllShow(cluster, missing, NodeStatus.Dropped));

        await cluster.KillAsync(restarted);
        await cluster.StartAsync(restarted);
        await cluster.UntilAsync("the restarted one to be back", () => AllShow(cluster, restarted, NodeStatus.Active));
        Assert.Null(cluster[restarted].View.Find(missing)!.LastHeardMs); // it has never heard it
        await cluster.UntilAsync("the restarted one to call it DROPPED too", () => AllShow(cluster, missing, NodeStatus.Dropped), seconds: 5);

        await cluster.KillAsync(leader);
        await cluster.UntilAsync("everybody to call the leader DROPPED", () => cluster.Serving is not null && AllShow(cluster, leader, NodeStatus.Dropped));
        await cluster.UntilAsync("everybody to say one thing of the first", () => cluster.Nodes.Select(n => n.View.Find(missing)!.Status).Distinct().Count() == 1, seconds: 5);

        await cluster.StartAsync(missing);
        await cluster.UntilAsync("everybody to call it ACTIVE", () => AllShow(cluster, missing, NodeStatus.Active));
    }

    private static bool AllShow(TestCluster cluster, string id, NodeStatus status) => cluster.Nodes.All(n => n.View.Find(id)?.Status == status);

    [Fact]
    public async Task A_single_node_serves_alone_comes_back_alone_and_may_be_renamed()
    {
        await using var cluster = new TestCluster();
        await cluster.StartAsync("alone", o => o with { Bootstrap = true, BootstrapBase = _ => Task.FromResult(new LogBase("0-1-7", false)) });
        await cluster.WriteAsync(1);
        await cluster.KillAsync("alone");
        await cluster.StartAsync("alone");
        await cluster.WriteAsync(2);
        Assert.Equal(new LogBase("0-1-7", false), cluster["alone"].Configuration!.Base);
        await cluster.KillAsync("alone");
        Directory.Move(cluster.Folder("alone"), cluster.Folder("renamed"));
        var renamed = await cluster.StartAsync("renamed");
        await cluster.WriteAsync(3);
        Assert.Equal([1UL, 2UL, 3UL], TestCluster.Groups(renamed));
        Assert.Equal(["renamed"], renamed.Configuration!.Members.Select(m => m.Key.Id));
    }

    [Fact]
    public async Task A_witness_votes_and_never_leads()
    {
        await using var cluster = new TestCluster();
        cluster.Reserve("node-0", "node-1", "node-2");
        await cluster.StartAsync("node-1", o => o with { Bootstrap = true });
        await cluster.StartAsync("node-0", o => o with { Witness = true });
        await cluster.StartAsync("node-2");
        await cluster.UntilAsync("three voters", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 3 }));
        await cluster.UntilAsync("the witness to be shown as one", () => cluster["node-2"].View.Find("node-0") is { Role: NodeRole.Witness, Witness: true });
        await cluster.WriteAsync(1);
        await cluster.KillAsync("node-1");
        await cluster.WriteAsync(2);
        Assert.Equal("node-2", (await cluster.ServingAsync()).Self.Id);
    }
}
