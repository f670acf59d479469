using System.Globalization;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.Acked;

namespace WolfScale.EndToEnd;

/// <summary>
/// Planned switchovers, as clients of the proxies see them: hardly at all. An insert that is under way when the old leader's sessions are cut can still hear that its outcome is unknown; nothing else is
/// allowed.
/// </summary>
public sealed class SwitchoverTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    [Fact]
    public async Task Fifty_switchovers_under_load_lose_nothing_and_no_client_hears_more_than_an_unknown_outcome()
    {
        Assert.SkipUnless(Long.Form, "some minutes: runs with --long");
        var cluster = await Fixture.HealthyAsync();
        var database = cluster.Facts.Database;
        await AckedWriter.CreateTablesAsync((await cluster.LeaderAsync()).Server, database);
        var proxies = cluster.Facts.Nodes.Select(n => new SqlServer(n.Id, n.Proxy.Host, n.Proxy.Port, n.MariaDb.Socket)).ToList();
        await using var writer = AckedWriter.Start(proxies, new WriterOptions(cluster.Facts.User, cluster.Facts.Password, database));
        for (var run = 1; run <= 50; run++)
        {
            var leader = await cluster.LeaderAsync();
            _ = await cluster.SwitchoverAsync(leader);
            await cluster.LeaderAsync(except: leader.Id);
            foreach (var proxy in proxies)
            {
                var since = writer.Now;
                await Poll.UntilAsync($"writes through {proxy}", TimeSpan.FromSeconds(30), () => Task.FromResult(
                    writer.Attempts.Any(a => a.Server == proxy.Name && a.Started > since && a.Outcome == Outcome.Acknowledged) ? null : writer.Summary()));
            }
            await cluster.AwaitHealthyAsync();
        }
        await writer.StopAsync();

        await cluster.Comparer.AssertIdenticalAsync([new("table", $"{database}.{AckedWriter.Table}", 100)]);
        var verdict = await AckedVerdict.ReadAsync(cluster.Servers[0], database, writer);
        Print(string.Create(CultureInfo.InvariantCulture, $"{verdict}\n{writer.Summary()}"));
        verdict.AssertRight();
        var errors = writer.Attempts.Where(a => a.Outcome is not Outcome.Acknowledged).ToList();
        Print(string.Create(CultureInfo.InvariantCulture, $"{errors.Count} errors of clients in 50 switchovers (the aim: none): {string.Join("; ", errors.Take(10))}"));
        Assert.All(errors, e => Assert.Contains("Whether it did is not known", e.Error ?? "no answer", StringComparison.Ordinal));
        Assert.True(errors.Count <= 50, $"{errors.Count} errors");
    }
}
