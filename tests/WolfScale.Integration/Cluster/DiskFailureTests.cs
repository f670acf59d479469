using WolfScale.Cluster;
using WolfScale.Wal;

namespace WolfScale.Integration.Cluster;

public class DiskFailureTests
{
    [Fact]
    public async Task A_leader_whose_sync_fails_stops_serving_and_says_why()
    {
        await using var cluster = new TestCluster();
        var disk = new FaultyDisk();
        var leader = await ThreeNodes(cluster, disk);
        await cluster.WriteAsync(1);
        var lease = leader.Role.Lease!;

        disk.SyncError = PosixException.InputOutputError;
        using (var batch = TestCluster.Batch(2))
            Assert.True(leader.Propose(batch, lease.Term).Accepted);
        await cluster.UntilAsync("the lease to end", () => lease.Ended.IsCancellationRequested);
        await cluster.UntilAsync("another leader", () => cluster.Serving is { } other && other != leader);
        await cluster.UntilAsync("everybody to know why", () => cluster.Serving!.View.Find(leader.Self.Id) is { Status: NodeStatus.Offline } node
            && node.Reason.Contains("fdatasync", StringComparison.Ordinal));
        Assert.Contains("fdatasync", leader.View.Stopped, StringComparison.Ordinal);
        Assert.False(leader.Propose(TestCluster.Batch(3), lease.Term).Accepted);

        // It stays stopped although the disk claims to be fine again: nobody knows what it holds. A restart reads it back.
        disk.SyncError = 0;
        await cluster.WriteAsync(4);
        Assert.NotNull(leader.View.Stopped);
        await cluster.KillAsync(leader.Self.Id);
        await cluster.StartAsync(leader.Self.Id);
        await cluster.UntilEqualAsync();
    }

    [Fact]
    public async Task A_leader_with_a_full_disk_hands_over_and_takes_part_again_when_there_is_space()
    {
        await using var cluster = new TestCluster();
        var disk = new FaultyDisk();
        var leader = await ThreeNodes(cluster, disk);
        await cluster.WriteAsync(1);
        var lease = leader.Role.Lease!;

        disk.WriteError = PosixException.NoSpace;
        using (var batch = TestCluster.Batch(2))
            Assert.True(leader.Propose(batch, lease.Term).Accepted);
        await cluster.UntilAsync("another leader", () => cluster.Serving is { } other && other != leader);
        Assert.True(lease.Ended.IsCancellationRequested);
        for (ulong i = 3; i <= 10; i++)
            await cluster.WriteAsync(i);
        Assert.NotNull(leader.View.Stopped);

        disk.WriteError = 0;
        await cluster.UntilAsync("it to take part again", () => leader.View.Stopped is null);
        await cluster.WriteAsync(11);
        await cluster.UntilEqualAsync();
        Assert.Equal(1, cluster.Logs[leader.Self.Id].Count("accepts writes again"));
    }

    [Fact]
    public async Task A_follower_with_a_full_disk_acknowledges_nothing_until_there_is_space()
    {
        await using var cluster = new TestCluster();
        var disk = new FaultyDisk();
        cluster.Reserve("node-1", "node-2", "node-3");
        await cluster.StartAsync("node-1", o => o with { Bootstrap = true });
        var follower = await cluster.StartAsync("node-2", o => o with { WalFiles = disk });
        await cluster.StartAsync("node-3");
        await cluster.UntilAsync("three voters", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 3 }));
        await cluster.WriteAsync(1);
        disk.WriteError = PosixException.NoSpace;
        for (ulong i = 2; i <= 10; i++)
            await cluster.WriteAsync(i);
        await cluster.UntilAsync("it to say so", () => follower.View.Stopped is not null);
        var durable = follower.Wal.Durable.Lsn;
        disk.WriteError = 0;
        await cluster.UntilAsync("it to catch up", () => follower.Wal.Durable.Lsn > durable);
        await cluster.UntilEqualAsync();
    }

    /// <summary>The disks of all followers stall for longer than their patience with a silent leader: they cannot listen meanwhile, and it was not silent.</summary>
    [Fact]
    public async Task Followers_that_wait_for_their_disks_do_not_take_their_leader_for_dead()
    {
        await using var cluster = new TestCluster();
        FaultyDisk[] disks = [new(), new()];
        cluster.Reserve("node-1", "node-2", "node-3");
        // The leader's own patience with a majority that does not answer is another matter.
        var leader = await cluster.StartAsync("node-1", o => o with { Bootstrap = true, ElectionTimeoutMaxMs = 60_000 });
        var followers = new[] { await cluster.StartAsync("node-2", o => o with { WalFiles = disks[0] }), await cluster.StartAsync("node-3", o => o with { WalFiles = disks[1] }) };
        await cluster.UntilAsync("three voters", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 3 }));
        await cluster.WriteAsync(1);
        var term = leader.Role.Term;
        var roles = new System.Collections.Concurrent.ConcurrentQueue<RoleChange>();
        foreach (var follower in followers)
            follower.RoleChanged += roles.Enqueue;

        using var stall = new ManualResetEventSlim();
        foreach (var disk in disks)
            disk.Stall = stall;
        var write = cluster.WriteAsync(2);
        await cluster.UntilAsync("both to wait for their disks", () => disks.All(d => Volatile.Read(ref d.Stalled) > 0));
        await Task.Delay(3000); // three times the longest election timeout of a follower: nothing is to happen in it
        foreach (var disk in disks)
            disk.Stall = null;
        stall.Set();
        await write;

        Assert.Empty(roles);
        Assert.Equal((leader, term), (cluster.Serving, leader.Role.Term));

        // Patience it is, and no blindness.
        await cluster.KillAsync("node-1");
        await cluster.UntilAsync("another leader", () => cluster.Serving is { } other && other != leader);
    }

    private static async Task<ClusterNode> ThreeNodes(TestCluster cluster, FaultyDisk diskOfTheFirst)
    {
        cluster.Reserve("node-1", "node-2", "node-3");
        var first = await cluster.StartAsync("node-1", o => o with { Bootstrap = true, WalFiles = diskOfTheFirst });
        await cluster.StartAsync("node-2");
        await cluster.StartAsync("node-3");
        await cluster.UntilAsync("three voters", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 3 }));
        Assert.Equal(first, await cluster.ServingAsync());
        return first;
    }
}
