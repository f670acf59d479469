using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary>
/// Bad input by would-be members: a wrong secret, a foreign cluster, a taken id, a server with data of its own. Each is turned away with one clear
/// line on its own side, and the cluster stays what it was. A changed id is a new member.
/// </summary>
public sealed class BadInputOfPeersTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    [Fact]
    public async Task A_node_with_a_wrong_secret_is_turned_away()
    {
        var cluster = await Fixture.HealthyAsync();
        await using var stranger = (await NodeProcess.CreateAsync("stranger", 77)).ThatJoins(cluster);
        stranger.Settings["cluster.secret"] = NodeProcess.Text("this is not the secret of the cluster at all");

        var term = await TermAsync(cluster);
        await stranger.StartAsync();

        Print(await stranger.AwaitLineAsync("secret"));
        await AssertUnchangedAsync(cluster, term);
    }

    [Fact]
    public async Task A_data_directory_of_another_cluster_is_turned_away()
    {
        var cluster = await Fixture.HealthyAsync();
        await using var foreigner = await NodeProcess.CreateAsync("foreigner", 78);
        await foreigner.StartAsync("--bootstrap");
        await foreigner.AwaitAsync("leader of a cluster of its own", s => s is { Role: "LEADER", AcceptsWrites: true });
        await foreigner.StopAsync();

        var term = await TermAsync(cluster);
        await foreigner.ThatJoins(cluster).StartAsync();

        Print(await foreigner.AwaitLineAsync("holds data of cluster"));
        await AssertUnchangedAsync(cluster, term);
    }

    [Fact]
    public async Task A_second_node_with_a_taken_id_is_turned_away()
    {
        var cluster = await Fixture.HealthyAsync();
        var taken = cluster.Facts.Nodes[1].Id;
        await using var twin = (await NodeProcess.CreateAsync(taken, 79)).ThatJoins(cluster);

        var term = await TermAsync(cluster);
        await twin.StartAsync();

        Print(await twin.AwaitLineAsync(taken, "two nodes run with node.id"));
        await AssertUnchangedAsync(cluster, term);
    }

    [Fact]
    public async Task A_server_with_a_server_id_of_another_is_not_fed_and_says_so()
    {
        var cluster = await Fixture.HealthyAsync();
        var used = uint.Parse((await cluster.Servers[0].ScalarAsync("SELECT @@server_id"))!, System.Globalization.CultureInfo.InvariantCulture);
        await using var twin = (await NodeProcess.CreateAsync("same-server-id", used)).ThatJoins(cluster);

        await twin.StartAsync();

        Print(await twin.AwaitLineAsync("server_id"));
    }

    [Fact]
    public async Task A_server_that_joins_with_data_or_GTIDs_of_its_own_is_never_replayed_onto_blindly()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE TABLE IF NOT EXISTS demo.theirs (id INT PRIMARY KEY)", "REPLACE INTO demo.theirs VALUES (1)");
        await using var withData = (await NodeProcess.CreateAsync("with-data", 81, UnmanagedUntilStart)).ThatJoins(cluster);
        await withData.Server.RunAsync("CREATE DATABASE mine", "CREATE TABLE mine.t (id INT PRIMARY KEY)", "INSERT INTO mine.t VALUES (42)");
        await using var withoutPosition = (await NodeProcess.CreateAsync("without-position", 82, UnmanagedUntilStart)).ThatJoins(cluster);
        await withoutPosition.Server.RunAsync("SET sql_log_bin = 0", "CREATE DATABASE mine", "CREATE TABLE mine.t (id INT PRIMARY KEY)", "INSERT INTO mine.t VALUES (42)");

        foreach (var node in (NodeProcess[])[withData, withoutPosition])
        {
            await node.StartAsync();
            await node.AwaitAsync("in need of a migration", s => s.Status == "NEEDS_MIGRATION");
            Print($"{node.Id}: {(await node.StatusAsync())!.Reason}");
            Assert.Equal("42", await node.Server.ScalarAsync("SELECT id FROM mine.t"));
            Assert.Equal("0", await node.Server.ScalarAsync("SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'theirs'"));
        }
        await Fixture.AbandonAsync();
    }

    [Fact]
    public async Task A_data_directory_under_a_changed_id_keeps_its_log_and_becomes_a_new_member()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        var renamed = cluster.Facts.Nodes.Last(n => n.Id != leader.Id);
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.renamed (id INT PRIMARY KEY)", "INSERT INTO demo.renamed SELECT seq FROM demo.seq_1_to_1000");
        await cluster.Comparer.AwaitSamePositionAsync(TimeSpan.FromSeconds(30));
        await cluster.SignalAsync(renamed.Id, Part.Node, Signal.Kill);
        await using var node = NodeProcess.InPlaceOf(cluster, renamed.Id, "node-9");

        await node.StartAsync();

        await node.AwaitLineAsync("node-9", renamed.Id);
        await node.AwaitAsync("an active follower", s => s is { Id: "node-9", Role: "FOLLOWER", Status: "ACTIVE" });
        await leader.Server.RunAsync("INSERT INTO demo.renamed VALUES (2000)");
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.renamed", 1001)]);
        await node.StopAsync();
        await Fixture.AbandonAsync();
    }

    /// <summary>Writable and without semi-sync, so that the test can put data there first; WolfScale sets the rest when it comes.</summary>
    private static Dictionary<string, string> UnmanagedUntilStart { get; } = new() { ["read-only"] = "0", ["rpl-semi-sync-master-enabled"] = "OFF" };

    private static async Task<long> TermAsync(DemoCluster cluster) => (await cluster.StatusAsync((await cluster.LeaderAsync()).Id))!.Term;

    /// <summary>The same leader in the same term, and commits go on.</summary>
    private static async Task AssertUnchangedAsync(DemoCluster cluster, long term)
    {
        var leader = await cluster.LeaderAsync();
        Assert.Equal(term, (await cluster.StatusAsync(leader.Id))!.Term);
        await leader.Server.RunAsync("CREATE TABLE IF NOT EXISTS demo.unchanged (id INT PRIMARY KEY AUTO_INCREMENT)", "INSERT INTO demo.unchanged VALUES ()").WaitAsync(TimeSpan.FromSeconds(10));
        await cluster.AwaitHealthyAsync();
    }
}
