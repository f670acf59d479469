using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary><c>GET /metrics</c> of a cluster at work, and what stands upon it: the alerts and the dashboard.</summary>
public sealed partial class MetricsTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private const int Writes = 50;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_node_tells_what_it_does_in_names_that_promtool_accepts()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        var before = await ReadAsync(leader);
        await leader.Server.RunAsync("CREATE TABLE IF NOT EXISTS demo.measured (id INT PRIMARY KEY AUTO_INCREMENT)");
        for (var i = 0; i < Writes; i++)
            await leader.Server.RunAsync("INSERT INTO demo.measured VALUES ()");
        await Poll.UntilAsync($"{follower.Id} has applied everything", Patience, async () =>
            await ReadAsync(follower) is var now && now["wolfscale_applied_lsn"] >= (await ReadAsync(leader))["wolfscale_commit_lsn"] && now["wolfscale_lag_entries"] == 0 ? null : $"it stands at {now["wolfscale_applied_lsn"]}");

        var (after, beside) = (await ReadAsync(leader), await ReadAsync(follower));
        Assert.True(after["wolfscale_captured_groups_total"] - before["wolfscale_captured_groups_total"] >= Writes);
        Assert.True(after["wolfscale_commit_stage_seconds_count{stage=\"total\"}"] - before["wolfscale_commit_stage_seconds_count{stage=\"total\"}"] >= Writes);
        // The two stages are all there is between the arrival of a commit and its release.
        var stages = after["wolfscale_commit_stage_seconds_sum{stage=\"capture\"}"] + after["wolfscale_commit_stage_seconds_sum{stage=\"quorum\"}"];
        Assert.InRange(stages / after["wolfscale_commit_stage_seconds_sum{stage=\"total\"}"], 0.95, 1.05);
        Assert.Equal(after["wolfscale_commit_stage_seconds_count{stage=\"total\"}"], after["wolfscale_commit_stage_seconds_bucket{stage=\"total\",le=\"+Inf\"}"]);
        Assert.True(after["wolfscale_wal_sync_seconds_count"] > before["wolfscale_wal_sync_seconds_count"]);
        Assert.Equal((1, 0), (after["wolfscale_accepts_writes"], beside["wolfscale_accepts_writes"]));
        Assert.Equal((1, false), (after["wolfscale_semi_sync_on"], beside.ContainsKey("wolfscale_semi_sync_on")));
        Assert.Equal((1, 0), (after["wolfscale_node_role{role=\"leader\"}"], beside["wolfscale_node_role{role=\"leader\"}"]));
        Assert.Equal(3, after.Count(m => m.Key.StartsWith("wolfscale_member_status", StringComparison.Ordinal) && m.Key.Contains("\"active\"", StringComparison.Ordinal) && m.Value == 1));

        using var folder = new TempFolder("metrics");
        await File.WriteAllTextAsync(folder.File("metrics"), await TextAsync(leader));
        await RunPromtoolAsync("sh", "-c", $"\"$0\" check metrics < {folder.File("metrics")}", Promtool);
    }

    [Fact]
    public async Task A_change_of_the_lead_and_a_lost_member_are_counted()
    {
        var cluster = await Fixture.HealthyAsync();
        var old = await cluster.LeaderAsync();
        await cluster.SignalAsync(old.Id, Part.Both, Signal.Kill);
        var next = await cluster.LeaderAsync(except: old.Id);

        var told = await ReadAsync(next);
        Assert.Equal(1, told["wolfscale_accepts_writes"]);
        Assert.True(told["wolfscale_events_total{kind=\"elected\"}"] >= 1);
        await Poll.UntilAsync($"{old.Id} is not ACTIVE in {next.Id}'s metrics", Patience, async () =>
            (await ReadAsync(next))[$"wolfscale_member_status{{member=\"{old.Id}\",status=\"active\"}}"] == 0 ? null : "it is");
        await cluster.StartNodeAsync(old.Id);
        await cluster.AwaitHealthyAsync(Patience);
    }

    [Fact]
    public async Task The_alerts_say_what_their_tests_expect()
    {
        var folder = Path.Combine(Repository.Root, "deploy", "prometheus");
        await RunPromtoolAsync(Promtool, "check", "rules", Path.Combine(folder, "alerts.yml"));
        await RunPromtoolAsync(Promtool, "test", "rules", Path.Combine(folder, "alerts.test.yml"));
    }

    /// <summary>A panel or an alert on a name that no node tells shows nothing, for ever.</summary>
    [Fact]
    public async Task The_dashboard_and_the_alerts_ask_for_metrics_that_there_are()
    {
        var cluster = await Fixture.HealthyAsync();
        var there = Names(await TextAsync(await cluster.LeaderAsync()));
        var board = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "deploy", "grafana", "wolfscale.json"), TestContext.Current.CancellationToken);
        using var parsed = JsonDocument.Parse(board);
        var alerts = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "deploy", "prometheus", "alerts.yml"), TestContext.Current.CancellationToken);
        var documented = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "metrics.md"), TestContext.Current.CancellationToken);

        Assert.NotEmpty(Names(board));
        Assert.Empty(Names(board).Union(Names(alerts)).Except(there).Except(StandAlones));
        Assert.Empty(there.Except(Names(documented)));
        Assert.Empty(Names(documented).Except(there).Except(StandAlones));
    }

    /// <summary>What stand-alone proxies tell alone.</summary>
    private static string[] StandAlones => ["wolfscale_proxy_leader_known"];

    private static string Promtool => Path.Combine(Repository.Root, "artifacts", "tools", "promtool");

    private static async Task RunPromtoolAsync(string program, params string[] arguments)
    {
        Assert.SkipUnless(File.Exists(Promtool), $"{Promtool} is missing; ./run.sh test puts it there");
        var result = await Command.RunAsync(program, arguments, TimeSpan.FromMinutes(1));
        Assert.True(result.ExitCode == 0, result.ToString());
    }

    private static async Task<string> TextAsync(DemoNode node)
    {
        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri(new Uri(node.Api), "/metrics"), TestContext.Current.CancellationToken);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType?.ToString());
        return await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Values by name and labels, as they stand in the text.</summary>
    private static async Task<Dictionary<string, double>> ReadAsync(DemoNode node) => (await TextAsync(node)).Split('\n')
        .Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(' '))
        .ToDictionary(parts => string.Join(' ', parts[..^1]), parts => double.Parse(parts[^1], CultureInfo.InvariantCulture));

    /// <summary>Names of metrics in a text; a histogram's series count as the histogram.</summary>
    private static HashSet<string> Names(string text) => [.. Name().Matches(text).Select(m => Suffix().Replace(m.Value, ""))];

    [GeneratedRegex("wolfscale_[a-z][a-z0-9_]*[a-z0-9]")]
    private static partial Regex Name();

    [GeneratedRegex("(?<=_seconds)_(bucket|sum|count)$")]
    private static partial Regex Suffix();
}
