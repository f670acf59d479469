using System.Diagnostics;
using System.Globalization;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary>Errant writes: what someone writes straight into a follower's server is reported at once and goes to the rejoin ladder.</summary>
public sealed class ErrantWritesTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    [Fact]
    public async Task A_row_written_by_root_on_a_follower_is_reported_saved_and_rolled_back()
    {
        var (cluster, leader, follower) = await PrepareAsync();
        var (logged, clock) = (cluster.NodeLog(follower.Id).Length, Stopwatch.StartNew());
        await follower.Server.RunAsync("INSERT INTO demo.errant VALUES (6666, 'written behind the back')");

        await AssertReportedAsync(cluster, follower.Id, logged, clock);
        await cluster.AwaitStatusAsync(follower.Id, "ACTIVE");
        Assert.Equal("0", await follower.Server.ScalarAsync("SELECT COUNT(*) FROM demo.errant WHERE id = 6666"));
        await SavedTransactions.AssertContainAsync(cluster, follower.Id, "written behind the back");
        await leader.Server.RunAsync("INSERT INTO demo.errant VALUES (2000, 'the feed goes on')");
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.errant", 1001)]);
    }

    [Fact]
    public async Task A_flush_by_hand_on_a_follower_needs_no_more_than_a_new_position()
    {
        var (cluster, leader, follower) = await PrepareAsync();
        var (logged, clock) = (cluster.NodeLog(follower.Id).Length, Stopwatch.StartNew());
        await follower.Server.RunAsync("FLUSH TABLES");

        await AssertReportedAsync(cluster, follower.Id, logged, clock);
        await cluster.AwaitStatusAsync(follower.Id, "ACTIVE");
        await leader.Server.RunAsync("INSERT INTO demo.errant VALUES (2001, 'the feed goes on')");
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.errant", 1001)]);
    }

    [Fact]
    public async Task An_account_created_by_hand_on_a_follower_needs_a_migration_and_the_reason_is_given()
    {
        var (cluster, leader, follower) = await PrepareAsync();
        var (logged, clock) = (cluster.NodeLog(follower.Id).Length, Stopwatch.StartNew());
        await follower.Server.RunAsync("CREATE USER by_hand@'%' IDENTIFIED BY 'by hand'");

        await AssertReportedAsync(cluster, follower.Id, logged, clock);
        await cluster.AwaitStatusAsync(follower.Id, "NEEDS_MIGRATION");
        var status = await cluster.StatusAsync(follower.Id);
        Print($"{status!.Reason}");
        Assert.Contains("CREATE USER", status.Reason, StringComparison.OrdinalIgnoreCase);
        await leader.Server.RunAsync("INSERT INTO demo.errant VALUES (3000, 'the others go on')");
        await Fixture.AbandonAsync();
    }

    private async Task<(DemoCluster Cluster, DemoNode Leader, DemoNode Follower)> PrepareAsync()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.errant (id INT PRIMARY KEY, v VARCHAR(100))", "INSERT INTO demo.errant SELECT seq, 'right' FROM demo.seq_1_to_1000");
        await cluster.Comparer.AwaitSamePositionAsync(TimeSpan.FromSeconds(30));
        return (cluster, leader, cluster.Facts.Nodes.Last(n => n.Id != leader.Id));
    }

    /// <summary>Reported: the node says itself that it is not ACTIVE, or its log speaks of the errant transaction.</summary>
    private static async Task AssertReportedAsync(DemoCluster cluster, string node, int logged, Stopwatch clock)
    {
        await Poll.UntilAsync($"a report by {node} of the errant transaction", TimeSpan.FromSeconds(10), async () =>
        {
            var status = await cluster.StatusAsync(node);
            var said = cluster.NodeLog(node)[logged..];
            return status is { Status: not "ACTIVE" } || said.Contains("errant", StringComparison.OrdinalIgnoreCase) || said.Contains("diverged", StringComparison.OrdinalIgnoreCase) ? null : $"{status}";
        });
        Print(string.Create(CultureInfo.InvariantCulture, $"reported after {clock.Elapsed.TotalMilliseconds:0} ms (aim: 2000 ms)"));
        if (Long.Form)
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(2), $"reported after {clock.Elapsed} only");
    }
}
