using System.Globalization;
using System.Text.RegularExpressions;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.Acked;

namespace WolfScale.EndToEnd.Networks;

/// <summary>
/// The life of a cluster of three machines, wolftest1 to wolftest3, and of those that come to it: who leads and returns, who comes with nothing, with a copy, with a dump, and what is lost with a
/// disk. Its log keeps nothing that no member needs.
/// </summary>
public sealed partial class StoryTests(StoryTests.ThreeMachines fixture) : IClassFixture<StoryTests.ThreeMachines>, IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    [Fact]
    public Task Wolftest1_leads_and_dies_returns_as_a_follower_and_takes_the_lead_back_only_with_failback() => fixture.UnderLoadAsync(async (cluster, writer) =>
    {
        var (one, two, three) = (cluster.Nodes[0], cluster.Nodes[1], cluster.Nodes[2]);
        await cluster.PromoteAsync(one);
        await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 50);

        // It dies while nothing is under way, so that both others are equally good, and the lower id is preferred.
        await cluster.HoldWritesAsync(writer, async () =>
        {
            await one.KillAsync();
            Assert.Equal(two.Id, (await cluster.LeaderAsync([two, three])).Id);
        });
        await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 100);

        await ReturnAsync(one);
        await cluster.AwaitHealthyAsync();
        Assert.Equal("FOLLOWER", (await one.StatusAsync())!.Role);
        await Poll.NeverAsync("wolftest1 does not take the lead by itself", TimeSpan.FromSeconds(7), async () => await one.StatusAsync() is { Role: "LEADER" } s ? s.ToString() : null);
        Assert.Equal(two.Id, (await cluster.LeaderAsync()).Id);

        // The one that leads is told to give it back.
        two.Settings["cluster.failback"] = NodeProcess.Text("auto");
        await two.StopAsync();
        await two.StartAsync();
        await cluster.AwaitHealthyAsync();
        await cluster.PromoteAsync(two);
        await Poll.UntilAsync("wolftest1 to lead", Patience, async () => await one.StatusAsync() is { AcceptsWrites: true } ? null : "it does not");
        Assert.Contains("wolftest1 is back and in step", two.Log, StringComparison.Ordinal);
        two.Settings["cluster.failback"] = NodeProcess.Text("manual");
        await two.StopAsync();
        await two.StartAsync();
        await cluster.AwaitHealthyAsync();
    });

    [Fact]
    public Task With_a_pruned_log_a_fresh_node_needs_a_migration_and_its_clone_is_a_node_of_its_own() => fixture.UnderLoadAsync(async (cluster, writer) =>
    {
        await PruneAsync(cluster);
        var fresh = await cluster.CreateNodeAsync(cluster.Bed.Hosts[3]);
        await using (fresh)
        {
            await fresh.StartAsync();
            await fresh.AwaitAsync("NEEDS_MIGRATION", s => s is { Status: "NEEDS_MIGRATION", Role: "LEARNER" });
            Assert.NotNull(Lines.With(fresh.Log, "begins there too", "NEEDS_MIGRATION"));
            // SYNCING for a moment, between the log's new beginning and the look at the server.
            await Poll.NeverAsync("without its data it neither votes nor serves", TimeSpan.FromSeconds(4), async () => await fresh.StatusAsync() is { } s && (s.Status == "ACTIVE" || s.Role != "LEARNER") ? s.ToString() : null);
            await fresh.AwaitAsync("NEEDS_MIGRATION still", s => s is { Status: "NEEDS_MIGRATION", Role: "LEARNER" });
            await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 50);

            var migrated = await fresh.CtlAsync("migrate", "--from", $"{cluster.Bed.Hosts[1].Address}:8080", "--yes");
            Assert.True(migrated.ExitCode == 0, migrated.ToString());
            await fresh.AwaitAsync("ACTIVE, a voter", s => s is { Status: "ACTIVE", Role: "FOLLOWER" });

            // A copy of the whole machine.
            await fresh.StopAsync();
            await fresh.MariaDb!.StopAsync();
            await using var clone = await fresh.CloneAsync(cluster.Bed.Hosts[4], "wolftest5");
            await ReturnAsync(fresh);
            await clone.StartAsync();
            cluster.Add(fresh);
            cluster.Add(clone);
            await cluster.AwaitHealthyAsync();
            Assert.NotNull(Lines.With(clone.Log, "was used as node wolftest4 and is node wolftest5 now"));
            Assert.Equal("wolftest1 ACTIVE, wolftest2 ACTIVE, wolftest3 ACTIVE, wolftest4 ACTIVE, wolftest5 ACTIVE", (await clone.ClusterAsync()).Members);
            await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 50);
            await cluster.HoldWritesAsync(writer, () => cluster.Comparer.AssertIdenticalAsync([]));

            await cluster.LeaveAsync(clone);
            await cluster.LeaveAsync(fresh);
        }
    });

    [Fact]
    public Task A_restored_dump_is_taken_where_it_says_where_it_stands_and_else_needs_a_migration() => fixture.UnderLoadAsync(async (cluster, writer) =>
    {
        var leader = await cluster.LeaderAsync();
        var dump = await Command.RunAsync(
            "mariadb-dump", ["--no-defaults", $"--socket={leader.Server.Socket}", "--user=root", "--hex-blob", "--single-transaction", "--master-data=2", "--gtid", "--databases", NetworkCluster.Database], Patience);
        Assert.True(dump.ExitCode == 0, dump.Error);
        var position = GtidPosition().Match(dump.Output).Groups[1].Value;
        Assert.NotEmpty(position);
        await using var restored = await cluster.CreateNodeAsync(cluster.Bed.Hosts[3]);
        await restored.Server.LoadAsync(dump.Output);
        await restored.Server.RunAsync(["SET sql_log_bin = 0", .. NetworkCluster.Accounts]);

        // Data that nobody can tell from others'.
        await restored.StartAsync();
        await restored.AwaitAsync("NEEDS_MIGRATION", s => s.Status == "NEEDS_MIGRATION" && s.Reason!.Contains("holds data of its own and has no GTID position", StringComparison.Ordinal));
        await restored.StopAsync();

        await restored.Server.RunAsync($"SET GLOBAL gtid_slave_pos = '{position}'");
        await restored.StartAsync();
        cluster.Add(restored);
        await cluster.AwaitHealthyAsync();
        await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 50);
        await cluster.HoldWritesAsync(writer, () => cluster.Comparer.AssertIdenticalAsync([]));
        await cluster.LeaveAsync(restored);
    });

    /// <summary>Node and server, one machine after another, the leader too: the log does not reach back, so each is rebuilt by a copy, by itself.</summary>
    [Fact]
    public Task Each_machine_loses_its_disks_in_turn_and_is_rebuilt_by_itself() => fixture.UnderLoadAsync(async (cluster, writer) =>
    {
        await PruneAsync(cluster);
        foreach (var node in cluster.Nodes)
        {
            var lost = writer.Now;
            node.Settings["cluster.auto_migrate"] = "true";
            await RebuildAsync(cluster, node);
            await writer.AwaitAcknowledgedAsync(lost, Patience, count: 50);
            TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{node.Id}: ACTIVE again {(writer.Now - lost).TotalSeconds:0.0} s after its disks were lost"));
            Assert.NotNull(Lines.With(node.Log, "data are being replaced by a copy of"));
        }
    });

    /// <summary>The leader's log stands on a small disk of its own, which somebody fills.</summary>
    [Fact]
    public Task A_leader_whose_log_has_no_space_hands_over_and_takes_part_again_when_there_is_some() => fixture.UnderLoadAsync(async (cluster, writer) =>
    {
        var node = cluster.Nodes[0];
        var log = Path.Combine(node.DataFolder, "wal");
        node.Settings["cluster.auto_migrate"] = "true";
        node.Wrapper = ["sh", "-c", $"mkdir -p {log} && mount -t tmpfs -o size=24m wolfscale {log} && exec \"$@\"", "sh"];
        await RebuildAsync(cluster, node);
        await cluster.PromoteAsync(node);
        await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 50);

        await node.Server.RunAsync($"CREATE OR REPLACE TABLE {NetworkCluster.Database}.fill (b VARBINARY(1000))");
        var disk = $"/proc/{node.ProcessId}/root{log}";
        var filler = Path.Combine(disk, "filler");
        var full = writer.Now;
        await Poll.UntilAsync("its log to be full", Patience, async () =>
        {
            // Again and again: the segment that is written to has its space already, and old ones are deleted.
            _ = await Command.RunAsync("dd", ["if=/dev/zero", $"of={filler}", "bs=64k", "oflag=append", "conv=notrunc"], Patience);
            var fill = node.Server.RunAsync($"INSERT INTO {NetworkCluster.Database}.fill SELECT RANDOM_BYTES(1000) FROM {NetworkCluster.Database}.seq_1_to_400");
            _ = await Task.WhenAny(fill, Task.Delay(500)); // the one that finds no space hangs until the server is closed, and fails then
            return Lines.With(node.Log, "The log is full and the lead is given away") is null ? $"{fill.Status}" : null;
        }, TimeSpan.FromMilliseconds(10));
        var next = await cluster.LeaderAsync([.. cluster.Nodes.Where(n => n != node)]);
        await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 100);
        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{next.Id} leads; {node.Id} filled up {(writer.Now - full).TotalSeconds:0.0} s ago"));

        File.Delete(filler);
        await node.AwaitLineAsync("The log accepts writes again");
        await cluster.AwaitHealthyAsync();
        await cluster.PromoteAsync(node);
        await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 50);
        await cluster.PromoteAsync(next);

        node.Wrapper = [];
        await RebuildAsync(cluster, node);
    });

    [Fact]
    public Task All_machines_die_at_once_and_come_back_in_any_order() => fixture.UnderLoadAsync(async (cluster, writer) =>
    {
        int[][] orders = Long.Or<int[][]>([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]], [[2, 0, 1]]);
        foreach (var order in orders)
        {
            await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 50);
            await Task.WhenAll(cluster.Nodes.Select(n => n.KillAsync()));
            var dead = writer.Now;
            foreach (var index in order)
                await ReturnAsync(cluster.Nodes[index]);
            await writer.AwaitAcknowledgedAsync(dead, Patience, count: 20);
            await cluster.AwaitHealthyAsync();
        }
    });

    public async ValueTask DisposeAsync() => await fixture.AfterTestAsync();

    private static async Task RebuildAsync(NetworkCluster cluster, NodeProcess node)
    {
        await node.KillAsync();
        await node.LoseDisksAsync();
        await node.StartAsync();
        await cluster.AwaitHealthyAsync(TimeSpan.FromSeconds(180));
    }

    /// <summary>Its server, and then its node.</summary>
    private static async Task ReturnAsync(NodeProcess node)
    {
        await node.MariaDb!.StartAsync();
        await node.StartAsync();
    }

    /// <summary>Writes more than segments hold, and waits until every node has deleted the first of them.</summary>
    private static async Task PruneAsync(NetworkCluster cluster)
    {
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync($"CREATE TABLE IF NOT EXISTS {NetworkCluster.Database}.big (id INT AUTO_INCREMENT PRIMARY KEY, b VARBINARY(1000))");
        for (var i = 0; i < 6; i++)
            await leader.Server.RunAsync($"INSERT INTO {NetworkCluster.Database}.big (b) SELECT RANDOM_BYTES(1000) FROM {NetworkCluster.Database}.seq_1_to_500");
        foreach (var node in cluster.Nodes)
            await node.AwaitLineAsync("Deleted log segments up to LSN");
    }

    [GeneratedRegex("gtid_slave_pos='([^']*)'")]
    private static partial Regex GtidPosition();

    public sealed class ThreeMachines : NetworkFixture
    {
        internal override Task<NetworkCluster> StartAsync() =>
            NetworkCluster.StartAsync(3, spares: 2, "wolftest", ("wal.segment_size_mb", "1"), ("wal.retention_hours", "0"));
    }
}
