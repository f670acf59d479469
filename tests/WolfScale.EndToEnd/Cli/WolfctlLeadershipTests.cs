using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.Acked;

namespace WolfScale.EndToEnd.Cli;

/// <summary>Who leads, as operators and the configuration want it, on a cluster of three with writes going on.</summary>
public class WolfctlLeadershipTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_node_in_maintenance_gives_the_lead_away_and_keeps_it_away_over_a_restart_and_an_election()
    {
        var cluster = await Fixture.HealthyAsync();
        await LeadAsync(cluster, "node-1");
        await using var writer = await WriterAsync(cluster);
        string[] node = ["-c", cluster.ConfigurationFile("node-1")];

        var unasked = await CommandLine.CtlAsync(["maintenance", "on", .. node]);
        Assert.Equal(2, unasked.ExitCode);
        Assert.Equal("node-1", (await cluster.LeaderAsync()).Id);

        var on = await CommandLine.CtlAsync(["maintenance", "on", "--yes", "--json", .. node]);
        Assert.True(on.ExitCode == 0, on.Errors);
        var second = await cluster.LeaderAsync(except: "node-1");
        Assert.Equal(second.Id, Json(on).GetProperty("leader").GetString());
        Assert.True(Json(on).GetProperty("write_pause_ms").GetInt64() > 0, on.Output);
        _ = await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 20);

        // It says so, follows as before, survives a restart, and is not to be promoted.
        await cluster.SignalAsync("node-1", Part.Node, Signal.Kill);
        await cluster.StartNodeAsync("node-1", Part.Node);
        await cluster.AwaitStatusAsync("node-1", "ACTIVE");
        Assert.True(Json(await CommandLine.CtlAsync(["status", "--json", .. node])).GetProperty("maintenance").GetBoolean());
        Assert.Contains("in maintenance", (await CommandLine.CtlAsync("list", "servers", "-e", second.Api)).Output, StringComparison.Ordinal);
        var promote = await CommandLine.CtlAsync(["promote", "node-1", "--yes", .. node]);
        Assert.Equal(1, promote.ExitCode);
        Assert.Contains("in maintenance", promote.Errors, StringComparison.Ordinal);

        // The leader dies: the third leads, although node-1 has the lower id.
        await cluster.SignalAsync(second.Id, Part.Both, Signal.Kill);
        var third = cluster.Facts.Nodes.Single(n => n.Id != "node-1" && n.Id != second.Id);
        Assert.Equal(third.Id, (await cluster.LeaderAsync(except: second.Id)).Id);
        _ = await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 20);
        await cluster.StartNodeAsync(second.Id);
        await cluster.AwaitHealthyAsync(TimeSpan.FromSeconds(120));
        Assert.Equal(third.Id, (await cluster.LeaderAsync()).Id);

        Assert.Equal(0, (await CommandLine.CtlAsync(["maintenance", "off", .. node])).ExitCode);
        await LeadAsync(cluster, "node-1");
        await EndAsync(cluster, writer);
    }

    /// <summary>Its vote counts, and nothing else: the lowest of the remaining ids would lead otherwise.</summary>
    [Fact]
    public async Task A_never_leader_votes_and_does_not_lead()
    {
        var cluster = await Fixture.HealthyAsync();
        await LeadAsync(cluster, "node-1");
        await cluster.RefreshAsync();
        await cluster.SignalAsync("node-2", Part.Node, Signal.Kill);
        using (var node = CommandLine.Start(
            new Dictionary<string, string> { ["WOLFSCALE_CLUSTER__NEVER_LEADER"] = "true" }, "start", "-c", cluster.ConfigurationFile("node-2")))
        {
            try
            {
                _ = node.StandardOutput.ReadToEndAsync();
                _ = node.StandardError.ReadToEndAsync();
                await Poll.UntilAsync("the cluster to know", Patience, async () =>
                    Json(await CommandLine.CtlAsync("list", "servers", "-e", cluster.Facts.Node("node-1").Api, "--json")).GetProperty("nodes")[1].GetProperty("never_leader").GetBoolean() ? null : "it does not");
                await cluster.AwaitHealthyAsync();
                await using var writer = await WriterAsync(cluster);
                var promote = await CommandLine.CtlAsync("promote", "node-2", "--yes", "-c", cluster.ConfigurationFile("node-2"));
                Assert.Equal(1, promote.ExitCode);
                Assert.Contains("never_leader = true", promote.Errors, StringComparison.Ordinal);
                _ = await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 20);

                await cluster.SignalAsync("node-1", Part.Both, Signal.Kill);

                Assert.Equal("node-3", (await cluster.LeaderAsync(except: "node-1")).Id);
                _ = await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 20);
                await cluster.StartNodeAsync("node-1");
                await EndAsync(cluster, writer);
            }
            finally
            {
                Processes.Send(node.Id, Signal.Kill);
                await node.WaitForExitAsync();
            }
        }

        await cluster.StartNodeAsync("node-2", Part.Node);
    }

    [Fact]
    public async Task A_switchover_under_writes_tells_how_long_they_waited()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var target = cluster.Facts.Nodes.Last(n => n.Id != leader.Id);
        await using var writer = await WriterAsync(cluster);
        var clock = Stopwatch.StartNew();
        var began = writer.Now;

        var text = await CommandLine.CtlAsync("promote", target.Id, "-c", cluster.ConfigurationFile(leader.Id), "--yes", "--json");

        Assert.True(text.ExitCode == 0, text.Errors);
        var answer = Json(text);
        var (election, pause) = (answer.GetProperty("duration_ms").GetInt64(), answer.GetProperty("write_pause_ms").GetInt64());
        Assert.InRange(pause, election, clock.ElapsedMilliseconds); // it opens after it was elected, and before the command has its answer
        _ = await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 20);
        var gap = LongestGapMs(writer, began);
        Print(string.Create(CultureInfo.InvariantCulture, $"write_pause_ms {pause}, duration_ms {election}; the writer's longest wait between two OKs {gap:0} ms"));
        var back = await CommandLine.CtlAsync("promote", leader.Id, "-c", cluster.ConfigurationFile(leader.Id), "--yes");
        Assert.Matches(@"writes waited \d+ ms at most", back.Output);
        await EndAsync(cluster, writer);
    }

    /// <summary>The target is frozen in the middle and the operator gives up: the leader must not stay closed for writes.</summary>
    [Fact]
    public async Task A_switchover_that_nobody_waits_for_any_more_leaves_the_leader_open()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var target = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        await using var writer = await WriterAsync(cluster);

        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", cluster.Facts.Token);
        using var patience = new CancellationTokenSource();
        await cluster.SignalAsync(target.Id, Part.Node, Signal.Stop);
        try
        {
            var asked = http.PostAsync(new Uri(new Uri(leader.Api), "/admin/promote"), new StringContent($"{{\"node\":\"{target.Id}\"}}"), patience.Token);
            await Poll.UntilAsync("the leader to be closed for writes", Patience, async () => await leader.Server.ScalarAsync("SELECT @@read_only") == "1" ? null : "it is open");
            await patience.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);

            var next = await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 20);
            Assert.Equal(leader.Id, next.Server);
        }
        finally
        {
            await cluster.SignalAsync(target.Id, Part.Node, Signal.Continue);
        }

        await EndAsync(cluster, writer);
    }

    private static double LongestGapMs(AckedWriter writer, TimeSpan since)
    {
        var ends = writer.Attempts.Where(a => a.Outcome == Workloads.Acked.Outcome.Acknowledged && a.Ended >= since).Select(a => a.Ended).Order().ToList();
        return ends.Zip(ends.Skip(1), (a, b) => (b - a).TotalMilliseconds).Max();
    }

    private static async Task LeadAsync(DemoCluster cluster, string node)
    {
        var done = await CommandLine.CtlAsync("promote", node, "-c", cluster.ConfigurationFile(node), "--yes");
        Assert.True(done.ExitCode == 0, done.Errors);
        Assert.Equal(node, (await cluster.LeaderAsync()).Id);
    }

    private static async Task<AckedWriter> WriterAsync(DemoCluster cluster)
    {
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync($"DROP TABLE IF EXISTS {cluster.Facts.Database}.{AckedWriter.Table}, {cluster.Facts.Database}.{AckedWriter.KeylessTable}");
        await AckedWriter.CreateTablesAsync(leader.Server, cluster.Facts.Database);
        var writer = AckedWriter.Start(cluster.Servers, new WriterOptions(cluster.Facts.User, cluster.Facts.Password, cluster.Facts.Database));
        _ = await writer.AwaitAcknowledgedAsync(TimeSpan.Zero, Patience, count: 20);
        return writer;
    }

    private static async Task EndAsync(DemoCluster cluster, AckedWriter writer)
    {
        await cluster.AwaitHealthyAsync(TimeSpan.FromSeconds(120));
        await writer.StopAsync();
        await cluster.Comparer.AssertIdenticalAsync([new ExpectedObject("table", $"{cluster.Facts.Database}.{AckedWriter.Table}", 20)], TimeSpan.FromSeconds(60));
        var verdict = await AckedVerdict.ReadAsync(cluster.Servers[0], cluster.Facts.Database, writer);
        Print($"{verdict}\n{writer.Summary()}");
        verdict.AssertRight();
    }

    private static JsonElement Json(Outcome outcome) => JsonDocument.Parse(outcome.Output.Split('\n')[0]).RootElement;
}

/// <summary>A cluster whose lowest id takes the lead back.</summary>
public sealed class FailbackFixture : ClusterFixture
{
    protected override Task<string[]> SettingsAsync() => Task.FromResult<string[]>(["cluster.failback=auto"]);
}

/// <summary><c>cluster.failback = "auto"</c>.</summary>
public class FailbackTests(FailbackFixture fixture) : ClusterTests<FailbackFixture>(fixture)
{
    [Fact]
    public async Task The_lowest_id_takes_the_lead_back_once_it_is_synced_and_no_write_is_lost()
    {
        var cluster = await Fixture.HealthyAsync();
        await AwaitLeadAsync(cluster); // the founder keeps it, or gets it back
        await AckedWriter.CreateTablesAsync((await cluster.LeaderAsync()).Server, cluster.Facts.Database);
        await using var writer = AckedWriter.Start(cluster.Servers, new WriterOptions(cluster.Facts.User, cluster.Facts.Password, cluster.Facts.Database));
        _ = await writer.AwaitAcknowledgedAsync(TimeSpan.Zero, TimeSpan.FromSeconds(60), count: 20);

        await cluster.SignalAsync("node-1", Part.Both, Signal.Kill);
        var interim = await cluster.LeaderAsync(except: "node-1");
        await cluster.StartNodeAsync("node-1");

        await AwaitLeadAsync(cluster);
        Assert.Contains("node-1 is back and in step", cluster.NodeLog(interim.Id), StringComparison.Ordinal);
        _ = await writer.AwaitAcknowledgedAsync(writer.Now, TimeSpan.FromSeconds(60), count: 20);
        await cluster.AwaitHealthyAsync(TimeSpan.FromSeconds(120));
        await writer.StopAsync();
        await cluster.Comparer.AssertIdenticalAsync([new ExpectedObject("table", $"{cluster.Facts.Database}.{AckedWriter.Table}", 20)], TimeSpan.FromSeconds(60));
        var verdict = await AckedVerdict.ReadAsync(cluster.Servers[0], cluster.Facts.Database, writer);
        verdict.AssertRight();
    }

    /// <summary>Longer than from one attempt to the next.</summary>
    private static Task<TimeSpan> AwaitLeadAsync(DemoCluster cluster) => Poll.UntilAsync("node-1 to lead", TimeSpan.FromSeconds(180), async () =>
        await cluster.StatusAsync("node-1") is { AcceptsWrites: true } ? null : "it does not");
}
