using System.Text.RegularExpressions;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary>Every procedure of <c>docs/operations.md</c>, run as it stands there, on a cluster that is in that trouble; afterwards the cluster is healthy and its servers are identical.</summary>
public sealed partial class OperationsTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private static readonly string[] Everyday = ["service-begin", "service-end", "upgrade-mariadb", "upgrade-wolfscale", "promote", "disk-full", "verify", "token"];
    private static readonly string[] Deaths = ["node-died", "mariadb-died", "remove", "replace", "add"];
    private static readonly string[] Partings = ["leave", "detach"];
    private static readonly string[] Strayed = ["discarded", "migrate"];
    private static readonly string[] Recovery = ["recover-look", "recover"];

    [Fact]
    public void Every_procedure_of_the_document_is_run_here()
    {
        Assert.Equal(OperationsManual.Blocks.Keys.Order(StringComparer.Ordinal), ((string[])[.. Everyday, .. Deaths, .. Partings, .. Strayed, .. Recovery]).Order(StringComparer.Ordinal));
        var text = File.ReadAllText(Path.Combine(Repository.Root, "docs", "operations.md"));
        Assert.Equal(OperationsManual.Blocks.Count, Fences().Count(text) / 2); // no block that is not a procedure
    }

    [Fact]
    public async Task Service_and_upgrades()
    {
        var (cluster, manual) = await BeginAsync();
        using (manual)
        {
            await LeadAsync(cluster, "node-1");
            _ = await manual.RunAsync("service-begin");
            var leader = await cluster.LeaderAsync(except: "node-1");
            await leader.Server.RunAsync("INSERT INTO demo.kept VALUES (2000)"); // the cluster goes on meanwhile
            _ = await manual.RunAsync("service-end");
            await cluster.AwaitHealthyAsync(Patience);

            foreach (var id in (string[])["upgrade-mariadb", "upgrade-wolfscale", "promote"])
            {
                await LeadAsync(cluster, "node-1");
                _ = await manual.RunAsync(id);
                await cluster.AwaitHealthyAsync(Patience);
            }

            Assert.Equal("node-2", (await cluster.LeaderAsync()).Id);
            _ = await manual.RunAsync("disk-full");
            Assert.Contains("identical", await manual.RunAsync("verify"), StringComparison.Ordinal);
            _ = await manual.RunAsync("token");
            await EndAsync(cluster, 1001);
        }

        await Fixture.AbandonAsync(); // its token is another now
    }

    [Fact]
    public async Task What_died_comes_back_or_is_replaced()
    {
        var (cluster, manual) = await BeginAsync();
        using (manual)
        {
            await LeadAsync(cluster, "node-1");
            await cluster.SignalAsync("node-1", Part.Node, Signal.Kill);
            _ = await cluster.LeaderAsync(except: "node-1");
            _ = await manual.RunAsync("node-died");
            await cluster.AwaitHealthyAsync(Patience);

            await LeadAsync(cluster, "node-1");
            await cluster.SignalAsync("node-1", Part.MariaDb, Signal.Kill);
            _ = await cluster.LeaderAsync(except: "node-1");
            _ = await manual.RunAsync("mariadb-died");
            await cluster.AwaitHealthyAsync(Patience);

            await LeadAsync(cluster, "node-1");
            await LoseAsync(cluster, "node-3");
            await Poll.UntilAsync("node-3 to count as dead", Patience, async () =>
                (await Cli.CommandLine.CtlAsync("remove", "node-3", "--dry-run", "-e", cluster.Facts.Node("node-1").Api, "-c", cluster.ConfigurationFile("node-1"))).ExitCode == 0 ? null : "it counts as alive", TimeSpan.FromSeconds(1));
            _ = await manual.RunAsync("remove");
            _ = await manual.RunAsync("replace");
            await cluster.AwaitHealthyAsync(Patience);
            _ = await manual.RunAsync("add");
            Assert.Equal(4, cluster.Facts.Nodes.Count);
            await EndAsync(cluster, 1000);
        }

        await Fixture.AbandonAsync();
    }

    [Fact]
    public async Task A_node_that_strayed_is_rewound_or_rebuilt()
    {
        var (cluster, manual) = await BeginAsync();
        using (manual)
        {
            await StrayAsync(cluster, "INSERT INTO demo.kept VALUES (7777)");
            await cluster.AwaitHealthyAsync(Patience);
            var discarded = await manual.RunAsync("discarded");
            Assert.Contains("rewound", discarded, StringComparison.Ordinal);
            Assert.Contains("7777", discarded, StringComparison.Ordinal);

            await StrayAsync(cluster, "CREATE TABLE demo.unheard (id INT)");
            await cluster.AwaitStatusAsync("node-1", "NEEDS_MIGRATION", Patience);
            _ = await manual.RunAsync("migrate");
            await EndAsync(cluster, 1002);
        }
    }

    [Fact]
    public async Task A_node_goes_and_its_MariaDB_is_given_back()
    {
        var (cluster, manual) = await BeginAsync();
        using (manual)
        {
            await LeadAsync(cluster, "node-3");
            _ = await manual.RunAsync("leave");
            Assert.Contains("0\t0", await manual.RunAsync("detach"), StringComparison.Ordinal);
            await cluster.Facts.Node("node-3").Server.RunAsync("INSERT INTO demo.kept VALUES (5000)");
            await (await cluster.LeaderAsync(except: "node-3")).Server.RunAsync("INSERT INTO demo.kept VALUES (6000)");
        }

        await Fixture.AbandonAsync();
    }

    [Fact]
    public async Task The_majority_is_gone_for_good()
    {
        var (cluster, manual) = await BeginAsync();
        using (manual)
        {
            await LoseAsync(cluster, "node-1");
            await LoseAsync(cluster, "node-3");
            Assert.Contains("Nothing was done", await manual.RunAsync("recover-look"), StringComparison.Ordinal);
            _ = await manual.RunAsync("recover");
            var leader = await cluster.LeaderAsync();
            Assert.Equal("node-2", leader.Id);
            await leader.Server.RunAsync("INSERT INTO demo.kept VALUES (2000)");
            _ = await manual.RunAsync("replace");
            await cluster.StartNodeAsync("node-1");
            await EndAsync(cluster, 1001);
        }

        await Fixture.AbandonAsync();
    }

    private async Task<(DemoCluster Cluster, OperationsManual Manual)> BeginAsync()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.kept (id INT PRIMARY KEY)", "INSERT INTO demo.kept SELECT seq FROM demo.seq_1_to_1000");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        return (cluster, new OperationsManual(cluster));
    }

    private static async Task EndAsync(DemoCluster cluster, int rows)
    {
        await cluster.AwaitHealthyAsync(Patience);
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.kept", rows)], Patience);
    }

    private static async Task LeadAsync(DemoCluster cluster, string node)
    {
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync(within: Patience);
        if (leader.Id != node)
        {
            var promoted = await Cli.CommandLine.CtlAsync("promote", node, "--yes", "-e", leader.Api, "-c", cluster.ConfigurationFile(leader.Id));
            Assert.True(promoted.ExitCode == 0, promoted.Errors);
        }

        await Poll.UntilAsync($"{node} to lead", Patience, async () => await cluster.StatusAsync(node) is { Role: "LEADER", AcceptsWrites: true } ? null : "it does not");
    }

    /// <summary>The machine and its disks are gone.</summary>
    private static async Task LoseAsync(DemoCluster cluster, string node)
    {
        await cluster.SignalAsync(node, Part.Both, Signal.Kill);
        foreach (var folder in (string[])["wolfscale", "mariadb"])
            Directory.Delete(Path.Combine(cluster.Directory, node, folder), recursive: true);
    }

    /// <summary>node-1 leads, is frozen, and its MariaDB commits what nobody acknowledged.</summary>
    private static async Task StrayAsync(DemoCluster cluster, string statement)
    {
        await LeadAsync(cluster, "node-1");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        var old = cluster.Facts.Node("node-1");
        await cluster.SignalAsync("node-1", Part.Node, Signal.Stop);
        await old.Server.RunAsync("SET GLOBAL rpl_semi_sync_master_enabled = OFF", statement);
        var leader = await cluster.LeaderAsync(except: "node-1");
        await leader.Server.RunAsync("INSERT INTO demo.kept SELECT 1 + MAX(id) FROM demo.kept");
        await cluster.SignalAsync("node-1", Part.Node, Signal.Continue);
        await Poll.UntilAsync("node-1 to follow", Patience, async () => await cluster.StatusAsync("node-1") is { Role: "FOLLOWER" } ? null : "it does not");
    }

    [GeneratedRegex("^```", RegexOptions.Multiline)]
    private static partial Regex Fences();
}
