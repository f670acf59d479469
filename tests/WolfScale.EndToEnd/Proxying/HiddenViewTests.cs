using System.Globalization;
using MySqlConnector;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Proxying;

/// <summary>Views that do more than their names show are the leader's from the moment in which they do so, whatever node is asked.</summary>
public sealed class HiddenViewTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Each of the followers' servers would give the lock once more, and tell its own id.</summary>
    [Fact]
    public async Task A_view_that_was_made_a_moment_ago_is_read_on_the_leader()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync(
            "CREATE OR REPLACE TABLE demo.base (a INT)", "INSERT INTO demo.base VALUES (1)",
            "CREATE OR REPLACE FUNCTION demo.whoami() RETURNS INT NOT DETERMINISTIC READS SQL DATA RETURN @@server_id");
        var leaderId = await leader.Server.ScalarAsync("SELECT @@server_id");
        var followers = cluster.Facts.Nodes.Where(n => n.Id != leader.Id).ToList();
        await using var first = await ReaderAsync(cluster, followers[0]);
        await using var second = await ReaderAsync(cluster, followers[1]);
        for (var i = 0; i < 40; i++)
        {
            // One that is changed: a plain one, and one that hides something, in turn.
            await first.RunAsync($"CREATE OR REPLACE VIEW changing AS SELECT {(i % 2 == 0 ? "whoami()" : "a")} AS w FROM base");
            var expected = i % 2 == 0 ? leaderId : "1";
            await HandOnAsync(first, second);
            Assert.Equal((expected, expected), (await first.ScalarAsync("SELECT w FROM changing"), await second.ScalarAsync("SELECT w FROM changing")));
            // And one that is new.
            await first.RunAsync(string.Create(CultureInfo.InvariantCulture, $"CREATE OR REPLACE VIEW new_{i} AS SELECT GET_LOCK('l{i}', 0) AS g"));
            await HandOnAsync(first, second);
            Assert.Equal(("1", "0"), (await first.ScalarAsync($"SELECT g FROM new_{i}"), await second.ScalarAsync($"SELECT g FROM new_{i}")));
            await first.RunAsync("DO RELEASE_ALL_LOCKS()");
        }

        await ReadsLocallyAsync(first, followers[0]); // plain reads are the node's own again
    }

    /// <summary>Everything that the one has seen the other must see.</summary>
    private static async Task HandOnAsync(MySqlConnection from, MySqlConnection to) =>
        await to.RunAsync($"SET @wolfscale_gtid = '{await from.ScalarAsync("SELECT @wolfscale_gtid")}'");

    private static async Task<MySqlConnection> ReaderAsync(DemoCluster cluster, DemoNode node)
    {
        var client = await new SqlServer(node.Id, node.Proxy.Host, node.Proxy.Port, "").ClientAsync(cluster.Facts.User, cluster.Facts.Password, cluster.Facts.Database);
        await ReadsLocallyAsync(client, node);
        return client;
    }

    private static async Task ReadsLocallyAsync(MySqlConnection client, DemoNode node)
    {
        var own = await node.Server.ScalarAsync("SELECT @@server_id");
        await Poll.UntilAsync("a read of the local server", Patience, async () =>
            await client.ScalarAsync("SELECT @@server_id FROM base LIMIT 1") is var id && id == own ? null : $"server {id} answers");
    }
}
