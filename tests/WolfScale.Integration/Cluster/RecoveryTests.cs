using Microsoft.Extensions.Logging.Abstractions;
using WolfScale.Cluster;
using WolfScale.Cluster.History;
using WolfScale.Cluster.Recovery;
using WolfScale.Consensus;

namespace WolfScale.Integration.Cluster;

/// <summary>Recovery by force, and the lost majority that comes back all the same: whatever the order in which nodes meet, one line goes on.</summary>
public class RecoveryTests
{
    [Fact]
    public async Task A_survivor_becomes_the_only_voter_keeps_its_log_and_fresh_nodes_join_it()
    {
        await using var cluster = await WrittenAsync(20);
        await LoseAsync(cluster);
        cluster.Forget("node-1");
        cluster.Forget("node-2");

        var plan = await ClusterRecovery.RecoverAsync(Survivor(cluster), TimeProvider.System, NullLogger.Instance);
        Assert.Equal(["node-1", "node-2", "node-3"], plan.Members.Select(m => m.Key.Id));
        await cluster.StartAsync("node-3");
        await cluster.WriteAsync(21);
        Assert.Equal(Enumerable.Range(1, 21).Select(i => (ulong)i), TestCluster.Groups(cluster["node-3"]));
        Assert.Contains(cluster["node-3"].History.Newest(100), e => e.Kind == EventKinds.Recovered);

        await cluster.StartAsync("node-1");
        await cluster.StartAsync("node-2");
        await cluster.UntilAsync("three voters", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 3 }));
        await cluster.UntilEqualAsync();
        Assert.All(cluster.Nodes, n => Assert.Equal(21, TestCluster.Groups(n).Count));
    }

    /// <summary>The worst of it: both lost nodes are back, lead one another, acknowledge, and only then meet the recovered cluster.</summary>
    [Fact]
    public async Task A_lost_majority_that_led_itself_gives_up_when_it_meets_the_recovered_cluster()
    {
        await using var cluster = await WrittenAsync(5);
        await LoseAsync(cluster);
        _ = await ClusterRecovery.RecoverAsync(Survivor(cluster), TimeProvider.System, NullLogger.Instance);

        await cluster.StartAsync("node-1");
        await cluster.StartAsync("node-2");
        await cluster.WriteAsync(100); // in the lost line, which nobody could keep from it
        var terms = cluster.Nodes.Max(n => n.Role.Term);

        await cluster.StartAsync("node-3");
        await cluster.UntilAsync("both to give up", () => new[] { "node-1", "node-2" }.All(id => cluster[id].IsSuperseded && cluster[id].Role.Lease is null));
        await cluster.UntilAsync("node-3 to serve", () => cluster["node-3"].Role.Lease is not null);
        Assert.True(RecoveryGeneration.Of(cluster["node-3"].Role.Term) > RecoveryGeneration.Of(terms));

        await ComeBackAsync(cluster, "node-1", "node-2");
        await cluster.WriteAsync(6);
        await cluster.UntilEqualAsync();
        Assert.All(cluster.Nodes, n => Assert.Equal([1, 2, 3, 4, 5, 6], TestCluster.Groups(n).Select(g => (int)g)));
    }

    [Fact]
    public async Task A_lost_node_that_meets_the_recovered_cluster_first_helps_no_other_lost_node_to_lead()
    {
        await using var cluster = await WrittenAsync(5);
        var before = cluster["node-2"];
        await LoseAsync(cluster);
        var elections = Elections(before); // it may have been elected while it lost the others
        _ = await ClusterRecovery.RecoverAsync(Survivor(cluster), TimeProvider.System, NullLogger.Instance);
        await cluster.StartAsync("node-3");
        await cluster.StartAsync("node-1");
        await cluster.UntilAsync("node-1 to give up", () => cluster["node-1"].IsSuperseded);
        await ComeBackAsync(cluster, "node-1");

        // The other one reaches the new line through node-1 as well as through node-3; it must not be made a leader by either.
        await cluster.StartAsync("node-2");
        await cluster.UntilAsync("node-2 to give up", () => cluster["node-2"].IsSuperseded);
        Assert.Equal(0, RecoveryGeneration.Of(cluster["node-2"].Role.Term));
        Assert.Equal(elections, Elections(cluster["node-2"]));
        await ComeBackAsync(cluster, "node-2");
        await cluster.WriteAsync(6);
        await cluster.UntilEqualAsync();
    }

    [Fact]
    public async Task A_crash_between_giving_up_and_coming_back_leaves_a_node_that_nobody_counts_on()
    {
        await using var cluster = await WrittenAsync(5);
        await LoseAsync(cluster);
        var before = (await ClusterRecovery.ExamineAsync(Survivor(cluster))).Members.Single(m => m.Key.Id == "node-1").Key;
        _ = await ClusterRecovery.RecoverAsync(Survivor(cluster), TimeProvider.System, NullLogger.Instance);
        await cluster.StartAsync("node-3");
        await cluster.StartAsync("node-1");
        await cluster.UntilAsync("node-1 to give up", () => cluster["node-1"].IsSuperseded);
        await cluster.KillAsync("node-3"); // nobody of the new line is there when it returns
        await cluster.KillAsync("node-1");

        await cluster.StartAsync("node-1");
        await cluster.StartAsync("node-2");
        Assert.NotEqual(before, cluster["node-1"].Self);
        // Several election timeouts, in which nothing may happen.
        using var looks = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var look = 0; look < 150; look++)
        {
            Assert.DoesNotContain(cluster.Nodes, n => n.Role.Role == RaftRole.Leader);
            await looks.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task Of_two_survivors_that_were_both_recovered_one_line_goes_on()
    {
        await using var cluster = await WrittenAsync(5);
        await LoseAsync(cluster, "node-3", "node-2");
        _ = await ClusterRecovery.RecoverAsync(Survivor(cluster), TimeProvider.System, NullLogger.Instance);
        _ = await ClusterRecovery.RecoverAsync(Survivor(cluster, "node-2"), TimeProvider.System, NullLogger.Instance);
        await cluster.StartAsync("node-2");
        await cluster.StartAsync("node-3");

        await cluster.UntilAsync("one to give up", () => cluster.Nodes.Count(n => n.IsSuperseded) == 1);
        var loser = cluster.Nodes.Single(n => n.IsSuperseded).Self.Id;
        await ComeBackAsync(cluster, loser);
        await cluster.WriteAsync(6);
        await cluster.UntilAsync("two voters", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 2 }));
        await cluster.UntilEqualAsync();
    }

    /// <summary>Killed after the first step the recovery has not happened, and the lost nodes, brought back after all, lead as before; after the second it has. Never is there nobody left who may vote.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(3, true)]
    public async Task A_recovery_that_is_killed_half_way_has_happened_or_has_not(int step, bool happened)
    {
        await using var cluster = await WrittenAsync(5);
        await LoseAsync(cluster);
        _ = await Assert.ThrowsAsync<OperationCanceledException>(() => ClusterRecovery.RecoverAsync(
            Survivor(cluster), TimeProvider.System, NullLogger.Instance, done => { if (done == step) throw new OperationCanceledException(); }));

        // Everything comes back: the machines that were taken for lost, and the survivor, on which nobody has repeated the command.
        foreach (var id in (string[])["node-3", "node-1", "node-2"])
            await cluster.StartAsync(id);
        if (happened)
        {
            await cluster.UntilAsync("both to give up", () => cluster["node-1"].IsSuperseded && cluster["node-2"].IsSuperseded);
            await ComeBackAsync(cluster, "node-1", "node-2");
        }

        await cluster.WriteAsync(6);
        await cluster.UntilAsync("three voters", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 3 } && !n.IsSuperseded));
        await cluster.UntilEqualAsync();
        Assert.All(cluster.Nodes, n => Assert.Equal([1, 2, 3, 4, 5, 6], TestCluster.Groups(n).Select(g => (int)g)));
        Assert.Equal(happened, RecoveryGeneration.Of(cluster["node-1"].Role.Term) > 0);
    }

    [Fact]
    public async Task What_must_not_be_recovered_is_refused()
    {
        await using var cluster = await WrittenAsync(1);
        var running = await Assert.ThrowsAsync<ClusterStartException>(() => ClusterRecovery.ExamineAsync(Survivor(cluster)));
        Assert.Contains("Stop the node first", running.Message, StringComparison.Ordinal);

        var nobody = await Assert.ThrowsAsync<ClusterStartException>(() => ClusterRecovery.ExamineAsync(Survivor(cluster) with { DataDirectory = cluster.Folder("node-9") }));
        Assert.Contains("no node in", nobody.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(cluster.Folder("node-9")));

        await cluster.KillAsync("node-3");
        var other = await Assert.ThrowsAsync<ClusterStartException>(() => ClusterRecovery.ExamineAsync(Survivor(cluster) with { NodeId = "node-9" }));
        Assert.Contains("no member", other.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_term_after_a_recovery_is_later_than_any_election_reaches_and_exact_in_JSON()
    {
        var term = 41L;
        for (var i = 1; i <= 31; i++)
        {
            var next = RecoveryGeneration.FirstTermAfter(term);
            Assert.True(next > term + uint.MaxValue / 2 && next < 1L << 53, $"{next} after {term}");
            Assert.True(RecoveryGeneration.Of(next) > RecoveryGeneration.Of(term + int.MaxValue));
            term = next + 1_000_000;
        }
    }

    private static async Task<TestCluster> WrittenAsync(int entries)
    {
        var cluster = await TestCluster.OfThreeAsync();
        for (var i = 1; i <= entries; i++)
            await cluster.WriteAsync((ulong)i);
        await cluster.UntilEqualAsync();
        return cluster;
    }

    private static int Elections(ClusterNode node) => node.History.Newest(1000).Count(e => e.Kind == EventKinds.Elected);

    private static async Task LoseAsync(TestCluster cluster, params string[] first)
    {
        foreach (var id in first.Concat(["node-1", "node-2", "node-3"]).Distinct())
            await cluster.KillAsync(id);
    }

    private static ClusterOptions Survivor(TestCluster cluster, string id = "node-3") => new()
    {
        NodeId = id, DataDirectory = cluster.Folder(id), BindAddress = cluster.AddressOf(id), AdvertiseAddress = cluster.AddressOf(id), ClusterName = "test",
    };

    /// <summary>As the program does it: the node is ended and started anew.</summary>
    private static async Task ComeBackAsync(TestCluster cluster, params string[] ids)
    {
        foreach (var id in ids)
        {
            await cluster.KillAsync(id);
            await cluster.StartAsync(id);
        }
    }
}
