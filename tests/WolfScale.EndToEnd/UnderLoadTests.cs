using System.Globalization;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads;
using WolfScale.EndToEnd.Workloads.Acked;

namespace WolfScale.EndToEnd;

/// <summary>Under load: sysbench on the leader while leaders are killed, and a separate writer that notes what it was told.</summary>
public sealed class UnderLoadTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan BetweenKills = Long.Or(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(8));
    private static readonly int KillCount = Long.Or(5, 3);
    private static readonly Part[] Kills = [Part.Both, Part.Node, Part.MariaDb];

    [Fact]
    public async Task Servers_are_identical_and_every_acknowledged_insert_is_there_once_after_leaders_were_killed_under_load()
    {
        var cluster = await Fixture.HealthyAsync();
        var (user, password, database) = (cluster.Facts.User, cluster.Facts.Password, cluster.Facts.Database);
        var leader = await cluster.LeaderAsync();
        var sysbench = new Sysbench(user, password, database);
        await sysbench.PrepareAsync(leader.Server);
        await AckedWriter.CreateTablesAsync(leader.Server, database);

        await using var writer = AckedWriter.Start(cluster.Servers, new WriterOptions(user, password, database));
        using var stop = new CancellationTokenSource();
        var load = LoadAsync(cluster, sysbench, stop.Token);
        await KillLeadersAsync(cluster, writer);
        await stop.CancelAsync();
        var transactions = await load;
        await writer.StopAsync();

        await cluster.AwaitHealthyAsync(TimeSpan.FromSeconds(120));
        await cluster.Comparer.AssertIdenticalAsync(
        [
            .. Enumerable.Range(1, sysbench.Tables).Select(t => new ExpectedObject("table", string.Create(CultureInfo.InvariantCulture, $"{database}.sbtest{t}"), 1000)),
            new("table", $"{database}.{AckedWriter.Table}", 100), new("table", $"{database}.{AckedWriter.KeylessTable}", 100),
        ], TimeSpan.FromSeconds(120));
        var verdict = await AckedVerdict.ReadAsync(cluster.Servers[0], database, writer);
        Print(string.Create(CultureInfo.InvariantCulture, $"{transactions} sysbench transactions in {writer.Now.TotalSeconds:0} s\n{verdict}\n{writer.Summary()}"));
        verdict.AssertRight();
        Assert.True(transactions > 0, "sysbench got nothing done: there was no load");
    }

    /// <summary>Every so often kills what leads, by turns its node, its MariaDB and both, and brings it back once another leads.</summary>
    private static async Task KillLeadersAsync(DemoCluster cluster, AckedWriter writer)
    {
        var begun = writer.Now;
        for (var kill = 1; kill <= KillCount; kill++)
        {
            await PauseUntilAsync(begun + (BetweenKills * kill), writer);
            await cluster.RefreshAsync();
            var leader = await cluster.LeaderAsync();
            var part = Kills[kill % Kills.Length];
            var struck = writer.Now;
            await cluster.SignalAsync(leader.Id, part, Signal.Kill);
            var next = await writer.AwaitAcknowledgedAsync(struck, TimeSpan.FromSeconds(60));
            Print(string.Create(CultureInfo.InvariantCulture, $"{(struck - begun).TotalSeconds:0} s: {leader.Id} ({part}) killed; writes go on at {next.Server} after {(next.Ended - struck).TotalSeconds:0.0} s"));
            await cluster.StartNodeAsync(leader.Id, part);
        }
        await PauseUntilAsync(begun + (BetweenKills * (KillCount + 1)), writer);
    }

    private static async Task PauseUntilAsync(TimeSpan moment, AckedWriter writer)
    {
        if (moment - writer.Now is var rest && rest > TimeSpan.Zero)
            await Task.Delay(rest);
    }

    /// <summary>Keeps sysbench running on whichever server leads; it ends by itself when its server dies or refuses.</summary>
    /// <returns>Transactions it reported.</returns>
    private static async Task<long> LoadAsync(DemoCluster cluster, Sysbench sysbench, CancellationToken stop)
    {
        long transactions = 0;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var leader = await cluster.LeaderAsync();
                using var moved = CancellationTokenSource.CreateLinkedTokenSource(stop);
                var run = sysbench.RunAsync("oltp_write_only", leader.Server, 16, TimeSpan.FromMinutes(10), stop: moved.Token);
                await StopWhenMovedAsync(cluster, leader.Id, run, moved);
                transactions += Sysbench.Transactions(await run);
            }
            catch (TimeoutException) when (stop.IsCancellationRequested)
            {
                break;
            }
        }
        return transactions;
    }

    /// <summary>A sysbench whose server hangs would wait for ever: it is stopped when another node leads.</summary>
    private static async Task StopWhenMovedAsync(DemoCluster cluster, string leader, Task run, CancellationTokenSource moved)
    {
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        while (!run.IsCompleted && !moved.IsCancellationRequested)
        {
            await ticks.WaitForNextTickAsync();
            var statuses = await Task.WhenAll(cluster.Facts.Nodes.Where(n => n.Id != leader).Select(n => cluster.StatusAsync(n.Id)));
            if (statuses.Any(s => s is { Role: "LEADER", AcceptsWrites: true }))
                await moved.CancelAsync();
        }
    }
}
