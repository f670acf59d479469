using System.Globalization;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.Acked;

namespace WolfScale.EndToEnd;

/// <summary>Faults other than a leader's death: a follower's, everybody's at once, and an orderly stop. The promise to clients is the same.</summary>
public sealed class RecoveryTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    [Theory]
    [InlineData("node")]
    [InlineData("mariadb")]
    [InlineData("both")]
    public Task A_follower_killed_under_load_holds_nobody_up_and_comes_back_identical(string part) => HoldsAsync(async (cluster, writer) =>
    {
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        var what = part switch { "node" => Part.Node, "mariadb" => Part.MariaDb, _ => Part.Both };
        await cluster.SignalAsync(follower.Id, what, Signal.Kill);
        await writer.AwaitAcknowledgedAsync(writer.Now, TimeSpan.FromSeconds(10), count: 100);
        await cluster.StartNodeAsync(follower.Id, what);
        await cluster.AwaitHealthyAsync();
        Assert.Equal(leader.Id, (await cluster.LeaderAsync()).Id);
    });

    [Fact]
    public Task A_power_cut_of_all_nodes_loses_no_acknowledged_write() => HoldsAsync(async (cluster, writer) =>
    {
        foreach (var node in cluster.Facts.Nodes)
        {
            Processes.Send(node.Pid ?? 0, Signal.Kill);
            Processes.Send(node.MariaDb.Pid ?? 0, Signal.Kill);
        }
        var cut = writer.Now;
        foreach (var node in cluster.Facts.Nodes)
            await Processes.AwaitEndAsync(node.MariaDb.Pid ?? 0, $"{node.Id}'s mariadbd");
        foreach (var node in cluster.Facts.Nodes)
            await cluster.StartNodeAsync(node.Id);
        var first = await writer.AwaitAcknowledgedAsync(cut, TimeSpan.FromSeconds(60));
        Print(string.Create(CultureInfo.InvariantCulture, $"writes again {(first.Ended - cut).TotalSeconds:0.0} s after the power cut"));
        await cluster.AwaitHealthyAsync();
    });

    [Fact]
    public Task An_orderly_stop_of_the_leaders_node_hands_the_lead_over() => HoldsAsync(async (cluster, writer) =>
    {
        var leader = await cluster.LeaderAsync();
        var told = writer.Now;
        await cluster.SignalAsync(leader.Id, Part.Node, Signal.Terminate);
        await Processes.AwaitEndAsync(leader.Pid ?? 0, leader.Id);
        await cluster.LeaderAsync(except: leader.Id);
        var answered = writer.Attempts.Where(a => a.Outcome == Outcome.Acknowledged && a.Started > told && a.Server != leader.Id).MinBy(a => a.Ended) ?? await writer.AwaitAcknowledgedAsync(writer.Now, TimeSpan.FromSeconds(30));
        Print(string.Create(CultureInfo.InvariantCulture, $"first write elsewhere {(answered.Ended - told).TotalSeconds:0.00} s after the leader was told to stop"));
        Assert.Equal("1", await leader.Server.ScalarAsync("SELECT @@read_only"));
        await cluster.StartNodeAsync(leader.Id, Part.Node);
        await cluster.AwaitHealthyAsync();
    });

    /// <summary>Runs the fault beside a writer, and judges at the end.</summary>
    private async Task HoldsAsync(Func<DemoCluster, AckedWriter, Task> faultAsync)
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        var database = cluster.Facts.Database;
        await leader.Server.RunAsync($"DROP TABLE IF EXISTS {database}.{AckedWriter.Table}, {database}.{AckedWriter.KeylessTable}");
        await AckedWriter.CreateTablesAsync(leader.Server, database);
        await using var writer = AckedWriter.Start(cluster.Servers, new WriterOptions(cluster.Facts.User, cluster.Facts.Password, database));
        await writer.AwaitAcknowledgedAsync(TimeSpan.Zero, TimeSpan.FromSeconds(10), count: 100);

        await faultAsync(cluster, writer);
        await writer.AwaitAcknowledgedAsync(writer.Now, TimeSpan.FromSeconds(30), count: 50);
        await writer.StopAsync();

        await cluster.Comparer.AssertIdenticalAsync([new("table", $"{database}.{AckedWriter.Table}", 50), new("table", $"{database}.{AckedWriter.KeylessTable}", 50)]);
        var verdict = await AckedVerdict.ReadAsync(cluster.Servers[0], database, writer);
        Print($"{verdict}\n{writer.Summary()}");
        verdict.AssertRight();
    }
}
