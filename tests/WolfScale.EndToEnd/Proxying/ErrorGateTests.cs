using System.Globalization;
using MySqlConnector;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Proxying;

/// <summary>A statement commits a part, and fails: what the client hears of it, and what it finds afterwards.</summary>
public sealed class ErrorGateTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>The part is read on another node at once.</summary>
    [Fact]
    public async Task What_was_committed_before_the_error_is_seen_by_its_session_wherever_it_reads()
    {
        var (cluster, leader) = await PrepareAsync();
        foreach (var node in cluster.Facts.Nodes)
        {
            await using var client = await ConnectAsync(cluster, node);
            for (var i = 0; i < 20; i++)
            {
                var error = await Assert.ThrowsAsync<MySqlException>(() => client.RunAsync($"CALL half({i})"));
                Assert.Equal("45000", error.SqlState);
                Assert.Equal("1", await client.ScalarAsync($"SELECT COUNT(*) FROM part WHERE id={i}"));
                // DDL commits the open transaction, and fails then.
                await client.RunAsync("BEGIN");
                await client.RunAsync($"INSERT INTO part VALUES ({1000 + i})");
                _ = await Assert.ThrowsAsync<MySqlException>(() => client.RunAsync("CREATE TABLE part (id INT)"));
                Assert.Equal("1", await client.ScalarAsync($"SELECT COUNT(*) FROM part WHERE id={1000 + i}"));
            }

            await leader.Server.RunAsync("TRUNCATE demo.part");
        }
    }

    /// <summary>KILL QUERY lets the commit go on without the quorum, and ends the procedure behind it: the error stands for a part that a new leader need not have.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_error_waits_for_the_quorum_and_is_not_told_where_that_never_comes(bool comes)
    {
        var (cluster, leader) = await PrepareAsync();
        var followers = cluster.Facts.Nodes.Where(n => n.Id != leader.Id).ToList();
        await using var client = await ConnectAsync(cluster, leader);
        foreach (var follower in followers)
            await cluster.SignalAsync(follower.Id, Part.Node, comes ? Signal.Stop : Signal.Kill); // who is stopped gets later what was sent to it
        var call = client.RunAsync("CALL half(5)");
        var connection = "";
        await Poll.UntilAsync("a commit that waits", Patience, async () =>
            (connection = await leader.Server.ScalarAsync("SELECT MAX(id) FROM information_schema.processlist WHERE state LIKE 'Waiting for semi-sync ACK%'") ?? "").Length > 0 ? null : "none");
        await leader.Server.RunAsync($"KILL QUERY {connection}");
        await Poll.UntilAsync("the server's answer", Patience, async () =>
            await leader.Server.ScalarAsync($"SELECT command FROM information_schema.processlist WHERE id={connection}") == "Sleep" ? null : "not yet");
        Assert.Equal("1", await leader.Server.ScalarAsync("SELECT COUNT(*) FROM demo.part WHERE id=5"));
        Assert.False(call.IsCompleted, "the error did not wait");

        if (!comes)
            await cluster.SignalAsync(leader.Id, Part.Node, Signal.Stop);
        foreach (var follower in followers)
            await (comes ? cluster.SignalAsync(follower.Id, Part.Node, Signal.Continue) : cluster.StartNodeAsync(follower.Id, Part.Node));
        if (!comes)
        {
            _ = await cluster.LeaderAsync(except: leader.Id);
            await cluster.SignalAsync(leader.Id, Part.Node, Signal.Continue);
        }

        var error = await Assert.ThrowsAsync<MySqlException>(() => call.WaitAsync(Patience));
        Print(string.Create(CultureInfo.InvariantCulture, $"{error.Number} {error.SqlState}: {error.Message}"));
        Assert.Equal(comes ? 1317 : 1180, error.Number);
        await cluster.AwaitHealthyAsync();
        var now = await cluster.LeaderAsync();
        Assert.Equal(comes ? "1" : "0", await now.Server.ScalarAsync("SELECT COUNT(*) FROM demo.part WHERE id=5"));
    }

    private async Task<(DemoCluster Cluster, DemoNode Leader)> PrepareAsync()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync(
            "CREATE OR REPLACE TABLE demo.part (id INT PRIMARY KEY)",
            "CREATE OR REPLACE PROCEDURE demo.half(n INT) BEGIN INSERT INTO part VALUES (n); SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the first half is done'; END");
        await cluster.AwaitHealthyAsync();
        return (cluster, leader);
    }

    private static Task<MySqlConnection> ConnectAsync(DemoCluster cluster, DemoNode node) =>
        new SqlServer(node.Id, node.Proxy.Host, node.Proxy.Port, "").ClientAsync(cluster.Facts.User, cluster.Facts.Password, cluster.Facts.Database);
}
