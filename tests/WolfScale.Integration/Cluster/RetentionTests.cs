using WolfScale.Cluster;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Integration.Cluster;

/// <summary>Old segments go, and whoever needed them begins anew behind them: with its log at once, with its vote when its data are there.</summary>
public class RetentionTests
{
    private const int EntryBytes = 20_000;

    [Fact]
    public async Task Nothing_goes_that_a_live_member_or_the_local_server_needs()
    {
        await using var cluster = await ThreeAsync(o => o with { RetentionHours = 0 });
        ulong sequence = 0;
        await FillAsync(cluster, () => ++sequence, 40);
        await cluster.UntilEqualAsync();
        Applied(cluster.Nodes);
        foreach (var node in cluster.Nodes)
            await cluster.UntilAsync($"{node.Self.Id} to prune", () => node.Wal.FirstLsn > 1);

        // One member's MariaDB stands still, another member does not get to write its log: neither loses what it needs.
        var leader = await cluster.ServingAsync();
        var stuck = cluster.Nodes.First(n => n != leader);
        var needs = stuck.CommitLsn + 1;
        await FillAsync(cluster, () => ++sequence, 60);
        await cluster.UntilEqualAsync();
        foreach (var node in cluster.Nodes.Where(n => n != stuck))
            Applied([node]);
        await cluster.UntilAsync("the leader to prune further", () => leader.Wal.FirstLsn > needs);
        await HeartbeatsAsync(cluster, stuck, 50); // in which retention looks twice
        Assert.True(stuck.Wal.FirstLsn <= needs, $"{stuck.Wal.FirstLsn} > {needs}");

        var dead = cluster.Nodes.Single(n => n != leader && n != stuck).Self;
        var had = cluster[dead.Id].Wal.Last.Lsn;
        await cluster.KillAsync(dead.Id);
        await FillAsync(cluster, () => ++sequence, 60);
        Applied([leader]);
        await cluster.UntilAsync("it to be DROPPED", () => leader.View.Find(dead.Id) is { Status: NodeStatus.Dropped }, seconds: 60);
        await cluster.UntilAsync("its entries to go", () => leader.Wal.FirstLsn > had + 1, seconds: 60);
        await cluster.UntilAsync("it to be told of", () => cluster.Logs[leader.Self.Id].Count("it was dropped", dead.Id) >= 1);
    }

    /// <summary>wal.max_size_gb, in bytes here: the log stays below it, although a member that is heard is behind.</summary>
    [Fact]
    public async Task Above_its_size_the_log_lets_a_member_that_is_behind_go_and_says_so()
    {
        await using var cluster = await ThreeAsync(o => o with { MaxLogBytes = 400_000, DropAfterS = 600 });
        ulong sequence = 0;
        await cluster.WriteAsync(++sequence);
        await cluster.UntilEqualAsync();
        var leader = await cluster.ServingAsync();
        var behind = cluster.Nodes.First(n => n != leader).Self.Id;
        await cluster.KillAsync(behind);
        await FillAsync(cluster, () => ++sequence, 60);
        await cluster.UntilAsync("the others to be in step", () => cluster.Nodes.All(n => n.CommitLsn == leader.CommitLsn));
        Applied(cluster.Nodes);
        await cluster.UntilAsync("the leader to prune", () => leader.Wal.Segments.Sum(s => s.Bytes) <= 400_000);
        await cluster.UntilAsync("it to say so", () => cluster.Logs[leader.Self.Id].Count("Node " + behind, "wal.max_size_gb", "NEEDS_MIGRATION") == 1);

        // Its log begins anew behind the gap; nothing that was committed is acknowledged twice or lost, and the others' logs are untouched.
        var back = await cluster.StartAsync(behind, o => o);
        await cluster.UntilAsync("its log to begin anew", () => back.Wal.Start.Before.Lsn > 1 && cluster.Logs[behind].Count("begins there too") == 1);
        await cluster.WriteAsync(++sequence);
        await cluster.UntilEqualAsync();
        Assert.Equal(TestCluster.Groups(leader), TestCluster.Groups(back));
        Assert.Equal(leader.Configuration!.ClusterId, back.Configuration!.ClusterId);

        // And survives a restart there.
        var start = back.Wal.Start.Before;
        await cluster.KillAsync(behind);
        back = await cluster.StartAsync(behind);
        Assert.Equal(start, back.Wal.Start.Before);
        await cluster.UntilEqualAsync();
    }

    [Fact]
    public async Task A_fresh_node_gets_its_vote_when_its_server_holds_what_the_log_does_not()
    {
        await using var cluster = await ThreeAsync(o => o with { RetentionHours = 0 });
        ulong sequence = 0;
        await FillAsync(cluster, () => ++sequence, 60);
        await cluster.UntilEqualAsync();
        Applied(cluster.Nodes);
        var leader = await cluster.ServingAsync();
        await cluster.UntilAsync("the leader to prune", () => leader.Wal.FirstLsn > 1);

        var fresh = await cluster.StartAsync("node-4");
        fresh.SetLocalState(new LocalState { Status = NodeStatus.NeedsMigration, Reason = "empty" });
        await cluster.UntilEqualAsync();
        await cluster.WriteAsync(++sequence);
        await HeartbeatsAsync(cluster, leader, 20); // in each of which it could have been given its vote
        Assert.True(leader.Configuration!.Find(fresh.Self) is { IsVoter: false });

        fresh.SetLocalState(new LocalState { Status = NodeStatus.Active, Fit = true, AppliedLsn = fresh.CommitLsn });
        await cluster.UntilAsync("its vote", () => leader.Configuration!.IsVoter(fresh.Self));
    }

    /// <summary>
    /// Three of five voters would otherwise hold a log without the data before it: a majority could acknowledge and be all that is left, without a single whole copy.
    /// </summary>
    [Fact]
    public async Task A_voter_keeps_its_log_while_too_few_others_hold_the_data_whole()
    {
        await using var cluster = await ThreeAsync(o => o with { MaxLogBytes = 400_000, DropAfterS = 600 });
        await cluster.StartAsync("node-4");
        await cluster.StartAsync("node-5");
        await cluster.UntilAsync("five voters", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 5 }));
        ulong sequence = 0;
        await cluster.WriteAsync(++sequence);
        await cluster.UntilEqualAsync();
        var leader = await cluster.ServingAsync();
        var followers = cluster.Nodes.Where(n => n != leader).Select(n => n.Self.Id).ToList();

        long had = 0;
        // Two are left behind and have no data yet; then a third is.
        foreach (var gone in (string[][])[[followers[0], followers[1]], [followers[2]]])
        {
            foreach (var id in gone)
            {
                var node = cluster[id];
                await cluster.KillAsync(id);
                had = node.Wal.Start.Before.Lsn; // it may have pruned until then
            }
            var from = leader.Wal.FirstLsn;
            await FillAsync(cluster, () => ++sequence, 60);
            await cluster.UntilAsync("the others to be in step", () => cluster.Nodes.All(n => n.CommitLsn == leader.CommitLsn));
            Applied(cluster.Nodes.Where(n => n == leader || followers.IndexOf(n.Self.Id) >= 2));
            await cluster.UntilAsync("the leader to prune", () => leader.Wal.FirstLsn > from && leader.Wal.Segments.Sum(s => s.Bytes) <= 400_000);
            foreach (var id in gone)
                (await cluster.StartAsync(id)).SetLocalState(new LocalState { Status = NodeStatus.NeedsMigration });
            if (gone.Length == 2)
                await cluster.UntilEqualAsync();
        }

        var kept = cluster[followers[2]];
        await cluster.UntilAsync("the leader to say so", () => cluster.Logs[leader.Self.Id].Count(followers[2], "too few others hold the cluster's data whole") == 1);
        Assert.Equal(had, kept.Wal.Start.Before.Lsn);
        Assert.Equal(NodeStatus.NeedsMigration, leader.View.Find(followers[2])!.Status);

        Applied([cluster[followers[0]]]); // it was migrated
        await cluster.UntilEqualAsync();
        Assert.True(kept.Wal.Start.Before.Lsn > had);
    }

    /// <summary>
    /// A MariaDB that waits for a copy applies nothing, for days perhaps. Its node keeps what a copy of any member goes on from; and all of its log while the data would otherwise be left with a minority.
    /// </summary>
    [Fact]
    public async Task A_node_whose_server_waits_for_a_copy_prunes_what_no_copy_needs()
    {
        await using var cluster = await ThreeAsync(o => o with { RetentionHours = 0, DropAfterS = 600 });
        ulong sequence = 0;
        await FillAsync(cluster, () => ++sequence, 40);
        await cluster.UntilEqualAsync();
        var leader = await cluster.ServingAsync();
        var (strayed, other) = (cluster.Nodes.First(n => n != leader), cluster.Nodes.Last(n => n != leader));
        strayed.SetLocalState(new LocalState { Status = NodeStatus.NeedsMigration, Reason = "strayed" });
        var stands = other.CommitLsn;
        Applied([other]);
        await FillAsync(cluster, () => ++sequence, 40);
        await cluster.UntilEqualAsync();
        Applied([leader]);
        await cluster.UntilAsync("it to prune", () => strayed.Wal.FirstLsn > 1);
        await HeartbeatsAsync(cluster, strayed, 50); // in which retention looks twice
        Assert.True(strayed.Wal.FirstLsn <= stands + 1, $"{strayed.Wal.FirstLsn} > {stands + 1}");
        Applied([other]);
        await cluster.UntilAsync("it to prune further", () => strayed.Wal.FirstLsn > stands + 1);

        // The second one: the leader's data would be the only ones.
        other.SetLocalState(new LocalState { Status = NodeStatus.NeedsMigration, Reason = "strayed, too" });
        await cluster.UntilAsync("it to hear of that", () => strayed.View.Find(other.Self.Id) is { Status: NodeStatus.NeedsMigration });
        await strayed.PassAsync(TestContext.Current.CancellationToken);
        var kept = strayed.Wal.FirstLsn;
        await FillAsync(cluster, () => ++sequence, 60);
        await cluster.UntilEqualAsync();
        Applied([leader]);
        await cluster.UntilAsync("it to say so", () => cluster.Logs[strayed.Self.Id].Count("cannot use its log", $"Not whole, or not heard: {other.Self.Id}.") == 1);
        await HeartbeatsAsync(cluster, strayed, 50);
        Assert.Equal(kept, strayed.Wal.FirstLsn);
        Applied([other]); // it was rebuilt
        await cluster.UntilAsync("it to prune again", () => strayed.Wal.FirstLsn > kept);
    }

    /// <summary>What a leader of an earlier term said, what comes from somebody else, and what is said of another cluster empties no log; nor does an offer of what is here already.</summary>
    [Fact]
    public async Task An_offer_that_is_out_of_date_or_another_ones_changes_nothing()
    {
        await using var cluster = await ThreeAsync(o => o);
        for (ulong i = 1; i <= 20; i++)
            await cluster.WriteAsync(i);
        await cluster.UntilEqualAsync();
        var leader = await cluster.ServingAsync();
        var follower = cluster.Nodes.First(n => n != leader);
        var other = cluster.Nodes.Single(n => n != leader && n != follower);
        var (term, id, last) = (leader.Role.Term, leader.Configuration!.ClusterId, follower.Wal.Last);
        var configuration = follower.Wal.Configurations[^1];
        LogStartOffer Offer(long lsn, long ofTerm, Guid cluster) => new(ofTerm, cluster, new LogStart(new WalPosition(lsn, ofTerm), configuration, null));

        foreach (var (from, offer) in ((NodeKey, LogStartOffer)[])
            [(leader.Self, Offer(1000, term - 1, id)), (other.Self, Offer(1000, term, id)), (leader.Self, Offer(1000, term, Guid.NewGuid())), (leader.Self, Offer(last.Lsn, term, id)), (leader.Self, Offer(last.Lsn - 1, term, id))])
        {
            follower.Host.BeginAfter(from, LogStartOffer.Read(offer.Frame().AsSpan(5)));
            Assert.Equal((0L, last), (follower.Wal.Start.Before.Lsn, follower.Wal.Last));
        }

        // The right one does.
        follower.Host.BeginAfter(leader.Self, Offer(1000, term, id));
        Assert.Equal((1000L, 1000L), (follower.Wal.Start.Before.Lsn, follower.Wal.Last.Lsn));
    }

    /// <summary>Mode "available": where the sides of a partition parted is not in the leader's log any more, so the whole log of the losing one is saved before it begins anew.</summary>
    [Fact]
    public async Task In_mode_available_a_log_is_saved_before_it_begins_anew_and_stays_where_it_cannot_be()
    {
        var saved = new List<(long First, long Last)>();
        var isFull = true;
        await using var cluster = await ThreeAsync(o => o with
        {
            Mode = ClusterMode.Available,
            SaveDiscarded = entries =>
            {
                if (isFull)
                    throw new IOException("no space");
                saved.Add((entries.FirstLsn, entries.LastLsn));
            },
        });
        for (ulong i = 1; i <= 20; i++)
            await cluster.WriteAsync(i);
        await cluster.UntilEqualAsync();
        var leader = await cluster.ServingAsync();
        var follower = cluster.Nodes.First(n => n != leader);
        var last = follower.Wal.Last;
        var offer = new LogStartOffer(leader.Role.Term, leader.Configuration!.ClusterId, new LogStart(new WalPosition(1000, leader.Role.Term), follower.Wal.Configurations[^1], null));

        follower.Host.BeginAfter(leader.Self, offer);
        Assert.Equal((0L, last), (follower.Wal.Start.Before.Lsn, follower.Wal.Last));
        isFull = false;
        await cluster.UntilAsync("the log to begin anew", () =>
        {
            follower.Host.BeginAfter(leader.Self, offer); // as the leader does, with every heartbeat
            return follower.Wal.Start.Before.Lsn == 1000;
        });
        Assert.Equal([(1L, last.Lsn)], saved);
    }

    private static async Task<TestCluster> ThreeAsync(Func<ClusterOptions, ClusterOptions> options) =>
        await TestCluster.OfThreeAsync(o => options(o with { SegmentBytes = 100_000, DropAfterS = 3, MaxPendingBytes = 1 << 20 }));

    private static async Task FillAsync(TestCluster cluster, Func<ulong> next, int entries)
    {
        for (var i = 0; i < entries; i++)
            await cluster.WriteAsync(next(), EntryBytes);
    }

    private static async Task HeartbeatsAsync(TestCluster cluster, ClusterNode node, int count)
    {
        var views = 0;
        void Count(ClusterView view) => _ = Interlocked.Increment(ref views);
        node.ViewChanged += Count;
        await cluster.UntilAsync("heartbeats", () => Volatile.Read(ref views) >= count);
        node.ViewChanged -= Count;
    }

    /// <summary>Their servers show everything that is committed.</summary>
    private static void Applied(IEnumerable<ClusterNode> nodes)
    {
        foreach (var node in nodes.ToList())
            node.SetLocalState(new LocalState { Fit = true, Status = NodeStatus.Active, AppliedLsn = node.CommitLsn });
    }
}
