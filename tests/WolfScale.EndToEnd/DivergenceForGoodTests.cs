using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary>
/// Divergence, where rolling back would not be exact: the node ends in NEEDS_MIGRATION and says why; it serves nobody, and the rest goes on.
/// Five nodes, because each case costs one its database.
/// </summary>
public sealed class DivergenceForGoodTests(DivergenceForGoodTests.FiveNodes fixture) : ClusterTests<DivergenceForGoodTests.FiveNodes>(fixture)
{
    [Fact]
    public async Task Cascades_sequences_MyISAM_and_DDL_in_the_tail_need_a_migration_and_the_reason_is_given()
    {
        var cluster = await Fixture.HealthyAsync();
        var lost = new List<string>();
        var first = await cluster.LeaderAsync();
        await first.Server.RunAsync(
            "CREATE TABLE demo.parent (id INT PRIMARY KEY)", "CREATE TABLE demo.child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES demo.parent (id) ON DELETE CASCADE)",
            "INSERT INTO demo.parent SELECT seq FROM demo.seq_1_to_100", "INSERT INTO demo.child SELECT seq, seq FROM demo.seq_1_to_100",
            "CREATE SEQUENCE demo.numbers", "CREATE TABLE demo.isam (id INT PRIMARY KEY) ENGINE=MyISAM");

        lost.Add(await DivergeAsync(cluster, lost, "DELETE FROM demo.parent WHERE id = 1", "foreign key"));
        lost.Add(await DivergeAsync(cluster, lost, "SELECT NEXTVAL(demo.numbers)", "sequence"));
        lost.Add(await DivergeAsync(cluster, lost, "INSERT INTO demo.isam VALUES (1)", "MyISAM"));
        lost.Add(await DivergeAsync(cluster, lost, "CREATE TABLE demo.unheard (id INT)", "CREATE TABLE"));

        Assert.Equal(4, lost.Distinct(StringComparer.Ordinal).Count());
        await Fixture.AbandonAsync();
    }

    /// <summary>Freezes the leader's node, commits the statement behind its back, lets it find out, and expects the reason to name the cause.</summary>
    /// <returns>The node that needs a migration now.</returns>
    private static async Task<string> DivergeAsync(DemoCluster cluster, List<string> lost, string statement, string reason)
    {
        await cluster.RefreshAsync();
        var old = await cluster.LeaderAsync();
        Assert.DoesNotContain(old.Id, lost);
        await cluster.SignalAsync(old.Id, Part.Node, Signal.Stop);
        await old.Server.RunAsync("SET GLOBAL rpl_semi_sync_master_enabled = OFF", statement);
        var leader = await cluster.LeaderAsync(except: old.Id);
        await leader.Server.RunAsync("INSERT INTO demo.child VALUES (1000 + (SELECT COUNT(*) FROM demo.child AS c), NULL)");
        await cluster.SignalAsync(old.Id, Part.Node, Signal.Continue);

        await cluster.AwaitStatusAsync(old.Id, "NEEDS_MIGRATION");
        var status = await cluster.StatusAsync(old.Id);
        Print($"{statement}: {status!.Reason}");
        Assert.Contains(reason, status.Reason, StringComparison.OrdinalIgnoreCase);
        Assert.Equal("1", await old.Server.ScalarAsync("SELECT @@read_only"));
        Assert.NotEmpty(SavedTransactions.Files(cluster, old.Id));
        var sound = cluster.Facts.Nodes.Where(n => n.Id != old.Id && !lost.Contains(n.Id)).Select(n => n.Server).ToList();
        await new Comparing.Comparer(sound).AssertIdenticalAsync([new("table", "demo.child", 100)]);
        return old.Id;
    }

    public sealed class FiveNodes : ClusterFixture
    {
        protected override int Nodes => 5;
    }
}
