using System.Net.Sockets;
using MySqlConnector;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.Acked;

namespace WolfScale.EndToEnd.Networks;

/// <summary>
/// Mode "available" (rule C5) on two machines with a database and a witness, under load: what a partition costs is saved before anything is undone, however full the disk is and whoever is
/// killed, and the oracle (<see cref="LostWrites"/>) says each time that files, data and clients' histories add up. node-1 gets the lead back each time, by <c>failback = "auto"</c>.
/// </summary>
public sealed class AvailableStoryTests(AvailableStoryTests.TwoAndAWitness fixture) : IClassFixture<AvailableStoryTests.TwoAndAWitness>, IAsyncDisposable
{
    private const string CannotSave = "cannot be saved, so they are not cut off";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>
    /// The leader and the witness are cut off, in a tail with DDL. The disk for what is discarded has no space: nothing is undone, over a restart too. With space it is saved, the server
    /// cannot be undone exactly, and with auto_migrate it comes back by itself and gets the lead.
    /// </summary>
    [Fact]
    public Task The_losing_sides_tail_waits_for_space_and_with_ddl_in_it_the_server_is_rebuilt_by_itself() => fixture.UnderLoadAsync(async (cluster, writer) =>
    {
        var (one, two, witness) = Machines(cluster);
        var folder = Path.Combine(one.DataFolder, "data");
        await SmallDiskAsync(one, folder, full: false);
        await LeadAsync(cluster, one);

        await cluster.Bed.PartitionAsync([cluster.HostOf(one), cluster.HostOf(witness)], [cluster.HostOf(two)]);
        await one.Server.RunAsync($"ALTER TABLE {NetworkCluster.Database}.{AckedWriter.Table} ADD COLUMN losing INT");
        await BothWriteAsync(writer, one, two);
        await FillAsync(Filler(one, folder));
        var acknowledged = await CountAsync(one);

        await cluster.Bed.HealAsync();
        await one.AwaitLineAsync(CannotSave);
        await witness.AwaitLineAsync("transactions", "are discarded");
        Assert.NotEmpty(witness.Saved("discarded-log-"));
        await NothingIsUndoneAsync(one, acknowledged);

        // Killed while it waits, and the disk is still full.
        var before = one.Log.Length;
        await SmallDiskAsync(one, folder, full: true);
        await Poll.UntilAsync("it to wait again", Patience, () => Task.FromResult(Lines.With(one.Log[before..], CannotSave) is null ? "it does not" : null));
        await NothingIsUndoneAsync(one, acknowledged);

        File.Delete(Filler(one, folder));
        await one.AwaitAsync("NEEDS_MIGRATION", s => s.Status == "NEEDS_MIGRATION" && s.Reason!.Contains("cannot be undone exactly", StringComparison.Ordinal));
        Assert.True((await one.StatusAsync())!.Discarded is { Transactions: > 0 });

        // The small disk goes with the process: what is on it is kept where it belongs.
        var small = Path.Combine($"/proc/{one.ProcessId}/root{folder}");
        foreach (var file in Directory.GetFiles(small, "*.binlog"))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        one.Wrapper = [];
        await RestartAsync(one);
        await one.AwaitAsync("NEEDS_MIGRATION still", s => s.Status == "NEEDS_MIGRATION");
        one.Settings["cluster.auto_migrate"] = "true";
        await RestartAsync(one);
        await cluster.AwaitHealthyAsync();
        Assert.NotNull(Lines.With(one.Log, "data are being replaced by a copy of"));
        one.Settings["cluster.auto_migrate"] = "false";
        await Poll.UntilAsync("node-1 to get the lead back", Patience, async () => await one.StatusAsync() is { Role: "LEADER", AcceptsWrites: true } ? null : "it does not lead");
        Assert.Contains("node-1 is back and in step", two.Log, StringComparison.Ordinal);
    });

    /// <summary>Killed with its server as soon as it says that it discards, and the node alone as soon as its server's tail is saved.</summary>
    [Fact]
    public async Task A_node_that_is_killed_while_it_saves_and_rewinds_saves_each_write_once()
    {
        for (var run = 1; run <= Long.Or(10, 1); run++)
        {
            await fixture.UnderLoadAsync(async (cluster, writer) =>
            {
                var (one, two, witness) = Machines(cluster);
                await LeadAsync(cluster, one);
                await cluster.Bed.PartitionAsync([cluster.HostOf(one), cluster.HostOf(witness)], [cluster.HostOf(two)]);
                await BothWriteAsync(writer, one, two);

                var before = one.Log.Length;
                await cluster.Bed.HealAsync();
                await SaysAsync(one, before, "are discarded", NodesLeave(run));
                await one.KillAsync();
                before = one.Log.Length;
                await one.ReturnAsync();
                await Poll.UntilAsync("its server's tail to be saved, or undone already", Patience, async () =>
                    Lines.With(one.Log[before..], "that the cluster does not have are saved in") is not null || await one.StatusAsync() is { Status: "ACTIVE" } ? null : "it is not", TimeSpan.FromMilliseconds(1));
                await one.StopAsync(Signal.Kill);
                await one.StartAsync();
                await cluster.AwaitHealthyAsync();
                Assert.DoesNotContain("NEEDS_MIGRATION", one.Log[before..], StringComparison.Ordinal);
            });
            Assert.True(fixture.Lost > 0);
        }
    }

    /// <summary>The witness goes on with one database node, and that node without anybody; the witness alone takes no write. Then all come back in another order.</summary>
    [Fact]
    public Task A_witness_with_one_database_node_and_all_killed_and_restarted_in_any_order() => fixture.UnderLoadAsync(async (cluster, writer) =>
    {
        var (one, two, witness) = Machines(cluster);
        await LeadAsync(cluster, one);
        await one.KillAsync();
        await two.AwaitAsync("the leader", s => s.AcceptsWrites);
        await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 50);
        await witness.KillAsync();
        await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 50);
        await two.KillAsync();
        await witness.ReturnAsync();
        await Poll.NeverAsync("a witness takes no writes", TimeSpan.FromSeconds(2), async () => await witness.StatusAsync() is { AcceptsWrites: true } s ? s.ToString() : null);
        await two.ReturnAsync();
        await two.AwaitAsync("the leader again", s => s.AcceptsWrites);
        await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 50);
        await one.ReturnAsync();
        await cluster.AwaitHealthyAsync();

        int[][] orders = Long.Or<int[][]>([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]], [[2, 1, 0]]);
        foreach (var order in orders)
        {
            await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 50);
            await Task.WhenAll(cluster.Nodes.Select(n => n.KillAsync()));
            var dead = writer.Now;
            foreach (var index in order)
                await cluster.Nodes[index].ReturnAsync();
            await writer.AwaitAcknowledgedAsync(dead, Patience, count: 20);
            await cluster.AwaitHealthyAsync();
        }
    });

    public async ValueTask DisposeAsync() => await fixture.AfterTestAsync();

    private static (NodeProcess One, NodeProcess Two, NodeProcess Witness) Machines(NetworkCluster cluster) => (cluster.Nodes[0], cluster.Nodes[1], cluster.Nodes[2]);

    /// <summary>By hand, unless failback has been quicker.</summary>
    private static async Task LeadAsync(NetworkCluster cluster, NodeProcess node)
    {
        await cluster.AwaitHealthyAsync();
        if (await node.StatusAsync() is not { Role: "LEADER" })
            _ = await node.CtlAsync("promote", node.Id, "--yes"); // refused where failback is under way
        await node.AwaitAsync("the leader", s => s is { Role: "LEADER", AcceptsWrites: true });
        await cluster.AwaitHealthyAsync();
    }

    private static async Task BothWriteAsync(AckedWriter writer, NodeProcess one, NodeProcess two)
    {
        await two.AwaitAsync("a leader of its own", s => s.AcceptsWrites);
        await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 20, two.Id);
        await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 20, one.Id);
    }

    private static Task<long> CountAsync(NodeProcess node) => Task.Run(async () => long.Parse(
        (await node.Server.ScalarAsync($"SELECT COUNT(*) FROM {NetworkCluster.Database}.{AckedWriter.KeylessTable}"))!, System.Globalization.CultureInfo.InvariantCulture));

    private static async Task NothingIsUndoneAsync(NodeProcess node, long rows)
    {
        var looks = 0;
        await Poll.NeverAsync("nothing is undone before it is saved", TimeSpan.FromSeconds(2), async () =>
        {
            try
            {
                var now = await CountAsync(node);
                looks++;
                return now < rows ? $"{now} of {rows} rows" : null;
            }
            catch (Exception e) when (e is MySqlException or SocketException)
            {
                return null; // the server's clients are killed with each of the node's attempts, and this is one
            }
        });
        Assert.NotEqual(0, looks);
    }

    private static async Task RestartAsync(NodeProcess node)
    {
        await node.StopAsync();
        await node.StartAsync();
    }

    private static async Task SaysAsync(NodeProcess node, int since, string words, TimeSpan later)
    {
        await Poll.UntilAsync($"{node.Id} to say \"{words}\"", Patience, () => Task.FromResult(
            Lines.With(node.Log[since..], words) is null ? $"it does not: {string.Join('\n', node.Log.Split('\n').TakeLast(5))}" : null), TimeSpan.FromMilliseconds(1));
        await Task.Delay(later);
    }

    /// <summary>At once, and in later runs somewhat after: before the cut is durable, or in the middle of what comes then.</summary>
    private static TimeSpan NodesLeave(int run) => TimeSpan.FromMilliseconds(5 * (run - 1));

    /// <summary>Kills the node and starts it with a small disk of its own for what it discards.</summary>
    private static async Task SmallDiskAsync(NodeProcess node, string folder, bool full)
    {
        var fill = full ? $"dd if=/dev/zero of={folder}/filler bs=4k 2> /dev/null;" : "";
        node.Wrapper = ["sh", "-c", $"mkdir -p {folder} && mount -t tmpfs -o size=4m wolfscale {folder} && {{ {fill} exec \"$@\"; }}", "sh"];
        await node.StopAsync(Signal.Kill);
        await node.StartAsync();
    }

    private static string Filler(NodeProcess node, string folder) => $"/proc/{node.ProcessId}/root{folder}/filler";

    private static async Task FillAsync(string filler) => _ = await Command.RunAsync("dd", ["if=/dev/zero", $"of={filler}", "bs=4k"], Patience);

    public sealed class TwoAndAWitness : AvailableFixture
    {
        internal override async Task<NetworkCluster> StartAsync()
        {
            var cluster = await NetworkCluster.StartAsync(2, spares: 1, settings: [.. Settings, ("cluster.failback", NodeProcess.Text("auto"))]);
            var witness = await cluster.CreateWitnessAsync(cluster.Bed.Hosts[2]);
            cluster.Add(witness);
            await witness.StartAsync();
            await cluster.AwaitHealthyAsync();
            return cluster;
        }
    }
}
