using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Cli;

/// <summary>
/// <c>wolfscale join HOST:PORT</c> on a fresh machine that knows nothing but the cluster's name and secret: no peers, no discovery, an empty MariaDB. What must not come in is turned away with the reason
/// on its own terminal, and changes nothing.
/// </summary>
public class JoinTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private const int Rows = 1000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>Any member will do. From then on it knows them all: it finds its cluster again after a restart, without the one through which it came.</summary>
    [Theory]
    [InlineData("LEADER", 91u)]
    [InlineData("FOLLOWER", 92u)]
    public async Task A_fresh_node_joins_through_a_member_and_comes_back_by_itself(string role, uint serverId)
    {
        var (cluster, leader) = await BeginAsync();
        var through = role == "LEADER" ? leader : cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        Assert.Equal(role, (await cluster.StatusAsync(through.Id))!.Role);
        await using var fresh = await FreshAsync(cluster, "fresh", serverId);

        await fresh.JoinAsync(through.Cluster);
        await fresh.AwaitAsync("ACTIVE, a voter", IsVoter);
        await AssertSameRowsAsync(cluster, fresh, Rows);

        await fresh.StopAsync();
        await cluster.SignalAsync(through.Id, Part.Node, Signal.Kill);
        await fresh.StartAsync();
        await fresh.AwaitAsync("ACTIVE again", IsVoter);
        await (await cluster.LeaderAsync(except: through.Id)).Server.RunAsync("INSERT INTO demo.joined VALUES (2000)");
        await cluster.StartNodeAsync(through.Id, Part.Node);
        await cluster.AwaitHealthyAsync(Patience);
        await AssertSameRowsAsync(cluster, fresh, Rows + 1);

        var left = await fresh.CtlAsync("leave", "--yes");
        Assert.True(left.ExitCode == 0, left.ToString());
    }

    [Fact]
    public async Task A_wrong_secret_is_refused_on_the_terminal()
    {
        var (cluster, leader) = await BeginAsync();
        var before = await SeenAsync(cluster, leader);
        await using var stranger = await FreshAsync(cluster, "stranger", 93);
        stranger.Settings["cluster.secret"] = NodeProcess.Text("not the secret of this cluster at all");

        await stranger.JoinAsync(leader.Cluster);

        Print(await stranger.AwaitLineAsync("compare cluster.secret on both nodes"));
        await stranger.AwaitAsync("told why", s => s is { Status: "JOINING" } && s.Reason!.Contains("cluster.secret", StringComparison.Ordinal));
        await AssertUnchangedAsync(cluster, before);
    }

    [Fact]
    public async Task Data_of_another_cluster_are_refused_on_the_terminal()
    {
        var (cluster, leader) = await BeginAsync();
        var before = await SeenAsync(cluster, leader);
        await using var foreigner = await FreshAsync(cluster, "foreigner", 94);
        await foreigner.StartAsync("--bootstrap");
        await foreigner.AwaitAsync("leader of a cluster of its own", s => s is { Role: "LEADER", AcceptsWrites: true });
        await foreigner.Server.RunAsync("CREATE DATABASE mine");
        await foreigner.StopAsync();

        await foreigner.JoinAsync(leader.Cluster);

        Print(await foreigner.AwaitLineAsync("holds data of cluster", "empty the data directory"));
        Assert.Equal("1", await foreigner.Server.ScalarAsync("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'mine'"));
        await AssertUnchangedAsync(cluster, before);
    }

    /// <summary>Neither where the configuration says so, nor where a member is known, be it from an earlier attempt to join; and one that has joined ignores it.</summary>
    [Fact]
    public async Task A_second_founding_is_refused_on_the_terminal()
    {
        var (cluster, leader) = await BeginAsync();
        var before = await SeenAsync(cluster, leader);
        await using var fresh = await FreshAsync(cluster, "second", 95);
        fresh.Settings["cluster.bootstrap"] = "true";
        await fresh.JoinAsync(leader.Cluster);
        Assert.Equal(2, await fresh.AwaitExitAsync(Patience));
        Print(await fresh.AwaitLineAsync("cluster.bootstrap = true creates a cluster", "remove it"));

        _ = fresh.Settings.Remove("cluster.bootstrap");
        fresh.Settings["cluster.peers"] = $"[{NodeProcess.Text(leader.Cluster)}]";
        await fresh.StartAsync("--bootstrap");
        Assert.Equal(1, await fresh.AwaitExitAsync(Patience));
        Print(await fresh.AwaitLineAsync("--bootstrap is refused", leader.Id, "Start without --bootstrap to join it"));

        // It comes with a wrong name, so that all it keeps of its attempt is the address.
        _ = fresh.Settings.Remove("cluster.peers");
        var name = fresh.Settings["cluster.cluster_name"];
        fresh.Settings["cluster.cluster_name"] = NodeProcess.Text("elsewhere");
        await fresh.JoinAsync(leader.Cluster);
        Print(await fresh.AwaitLineAsync("set the same cluster.cluster_name on both"));
        await fresh.StopAsync();
        fresh.Settings["cluster.cluster_name"] = name;
        var refused = fresh.Log.Length;
        await fresh.StartAsync("--bootstrap");
        Assert.Equal(1, await fresh.AwaitExitAsync(Patience));
        Assert.Contains("--bootstrap is refused", fresh.Log[refused..], StringComparison.Ordinal);
        await AssertUnchangedAsync(cluster, before);

        await fresh.JoinAsync(leader.Cluster);
        await fresh.AwaitAsync("ACTIVE, a voter", IsVoter);
        await fresh.StopAsync();
        await fresh.StartAsync("--bootstrap");
        Print(await fresh.AwaitLineAsync("bootstrap", "ignored"));
        await fresh.AwaitAsync("ACTIVE again", IsVoter);
        var left = await fresh.CtlAsync("leave", "--yes");
        Assert.True(left.ExitCode == 0, left.ToString());
    }

    [Fact]
    public async Task An_id_that_a_living_node_has_is_refused_on_the_terminal()
    {
        var (cluster, leader) = await BeginAsync();
        var before = await SeenAsync(cluster, leader);
        var taken = cluster.Facts.Nodes.First(n => n.Id != leader.Id).Id;
        await using var twin = await FreshAsync(cluster, taken, 96);

        await twin.JoinAsync(leader.Cluster);

        Print(await twin.AwaitLineAsync($"two nodes run with node.id = '{taken}'", "give it another node.id"));
        await AssertUnchangedAsync(cluster, before);
    }

    private async Task<(DemoCluster Cluster, DemoNode Leader)> BeginAsync()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.joined (id INT PRIMARY KEY)", $"INSERT INTO demo.joined SELECT seq FROM demo.seq_1_to_{Rows}");
        return (cluster, leader);
    }

    /// <summary>It has the cluster's name and secret, and no address.</summary>
    private static async Task<NodeProcess> FreshAsync(DemoCluster cluster, string id, uint serverId)
    {
        var fresh = (await NodeProcess.CreateAsync(id, serverId)).ThatJoins(cluster);
        _ = fresh.Settings.Remove("cluster.peers");
        return fresh;
    }

    private static bool IsVoter(NodeStatus status) => status is { Status: "ACTIVE", Role: "FOLLOWER" };

    private static Task AssertSameRowsAsync(DemoCluster cluster, NodeProcess node, int rows) =>
        new Comparer([.. cluster.Servers, node.Server]).AssertIdenticalAsync([new ExpectedObject("table", "demo.joined", rows)], Patience);

    private static async Task<(string Leader, long Term, int Members)> SeenAsync(DemoCluster cluster, DemoNode leader) =>
        (leader.Id, (await cluster.StatusAsync(leader.Id))!.Term, await WolfctlMembershipTests.MembersAsync(leader));

    /// <summary>The same leader in the same term with the same voters, and commits go on.</summary>
    private static async Task AssertUnchangedAsync(DemoCluster cluster, (string Leader, long Term, int Members) before)
    {
        var leader = await cluster.LeaderAsync();
        Assert.Equal(before, await SeenAsync(cluster, leader));
        await leader.Server.RunAsync("INSERT INTO demo.joined SELECT 1 + MAX(id) FROM demo.joined").WaitAsync(TimeSpan.FromSeconds(10));
        await cluster.AwaitHealthyAsync();
    }
}
