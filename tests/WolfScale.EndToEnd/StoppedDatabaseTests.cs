using System.Globalization;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.Acked;

namespace WolfScale.EndToEnd;

/// <summary>
/// The leader's MariaDB is stopped for an upgrade (SIGTERM, as <c>systemctl stop</c> sends it), without a word to WolfScale, under load through every proxy. The lead is handed over at once, not waited for
/// until an election timeout; nothing is lost; and when the server is back, the node is back.
/// </summary>
public sealed class StoppedDatabaseTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Stopping_the_leaders_MariaDB_is_a_handover_and_starting_it_brings_the_node_back()
    {
        var cluster = await Fixture.HealthyAsync();
        var database = cluster.Facts.Database;
        await AckedWriter.CreateTablesAsync((await cluster.LeaderAsync()).Server, database);
        await using var writer = AckedWriter.Start(cluster.Proxies, new WriterOptions(cluster.Facts.User, cluster.Facts.Password, database));

        for (var run = 1; run <= Long.Or(10, 1); run++)
        {
            await cluster.RefreshAsync();
            var planned = await PauseAsync(cluster, writer, "a planned switchover", async leader =>
            {
                _ = await cluster.SwitchoverAsync(leader);
            });
            await cluster.AwaitHealthyAsync(TimeSpan.FromSeconds(90));
            await cluster.RefreshAsync();
            var stopped = await PauseAsync(cluster, writer, "SIGTERM to MariaDB", leader => cluster.SignalAsync(leader.Id, Part.MariaDb, Signal.Terminate));

            Assert.Contains("handed the lead over", await NodeEvents.AwaitLatestAsync(new Uri(stopped.Next.Api), "elected", Patience), StringComparison.Ordinal);
            await Processes.AwaitEndAsync(stopped.Before.MariaDb.Pid ?? 0, $"{stopped.Before.Id}'s mariadbd");
            await cluster.StartNodeAsync(stopped.Before.Id, Part.MariaDb);
            await cluster.AwaitHealthyAsync(TimeSpan.FromSeconds(90));
            Print(string.Create(CultureInfo.InvariantCulture, $"no write was acknowledged for {planned.Pause.TotalMilliseconds:0} ms in a planned switchover, for {stopped.Pause.TotalMilliseconds:0} ms when MariaDB was stopped"));
        }

        await writer.StopAsync();
        await cluster.Comparer.AssertIdenticalAsync([new("table", $"{database}.{AckedWriter.Table}", 1), new("table", $"{database}.{AckedWriter.KeylessTable}", 1)], TimeSpan.FromSeconds(60));
        var verdict = await AckedVerdict.ReadAsync(cluster.Servers[0], database, writer);
        Print($"{verdict}\n{writer.Summary()}");
        verdict.AssertRight();
    }

    private static async Task<(DemoNode Before, DemoNode Next, TimeSpan Pause)> PauseAsync(DemoCluster cluster, AckedWriter writer, string what, Func<DemoNode, Task> strike)
    {
        await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 50);
        var leader = await cluster.LeaderAsync();
        var begun = writer.Now;
        await strike(leader);
        var next = await cluster.LeaderAsync(except: leader.Id);
        await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 20);
        var answers = writer.Attempts.Where(a => a.Outcome == Outcome.Acknowledged && a.Ended > begun - TimeSpan.FromSeconds(1)).Select(a => a.Ended).Order().ToList();
        var pause = answers.Zip(answers.Skip(1), (a, b) => b - a).Max();
        Assert.True(pause < TimeSpan.FromSeconds(Long.Or(2, 10)), $"{what}: no write was acknowledged for {pause}");
        return (leader, next, pause);
    }
}
