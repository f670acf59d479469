using WolfScale.Cluster;
using WolfScale.Consensus;

namespace WolfScale.Integration.Cluster;

public class FailoverTests
{
    [Fact]
    public async Task The_leader_dies_the_others_go_on_and_it_comes_back_with_everything()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        var acknowledged = new List<ulong>();
        for (ulong i = 1; i <= 200; i++)
        {
            await cluster.WriteAsync(i);
            acknowledged.Add(i);
        }
        var first = (await cluster.ServingAsync()).Self.Id;
        await cluster.KillAsync(first);
        for (ulong i = 201; i <= 400; i++)
        {
            await cluster.WriteAsync(i);
            acknowledged.Add(i);
        }
        Assert.NotEqual(first, (await cluster.ServingAsync()).Self.Id);

        await cluster.StartAsync(first);
        await cluster.UntilEqualAsync();
        foreach (var node in cluster.Nodes)
            Assert.Equal(acknowledged, TestCluster.Groups(node));
    }

    [Fact]
    public async Task Without_a_majority_nothing_commits_and_one_node_more_is_enough()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        var leader = await cluster.ServingAsync();
        var others = cluster.Nodes.Select(n => n.Self.Id).Where(id => id != leader.Self.Id).ToArray();
        await cluster.KillAsync(others[0]);
        await cluster.KillAsync(others[1]);
        var committed = leader.CommitLsn;
        var outcome = leader.Propose(TestCluster.Batch(1), leader.Role.Term);
        await cluster.UntilAsync("the cut-off leader to give up its lease", () => leader.Role.Lease is null);
        Assert.Equal(committed, leader.CommitLsn);
        Assert.True(outcome.Accepted);

        await cluster.StartAsync(others[0]);
        await cluster.WriteAsync(2);
        await cluster.UntilEqualAsync();
        Assert.Equal(2UL, TestCluster.Groups(leader)[^1]);
    }

    [Fact]
    public async Task A_lease_has_ended_before_anything_of_a_later_term_is_seen()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        var seen = new List<string>();
        foreach (var node in cluster.Nodes)
        {
            TermLease? lease = null;
            node.RoleChanged += change =>
            {
                if (lease is not null && change.Lease != lease && !lease.Ended.IsCancellationRequested)
                    seen.Add($"{node.Self} got {change} while its lease of term {lease.Term} looked valid");
                lease = change.Lease ?? lease;
            };
            node.CommitAdvanced += lsn =>
            {
                if (lease is { Ended.IsCancellationRequested: false } && node.Wal.TermAt(lsn) > lease.Term)
                    seen.Add($"{node.Self} saw LSN {lsn} of a later term than its lease's {lease.Term}");
            };
        }
        for (ulong i = 1; i <= 5; i++)
        {
            var leader = await cluster.ServingAsync();
            var lease = leader.Role.Lease!;
            await cluster.WriteAsync(i);
            var outcome = await leader.TransferLeadershipAsync(null, CancellationToken.None);
            Assert.True(outcome.Succeeded, outcome.Reason);
            await cluster.UntilAsync("the lease to end", () => lease.Ended.IsCancellationRequested);
            Assert.Equal(ProposeResult.NotLeader, leader.Propose(TestCluster.Batch(99), lease.Term).Result);
        }
        Assert.Empty(seen);
    }

    [Fact]
    public async Task The_lead_goes_where_it_is_sent_and_says_why_it_cannot()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        var leader = await cluster.ServingAsync();
        var target = cluster.Nodes.First(n => n != leader);
        var outcome = await leader.TransferLeadershipAsync(target.Self.Id, CancellationToken.None);
        Assert.True(outcome.Succeeded, outcome.Reason);
        Assert.Equal(target.Self.Id, outcome.NewLeader);
        await cluster.UntilAsync("the target to serve", () => target.Role.Lease is not null);

        Assert.Contains("not a member", (await target.TransferLeadershipAsync("node-7", CancellationToken.None)).Reason, StringComparison.Ordinal);
        var unfit = cluster.Nodes.First(n => n != target);
        unfit.SetLocalState(new LocalState { Fit = false, Status = NodeStatus.Offline, Reason = "its MariaDB is down" });
        await cluster.UntilAsync("the others to know that it is unfit", () => target.View.Find(unfit.Self.Id)!.Fit == false);
        await cluster.WriteAsync(1);
        Assert.Contains("not fit", (await target.TransferLeadershipAsync(unfit.Self.Id, CancellationToken.None)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C3_An_unfit_leader_gives_the_lead_away_and_takes_no_writes()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        var leader = await cluster.ServingAsync();
        var term = leader.Role.Term;
        leader.SetLocalState(new LocalState { Fit = false, Status = NodeStatus.Offline, Reason = "its MariaDB is down" });
        Assert.False(leader.Propose(TestCluster.Batch(1), term).Accepted);
        await cluster.UntilAsync("another leader", () => cluster.Serving is { } other && other != leader);
    }

    [Fact]
    public async Task A_strong_read_on_any_node_sees_what_was_acknowledged_before_it()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        for (ulong i = 1; i <= 20; i++)
        {
            var lsn = await cluster.WriteAsync(i);
            foreach (var node in cluster.Nodes)
                Assert.True(await node.ReadIndexAsync(limit.Token) >= lsn);
        }
        var leader = await cluster.ServingAsync();
        foreach (var other in cluster.Nodes.Where(n => n != leader).Select(n => n.Self.Id).ToArray())
            await cluster.KillAsync(other);
        await Assert.ThrowsAsync<InvalidOperationException>(() => leader.ReadIndexAsync(limit.Token));
    }

    [Fact]
    public async Task Every_node_shows_the_same_cluster_and_who_is_gone()
    {
        await using var cluster = await TestCluster.OfThreeAsync(o => o with { DropAfterS = 2 });
        await cluster.UntilAsync("all active everywhere", () => cluster.Nodes.All(n =>
            n.View is { LeaderId: not null } view && view.Nodes.Length == 3 && view.Nodes.All(x => x.Status == NodeStatus.Active)));
        Assert.Single(cluster.Nodes.Select(n => n.View.LeaderId).Distinct());
        var leader = await cluster.ServingAsync();
        var victim = cluster.Nodes.Last(n => n != leader).Self.Id;
        await cluster.KillAsync(victim);
        await cluster.UntilAsync("lagging", () => leader.View.Find(victim)!.Status == NodeStatus.Lagging);
        await cluster.UntilAsync("dropped", () => leader.View.Find(victim)!.Status == NodeStatus.Dropped);
        Assert.Equal(3, leader.Configuration!.VoterCount); // with three, a vote less would cost the tolerance of a failure
        await cluster.StartAsync(victim);
        await cluster.UntilAsync("active again", () => leader.View.Find(victim)!.Status == NodeStatus.Active);
        await cluster[victim].DisposeAsync();
        await cluster.UntilAsync("offline after its goodbye", () => leader.View.Find(victim)!.Status == NodeStatus.Offline);
    }
}
