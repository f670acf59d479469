using System.Globalization;
using System.Text.Json;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Cli;

/// <summary><c>wolfctl doctor</c> on a cluster in which things break.</summary>
public sealed class DoctorTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task It_foretells_who_leads_after_the_leaders_death()
    {
        for (var kill = 0; kill < Long.Or(20, 2); kill++)
        {
            var cluster = await Fixture.HealthyAsync();
            var leader = await cluster.LeaderAsync();
            var (report, _) = await ExamineAsync(cluster, leader);
            var foretold = report.GetProperty("deaths").EnumerateArray().Single(d => d.GetProperty("node").GetString() == leader.Id);

            await cluster.SignalAsync(leader.Id, Part.Both, Signal.Kill);
            var next = await cluster.LeaderAsync(except: leader.Id);

            Assert.Equal(foretold.GetProperty("leader").GetString(), next.Id);
            Assert.Equal(JsonValueKind.Null, foretold.GetProperty("at_risk").ValueKind);
            await cluster.StartNodeAsync(leader.Id);
            await cluster.AwaitHealthyAsync(Patience);
        }
    }

    [Fact]
    public async Task It_names_what_was_broken_and_is_content_again_afterwards()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var followers = cluster.Facts.Nodes.Where(n => n.Id != leader.Id).ToList();
        await AwaitHealthyAsync(cluster, leader);

        await cluster.SignalAsync(followers[0].Id, Part.MariaDb, Signal.Kill);
        await AwaitFindingAsync(cluster, leader, "database_down", followers[0].Id);
        await cluster.StartNodeAsync(followers[0].Id, Part.MariaDb);
        await AwaitHealthyAsync(cluster, leader);

        await MaintainAsync(cluster, followers[0], on: true);
        var (report, code) = await ExamineAsync(cluster, leader);
        Assert.Contains(Codes(report), c => c == ("maintenance", followers[0].Id));
        Assert.Equal((0, followers[1].Id), (code, Foretold(report, leader))); // a remark, and it is not counted on
        await MaintainAsync(cluster, followers[0], on: false);

        await cluster.SignalAsync(followers[0].Id, Part.Node, Signal.Kill);
        report = await AwaitFindingAsync(cluster, leader, "node_missing", followers[0].Id);
        Assert.Contains(Codes(report), c => c == ("no_spare", null));
        Assert.Null(Foretold(report, leader));

        await cluster.SignalAsync(followers[1].Id, Part.Node, Signal.Stop);
        _ = await AwaitFindingAsync(cluster, leader, "no_majority", null);
        await cluster.SignalAsync(followers[1].Id, Part.Node, Signal.Continue);
        await cluster.StartNodeAsync(followers[0].Id, Part.Node);
        await cluster.AwaitHealthyAsync(Patience);
        await AwaitHealthyAsync(cluster, await cluster.LeaderAsync());
    }

    /// <summary>Rows that are locked on a follower hold its applier up.</summary>
    [Fact]
    public async Task It_names_a_follower_that_lags()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        await leader.Server.RunAsync("CREATE TABLE IF NOT EXISTS demo.held (id INT PRIMARY KEY)", "REPLACE INTO demo.held VALUES (1)");
        await cluster.Comparer.AwaitSamePositionAsync(Patience); // a healthy follower may be a moment behind
        await using (var holder = await follower.Server.ClientAsync("root", "", "demo"))
        {
            await holder.RunAsync("LOCK TABLES held WRITE");
            await leader.Server.RunAsync("INSERT INTO demo.held VALUES (2)");
            _ = await AwaitFindingAsync(cluster, leader, "lag", follower.Id);
        }

        await AwaitHealthyAsync(cluster, leader);
    }

    [Fact]
    public async Task People_get_a_page()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var outcome = await CommandLine.CtlAsync("doctor", "-e", leader.Api);

        Assert.Contains($"leader {leader.Id}: healthy", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("IF IT DIED NOW", outcome.Output, StringComparison.Ordinal);
        Assert.Matches(string.Create(CultureInfo.InvariantCulture, $@"(?m)^{leader.Id} +node-\d +up to \d\.\d s +up to \d\.\d s +none"), outcome.Output);
        Print(outcome.Output);
    }

    private static async Task MaintainAsync(DemoCluster cluster, DemoNode node, bool on)
    {
        var done = await CommandLine.CtlAsync("maintenance", on ? "on" : "off", "--yes", "-c", cluster.ConfigurationFile(node.Id));
        Assert.True(done.ExitCode == 0, done.Output + done.Errors);
    }

    private static async Task<(JsonElement Report, int ExitCode)> ExamineAsync(DemoCluster cluster, DemoNode asked)
    {
        var outcome = await CommandLine.CtlAsync("doctor", "--json", "-c", cluster.ConfigurationFile(asked.Id));
        Assert.True(outcome.ExitCode is 0 or 1, outcome.Output + outcome.Errors);
        return (JsonDocument.Parse(outcome.Output).RootElement, outcome.ExitCode);
    }

    private static IEnumerable<(string? Code, string? Node)> Codes(JsonElement report) =>
        report.GetProperty("findings").EnumerateArray().Select(f => (f.GetProperty("code").GetString(), f.GetProperty("node").GetString()));

    private static string? Foretold(JsonElement report, DemoNode dies) =>
        report.GetProperty("deaths").EnumerateArray().Single(d => d.GetProperty("node").GetString() == dies.Id).GetProperty("leader").GetString();

    private static async Task<JsonElement> AwaitFindingAsync(DemoCluster cluster, DemoNode asked, string code, string? node)
    {
        JsonElement report = default;
        await Poll.UntilAsync($"doctor finds {code} at {node ?? "the cluster"}", Patience, async () =>
        {
            (report, var exit) = await ExamineAsync(cluster, asked);
            return exit == 1 && Codes(report).Contains((code, node)) ? null : string.Join(", ", Codes(report));
        });
        return report;
    }

    private static Task<TimeSpan> AwaitHealthyAsync(DemoCluster cluster, DemoNode asked) => Poll.UntilAsync("doctor is content", Patience, async () =>
        await ExamineAsync(cluster, asked) is (var report, not 0) ? report.ToString() : null);
}
