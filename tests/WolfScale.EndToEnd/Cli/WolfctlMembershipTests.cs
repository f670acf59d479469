using System.Text.Json;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.Acked;

namespace WolfScale.EndToEnd.Cli;

/// <summary>Members go and come back, on a cluster of three with writes going on. Nothing that was acknowledged is lost by it.</summary>
public class WolfctlMembershipTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_follower_leaves_stays_out_over_a_restart_and_comes_back_when_it_joins_anew()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var leaving = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        await using var writer = await WriteAsync(cluster, leader);

        var dry = await CommandLine.CtlAsync("leave", "-c", cluster.ConfigurationFile(leaving.Id), "--dry-run");
        var unasked = await CommandLine.CtlAsync("leave", "-c", cluster.ConfigurationFile(leaving.Id));
        Assert.Equal((0, 2), (dry.ExitCode, unasked.ExitCode));
        Assert.Contains("2 voters remain, of which 0 may be lost", dry.Output, StringComparison.Ordinal);
        Assert.Equal(3, await MembersAsync(leader));

        var left = await CommandLine.CtlAsync("leave", "-c", cluster.ConfigurationFile(leaving.Id), "--yes", "--json");
        Assert.True(left.ExitCode == 0, left.Errors);
        Assert.True(JsonDocument.Parse(left.Output.Split('\n')[0]).RootElement.GetProperty("done").GetBoolean());
        Assert.Equal(2, await MembersAsync(leader));
        _ = await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 20);

        // A restart is no way back, although its peers are configured.
        await cluster.SignalAsync(leaving.Id, Part.Node, Signal.Kill);
        await cluster.StartNodeAsync(leaving.Id, Part.Node);
        Assert.Contains("has left", (await cluster.StatusAsync(leaving.Id))!.Reason, StringComparison.Ordinal);
        _ = await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 20);
        Assert.Equal(2, await MembersAsync(leader));
        Assert.Equal(1, (await CommandLine.CtlAsync("status", "-c", cluster.ConfigurationFile(leaving.Id))).ExitCode);

        await JoinAsync(cluster, leaving, through: leader);
        await EndAsync(cluster, writer);
    }

    [Fact]
    public async Task A_leader_that_leaves_hands_over_first()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        await using var writer = await WriteAsync(cluster, leader);

        var left = await CommandLine.CtlAsync("leave", "-e", leader.Api, "-c", cluster.ConfigurationFile(leader.Id), "--yes");

        Assert.True(left.ExitCode == 0, left.Errors);
        Assert.Contains("hands over first", left.Output, StringComparison.Ordinal);
        var next = await cluster.LeaderAsync(except: leader.Id);
        _ = await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 20);
        Assert.Equal(2, await MembersAsync(next));
        Assert.Equal("1", await leader.Server.ScalarAsync("SELECT @@read_only"));

        await JoinAsync(cluster, leader, through: next);
        await EndAsync(cluster, writer);
    }

    [Fact]
    public async Task A_dead_node_is_removed_and_what_would_stop_the_cluster_is_refused()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var (dead, living) = (cluster.Facts.Nodes.First(n => n.Id != leader.Id), cluster.Facts.Nodes.Last(n => n.Id != leader.Id));
        await using var writer = await WriteAsync(cluster, leader);
        string[] through = ["-c", cluster.ConfigurationFile(living.Id)];

        var alive = await CommandLine.CtlAsync(["remove", dead.Id, "--confirm", "demo", .. through]);
        Assert.Equal(1, alive.ExitCode);
        Assert.Contains("wolfctl leave", alive.ErrorLine, StringComparison.Ordinal);

        await cluster.SignalAsync(dead.Id, Part.Both, Signal.Kill);
        await Poll.UntilAsync("the dead node to count as dead", Patience, async () =>
            (await CommandLine.CtlAsync(["remove", dead.Id, "--dry-run", .. through])) is { ExitCode: 0 } ? null : "it still counts as alive");
        var unconfirmed = await CommandLine.CtlAsync(["remove", dead.Id, "--yes", .. through]);
        var wrong = await CommandLine.CtlAsync(["remove", dead.Id, "--confirm", "production", .. through]);
        var majority = await CommandLine.CtlAsync(["remove", living.Id, "--confirm", "demo", "--force", .. through]);
        var itself = await CommandLine.CtlAsync(["remove", leader.Id, "--confirm", "demo", "--force", .. through]);
        var leave = await CommandLine.CtlAsync(["leave", "--yes", .. through]);
        Assert.Equal((2, 1, 1, 1, 1), (unconfirmed.ExitCode, wrong.ExitCode, majority.ExitCode, itself.ExitCode, leave.ExitCode));
        Assert.Contains("called demo", wrong.Errors, StringComparison.Ordinal);
        Assert.Contains("stand still", majority.ErrorLine, StringComparison.Ordinal);
        Assert.Contains("stand still", leave.ErrorLine, StringComparison.Ordinal);
        Assert.Equal(3, await MembersAsync(leader));

        var removed = await CommandLine.CtlAsync(["remove", dead.Id, "--confirm", "demo", .. through]);
        Assert.True(removed.ExitCode == 0, removed.Errors);
        Assert.Equal(2, await MembersAsync(leader));
        var again = await CommandLine.CtlAsync(["remove", dead.Id, "--confirm", "demo", .. through]);
        Assert.Contains($"no node \"{dead.Id}\"", again.ErrorLine, StringComparison.Ordinal);
        _ = await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 20);

        // Its machine is repaired: with the cluster's addresses in its configuration it asks to join again.
        await cluster.StartNodeAsync(dead.Id);
        await EndAsync(cluster, writer);
        Assert.Equal(3, await MembersAsync(leader));
    }

    private static async Task<AckedWriter> WriteAsync(DemoCluster cluster, DemoNode leader)
    {
        await leader.Server.RunAsync($"DROP TABLE IF EXISTS {cluster.Facts.Database}.{AckedWriter.Table}, {cluster.Facts.Database}.{AckedWriter.KeylessTable}");
        await AckedWriter.CreateTablesAsync(leader.Server, cluster.Facts.Database);
        var writer = AckedWriter.Start(cluster.Servers, new WriterOptions(cluster.Facts.User, cluster.Facts.Password, cluster.Facts.Database));
        _ = await writer.AwaitAcknowledgedAsync(TimeSpan.Zero, Patience, count: 20);
        return writer;
    }

    /// <summary>All three are members again, every server holds the same, and every acknowledged row is there once.</summary>
    private static async Task EndAsync(DemoCluster cluster, AckedWriter writer)
    {
        await cluster.AwaitHealthyAsync(TimeSpan.FromSeconds(120));
        await writer.StopAsync();
        await cluster.AwaitHealthyAsync();
        await cluster.Comparer.AssertIdenticalAsync([new ExpectedObject("table", $"{cluster.Facts.Database}.{AckedWriter.Table}", 20)], TimeSpan.FromSeconds(60));
        var verdict = await AckedVerdict.ReadAsync(cluster.Servers[0], cluster.Facts.Database, writer);
        Print($"{verdict}\n{writer.Summary()}");
        verdict.AssertRight();
    }

    internal static async Task<int> MembersAsync(DemoNode asked)
    {
        var outcome = await CommandLine.CtlAsync("list", "servers", "-e", asked.Api, "--json");
        return JsonDocument.Parse(outcome.Output).RootElement.GetProperty("nodes").EnumerateArray().Count(n => n.GetProperty("voter").GetBoolean());
    }

    /// <summary>In place of the node that has left runs <c>wolfscale join</c> until it is a voter; then the demo's own process again.</summary>
    private static async Task JoinAsync(DemoCluster cluster, DemoNode node, DemoNode through)
    {
        await cluster.RefreshAsync();
        await cluster.SignalAsync(node.Id, Part.Node, Signal.Kill);
        using (var join = CommandLine.Start(null, "join", through.Cluster, "-c", cluster.ConfigurationFile(node.Id)))
        {
            try
            {
                _ = join.StandardOutput.ReadToEndAsync();
                _ = join.StandardError.ReadToEndAsync();
                await Poll.UntilAsync($"{node.Id} to be a voter again", Patience, async () => await MembersAsync(through) == 3 ? null : "it is not");
                await cluster.AwaitStatusAsync(node.Id, "ACTIVE");
            }
            finally
            {
                Processes.Send(join.Id, Signal.Kill);
                await join.WaitForExitAsync();
            }
        }

        await cluster.StartNodeAsync(node.Id, Part.Node);
    }
}
