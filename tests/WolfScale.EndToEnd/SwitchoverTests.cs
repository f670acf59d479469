using System.Globalization;
using System.Text.Json;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.Acked;
using Outcome = WolfScale.EndToEnd.Workloads.Acked.Outcome;

namespace WolfScale.EndToEnd;

/// <summary>Planned switchovers, as clients of the proxies see them: writes wait a little, and nobody hears an error.</summary>
public sealed class SwitchoverTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Promised = TimeSpan.FromMilliseconds(250);

    [Fact]
    public async Task Two_operators_who_move_the_lead_at_once_do_not_get_into_each_others_way()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var target = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        string[] promote = ["promote", target.Id, "--yes", "-c", cluster.ConfigurationFile(leader.Id)];
        var done = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Cli.CommandLine.CtlAsync(promote)));
        Assert.All(done, d => Assert.True(d.ExitCode == 0, d.Output + d.Errors));
        Assert.Equal(target.Id, (await cluster.LeaderAsync()).Id);
        await cluster.AwaitHealthyAsync();
    }

    [Fact]
    public async Task Switchovers_under_load_lose_nothing_cost_no_client_an_error_and_tell_how_long_writes_waited()
    {
        var cluster = await Fixture.HealthyAsync();
        var database = cluster.Facts.Database;
        await AckedWriter.CreateTablesAsync((await cluster.LeaderAsync()).Server, database);
        await using var writer = AckedWriter.Start(cluster.Proxies, new WriterOptions(cluster.Facts.User, cluster.Facts.Password, database));
        var pauses = new List<TimeSpan>();
        for (var run = 1; run <= Long.Or(50, 3); run++)
        {
            var leader = await cluster.LeaderAsync();
            using var told = JsonDocument.Parse(await cluster.SwitchoverAsync(leader));
            await cluster.LeaderAsync(except: leader.Id);
            var pause = told.RootElement.GetProperty("write_pause_ms");
            Assert.True(pause.ValueKind == JsonValueKind.Number && pause.GetInt64() > 0, $"switchover {run} does not tell how long writes waited: {told.RootElement}");
            pauses.Add(TimeSpan.FromMilliseconds(pause.GetInt64()));
            foreach (var proxy in cluster.Proxies)
            {
                var since = writer.Now;
                await Poll.UntilAsync($"writes through {proxy}", Patience, () => Task.FromResult(
                    writer.Attempts.Any(a => a.Server == proxy.Name && a.Started > since && a.Outcome == Outcome.Acknowledged) ? null : writer.Summary()));
            }
            await cluster.AwaitHealthyAsync();
        }
        await writer.StopAsync();

        var (sorted, median) = (pauses.Order().ToList(), Figures.Median(pauses));
        Print(string.Create(CultureInfo.InvariantCulture,
            $"{pauses.Count} switchovers, writes waited {sorted[0].TotalMilliseconds:0} to {sorted[^1].TotalMilliseconds:0} ms, median {median.TotalMilliseconds:0} ms (promised: below {Promised.TotalMilliseconds:0} ms)"));
        await cluster.Comparer.AssertIdenticalAsync([new("table", $"{database}.{AckedWriter.Table}", 100)]);
        var verdict = await AckedVerdict.ReadAsync(cluster.Servers[0], database, writer);
        Print($"{verdict}\n{writer.Summary()}");
        verdict.AssertRight();
        var errors = writer.Attempts.Where(a => a.Outcome is not Outcome.Acknowledged).ToList();
        Assert.True(writer.NotLetIn.Count == 0, $"{writer.NotLetIn.Count} logins failed: {string.Join("; ", writer.NotLetIn.Take(10))}");
        Assert.True(median < Promised || !Long.Form, $"writes waited {median.TotalMilliseconds:0} ms in the median"); // three runs say little about a time
        Assert.True(errors.Count == 0, $"{errors.Count} inserts were not answered with OK: {string.Join("; ", errors.Take(10))}");
    }
}
