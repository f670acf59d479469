using System.Text.Json;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Cli;

/// <summary><c>wolfctl stats</c> of a node at work.</summary>
public sealed class StatsTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    [Fact]
    public async Task It_tells_what_a_leader_and_a_follower_are_doing()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        await leader.Server.RunAsync("CREATE TABLE IF NOT EXISTS demo.counted (id INT PRIMARY KEY AUTO_INCREMENT)");
        for (var i = 0; i < 30; i++)
            await leader.Server.RunAsync("INSERT INTO demo.counted VALUES ()");

        var leading = await AskAsync(leader);
        Assert.True(leading.GetProperty("leading").GetProperty("transactions_per_second").GetDouble() > 0, leading.ToString());
        Assert.True(leading.GetProperty("leading").GetProperty("commits").GetProperty("median_ms").GetDouble() > 0, leading.ToString());
        Assert.True(leading.GetProperty("log_syncs").GetProperty("per_second").GetDouble() > 0, leading.ToString());
        Assert.Equal(3, leading.GetProperty("nodes").GetArrayLength());
        var following = await AskAsync(follower);
        Assert.Equal((JsonValueKind.Null, leader.Id), (following.GetProperty("leading").ValueKind, following.GetProperty("leader").GetString()));
        Assert.True(following.GetProperty("entries_per_second").GetDouble() > 0, following.ToString());
    }

    [Fact]
    public async Task Piped_it_is_a_line_each_second()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        using var stats = CommandLine.StartCtl("stats", "-e", leader.Api);
        try
        {
            for (var i = 0; i < 2; i++)
                Assert.Contains($" {leader.Id} LEADER LSN ", await stats.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }
        finally
        {
            Processes.Send(stats.Id, Signal.Kill);
            await stats.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    private static async Task<JsonElement> AskAsync(DemoNode node)
    {
        var outcome = await CommandLine.CtlAsync("stats", "--once", "--json", "-e", node.Api);
        Assert.True(outcome.ExitCode == 0, outcome.Output + outcome.Errors);
        return JsonDocument.Parse(outcome.Output).RootElement;
    }
}
