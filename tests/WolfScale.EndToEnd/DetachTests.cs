using WolfScale.EndToEnd.Cli;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary><c>wolfctl detach</c>: without WolfScale, MariaDB is a server like any other.</summary>
public sealed class DetachTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_follower_that_was_stopped_takes_a_plain_clients_writes_and_comes_back_rewound()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.given (id INT PRIMARY KEY)", "CREATE OR REPLACE EVENT demo.tick ON SCHEDULE EVERY 1 DAY DO DO 1", "CREATE OR REPLACE EVENT demo.off ON SCHEDULE EVERY 1 DAY DISABLE DO DO 1");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        var node = cluster.Facts.Nodes.Last(n => n.Id != leader.Id);
        string[] detach = ["detach", "-c", cluster.ConfigurationFile(node.Id), "-e", leader.Api];

        var running = await CommandLine.CtlAsync([.. detach, "--yes"]);
        Assert.Equal(1, running.ExitCode);
        Assert.Contains("Stop the node first", running.ErrorLine, StringComparison.Ordinal);

        await StopAsync(cluster, node);
        var unasked = await CommandLine.CtlAsync(detach);
        Assert.Equal(2, unasked.ExitCode);
        Assert.Contains("TWO writable servers", unasked.Output, StringComparison.Ordinal);
        Assert.Equal("1", await node.Server.ScalarAsync("SELECT @@read_only"));
        Assert.Equal(0, (await CommandLine.CtlAsync([.. detach, "--dry-run"])).ExitCode);
        Assert.Equal("1", await node.Server.ScalarAsync("SELECT @@read_only"));

        var done = await CommandLine.CtlAsync([.. detach, "--yes"]);
        Assert.True(done.ExitCode == 0, done.Errors);
        await WriteAsync(cluster, node, 1);
        Assert.Equal("0", await node.Server.ScalarAsync("SELECT COUNT(*) FROM information_schema.processlist WHERE command LIKE 'Slave%' OR command = 'Binlog Dump'"));
        Assert.Equal("ENABLED", await node.Server.ScalarAsync("SELECT status FROM information_schema.events WHERE event_name = 'tick'"));
        Assert.Equal("ON", await node.Server.ScalarAsync("SELECT @@event_scheduler"));
        Assert.Equal(0, (await CommandLine.CtlAsync([.. detach, "--yes"])).ExitCode); // again does no harm

        // Who starts the node again gives the server back to the cluster: what was written meanwhile is saved and rolled back.
        await cluster.StartNodeAsync(node.Id, Part.Node);
        await cluster.AwaitHealthyAsync(Patience);
        await SavedTransactions.AssertContainAsync(cluster, node.Id, "given");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        Assert.Equal("0", await node.Server.ScalarAsync("SELECT COUNT(*) FROM demo.given"));
        var events = await CommandLine.CtlAsync("events", "-e", node.Api, "--json", "-n", "5000");
        Assert.Contains("\"command\":\"detach\"", events.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_leader_whose_node_was_killed_is_freed_of_the_commits_that_wait()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var old = await cluster.LeaderAsync();
        await old.Server.RunAsync("CREATE OR REPLACE TABLE demo.given (id INT PRIMARY KEY)");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        await cluster.SignalAsync(old.Id, Part.Node, Signal.Kill);
        var waiting = WriteAsync(cluster, old, 7);
        await Poll.UntilAsync("the commit to wait for its ACK", Patience, async () =>
            await old.Server.ScalarAsync("SELECT COUNT(*) FROM information_schema.processlist WHERE state = 'Waiting for semi-sync ACK from slave'") is "1" ? null : "not yet");

        var done = await CommandLine.CtlAsync("detach", "-c", cluster.ConfigurationFile(old.Id), "--yes");
        Assert.True(done.ExitCode == 0, done.Errors);
        Assert.Contains("1 commits wait in it", done.Output, StringComparison.Ordinal);
        await waiting.WaitAsync(Patience, TestContext.Current.CancellationToken);
        await WriteAsync(cluster, old, 8);

        // Both, the commit that waited and the one after, are its alone: saved, and rolled back.
        await cluster.StartNodeAsync(old.Id, Part.Node);
        await cluster.AwaitHealthyAsync(Patience);
        await SavedTransactions.AssertContainAsync(cluster, old.Id, "@1=7");
        await SavedTransactions.AssertContainAsync(cluster, old.Id, "@1=8");
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.given", 0)], Patience);
        Assert.Equal("0", await old.Server.ScalarAsync("SELECT COUNT(*) FROM demo.given"));
    }

    private static async Task WriteAsync(DemoCluster cluster, DemoNode node, int id)
    {
        await using var client = await node.Server.ClientAsync(cluster.Facts.User, cluster.Facts.Password, "demo");
        await client.RunAsync($"INSERT INTO given VALUES ({id})");
    }

    private static async Task StopAsync(DemoCluster cluster, DemoNode node)
    {
        await cluster.SignalAsync(node.Id, Part.Node, Signal.Terminate);
        await Processes.AwaitEndAsync(node.Pid ?? 0, node.Id);
    }
}
