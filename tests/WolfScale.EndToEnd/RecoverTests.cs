using System.Text.Json;
using WolfScale.EndToEnd.Cli;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary><c>wolfctl recover --force</c>: two of three machines are gone for good, on real MariaDB servers.</summary>
public sealed class RecoverTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task The_last_node_goes_on_fresh_ones_join_it_and_an_old_one_comes_back_as_a_learner()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        var survivor = cluster.Facts.Nodes.Last(n => n.Id != leader.Id);
        var lost = cluster.Facts.Nodes.Single(n => n.Id != leader.Id && n.Id != survivor.Id);
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.kept (id INT PRIMARY KEY)", "INSERT INTO demo.kept SELECT seq FROM demo.seq_1_to_1000");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        string[] recover = ["recover", "--force", "-c", cluster.ConfigurationFile(survivor.Id), .. cluster.Facts.Nodes.SelectMany(n => new[] { "-e", n.Api })];

        // Nothing of it while the cluster lives, or while the node runs.
        var running = await CommandLine.CtlAsync([.. recover, "--dry-run"]);
        Assert.Equal(1, running.ExitCode);
        Assert.Contains("Stop the node first", running.ErrorLine, StringComparison.Ordinal);
        await cluster.SignalAsync(survivor.Id, Part.Node, Signal.Kill);
        var led = await CommandLine.CtlAsync([.. recover, "--confirm", "demo"]);
        Assert.Equal(1, led.ExitCode);
        Assert.Contains("has a majority", led.ErrorLine, StringComparison.Ordinal);

        // Both other machines die. One of them had more than the survivor: the leader's last writes, which a quorum of the two acknowledged.
        await leader.Server.RunAsync("INSERT INTO demo.kept VALUES (2000)");
        await cluster.SignalAsync(leader.Id, Part.Both, Signal.Kill);
        await cluster.SignalAsync(lost.Id, Part.Both, Signal.Kill);
        Purge(cluster, lost.Id);

        var unconfirmed = await CommandLine.CtlAsync(recover);
        var wrong = await CommandLine.CtlAsync([.. recover, "--confirm", "production"]);
        Assert.Equal((2, 1), (unconfirmed.ExitCode, wrong.ExitCode));
        var dry = await CommandLine.CtlAsync([.. recover, "--dry-run"]);
        Assert.Equal(0, dry.ExitCode);
        Assert.Contains($"Expelled: {string.Join(", ", cluster.Facts.Nodes.Where(n => n.Id != survivor.Id).Select(n => $"{n.Id} at {n.Cluster}"))}", dry.Output, StringComparison.Ordinal);
        var done = await CommandLine.CtlAsync([.. recover, "--confirm", "demo", "--json"]);
        Assert.True(done.ExitCode == 0, done.Errors);
        Assert.True(JsonDocument.Parse(done.Output).RootElement.GetProperty("done").GetBoolean());

        // Writes go on.
        await cluster.StartNodeAsync(survivor.Id, Part.Node);
        Assert.Equal(survivor.Id, (await cluster.LeaderAsync(within: Patience)).Id);
        await survivor.Server.RunAsync("INSERT INTO demo.kept VALUES (3000)");
        var events = await CommandLine.CtlAsync("events", "-e", survivor.Api, "--json");
        Assert.Contains("\"kind\":\"recovered\"", events.Output, StringComparison.Ordinal);

        // A fresh machine under the lost one's name joins, and a new one.
        await cluster.StartNodeAsync(lost.Id);
        await cluster.AwaitStatusAsync(lost.Id, "ACTIVE", Patience);
        var added = await cluster.AddNodeAsync();
        await cluster.AwaitStatusAsync(added, "ACTIVE", Patience);

        // The old leader comes back with its data: it gives up, is rewound to what the cluster has now, and follows.
        await cluster.StartNodeAsync(leader.Id);
        await cluster.AwaitStatusAsync(leader.Id, "ACTIVE", Patience);
        await cluster.AwaitHealthyAsync(Patience);
        Assert.Equal(survivor.Id, (await cluster.LeaderAsync()).Id);
        await survivor.Server.RunAsync("INSERT INTO demo.kept VALUES (4000)");
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.kept", 1002)], Patience);
        Assert.Equal("0", await leader.Server.ScalarAsync("SELECT COUNT(*) FROM demo.kept WHERE id = 2000"));
        await SavedTransactions.AssertContainAsync(cluster, leader.Id, "2000");
        var own = await CommandLine.CtlAsync("events", "-e", leader.Api, "--json", "-n", "5000");
        Assert.Contains("\"kind\":\"superseded\"", own.Output, StringComparison.Ordinal);
        Assert.Contains("\"kind\":\"rewound\"", own.Output, StringComparison.Ordinal);
        await Fixture.AbandonAsync();
    }

    /// <summary>What is left of a machine that is gone: its name.</summary>
    private static void Purge(DemoCluster cluster, string node)
    {
        foreach (var folder in (string[])["wolfscale", "mariadb"])
            Directory.Delete(Path.Combine(cluster.Directory, node, folder), recursive: true);
    }
}
