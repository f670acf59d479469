using System.Text.RegularExpressions;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary>Mode "available" (rule C5) on real servers: down to one node, and through a partition in which both sides write.</summary>
public sealed partial class AvailableTests
{
    private const string Secret = "a secret of the tests' clusters";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task Leads_pass_to_the_next_id_down_to_one_node_and_do_not_come_back_by_themselves()
    {
        await using var cluster = await DemoCluster.StartAsync(3, "cluster.mode=available");
        await cluster.AwaitHealthyAsync(Soon);
        Assert.Equal(("available", "LEADER"), await cluster.StatusAsync("node-1") is { } first ? (first.Mode, first.Role) : default);
        await cluster.Facts.Node("node-1").Server.RunAsync("CREATE TABLE demo.t (a INT PRIMARY KEY)", "INSERT INTO demo.t VALUES (1)");
        await cluster.Comparer.AwaitSamePositionAsync(Soon);

        await cluster.SignalAsync("node-1", Part.Both, Signal.Kill);
        var second = await cluster.LeaderAsync(except: "node-1", within: Soon);
        Assert.Equal("node-2", second.Id);
        await second.Server.RunAsync("INSERT INTO demo.t VALUES (2)");
        await Poll.UntilAsync("the row on node-3", Soon, async () => await cluster.Facts.Node("node-3").Server.ScalarAsync("SELECT COUNT(*) FROM demo.t") is "2" ? null : "not yet");

        await cluster.SignalAsync("node-2", Part.Both, Signal.Kill);
        await Poll.UntilAsync("the last node to lead", Soon, async () => await cluster.StatusAsync("node-3") is { AcceptsWrites: true } ? null : "not yet");
        await cluster.Facts.Node("node-3").Server.RunAsync("INSERT INTO demo.t VALUES (3)");

        await cluster.StartNodeAsync("node-1");
        await cluster.StartNodeAsync("node-2");
        await cluster.AwaitHealthyAsync(Soon);
        Assert.Equal("node-3", (await cluster.LeaderAsync()).Id);
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.t", 3)], Soon);
        foreach (var node in cluster.Facts.Nodes)
            Assert.Null((await cluster.StatusAsync(node.Id))!.Discarded);

        // One mode in a cluster: a node whose owner believes otherwise does not take part, and says why.
        await using var other = (await NodeProcess.CreateAsync("node-4", 4)).ThatJoins(cluster);
        await other.StartAsync();
        await other.AwaitLineAsync("cluster.mode = \"consistent\" in this node's configuration", "runs in mode \"available\"");
        await other.StopAsync();
        await other.StartAsync();
        Assert.NotEqual(0, await other.AwaitExitAsync(TimeSpan.FromSeconds(60)));
    }

    /// <summary>The former leader with a follower on one side, a node alone on the other: the later epoch's history stays, and the other side's goes into files.</summary>
    [Fact]
    public async Task Both_sides_of_a_partition_write_and_the_older_epoch_is_rewound_and_saved()
    {
        await using var bed = await NetworkBed.CreateAsync(3);
        await using var first = await NodeProcess.CreateAsync(bed.Hosts[0], "node-1", Secret, "prod");
        await using var second = await NodeProcess.CreateAsync(bed.Hosts[1], "node-2", Secret, "prod");
        await using var third = await NodeProcess.CreateAsync(bed.Hosts[2], "node-3", Secret, "prod");
        NodeProcess[] nodes = [first, second, third];
        foreach (var node in nodes)
        {
            // Patient, so that a busy machine is not taken for a dead leader.
            node.Settings["cluster.mode"] = NodeProcess.Text("available");
            node.Settings["cluster.election_timeout_min_ms"] = "5000";
            node.Settings["cluster.election_timeout_max_ms"] = "8000";
        }

        await Task.WhenAll(first.StartAsync("--bootstrap"), second.StartAsync(), third.StartAsync());
        await Task.WhenAll(nodes.Select(n => n.AwaitAsync("active", s => s.Status == "ACTIVE")));
        var leading = (await first.StatusAsync())!.Leader;
        var old = nodes.Single(n => n.Id == leading);
        await old.AwaitAsync("the leader", s => s.AcceptsWrites);
        NodeProcess[] others = [.. nodes.Where(n => n != old)];
        NodeProcess[] losing = [old, others[1]];
        var winner = others[0];
        NetworkHost Host(NodeProcess node) => bed.Hosts[Array.IndexOf(nodes, node)];
        await old.Server.RunAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY, v VARCHAR(20))", "INSERT INTO d.t SELECT seq, 'before' FROM d.seq_1_to_10");
        var comparer = new Comparer([.. nodes.Select(n => n.Server)]);
        await comparer.AwaitSamePositionAsync(Soon);

        await bed.PartitionAsync([Host(losing[0]), Host(losing[1])], [Host(winner)]);
        await winner.AwaitAsync("a leader of its own", s => s.AcceptsWrites);
        for (var i = 1; i <= 20; i++)
        {
            await old.Server.RunAsync($"INSERT INTO d.t VALUES ({1000 + i}, 'loses')");
            await winner.Server.RunAsync($"INSERT INTO d.t VALUES ({2000 + i}, 'stays')");
        }

        await old.Server.RunAsync("UPDATE d.t SET v = 'loses' WHERE a = 1");
        await Poll.UntilAsync("the losing side's rows on its follower", Soon, async () => await losing[1].Server.ScalarAsync("SELECT COUNT(*) FROM d.t WHERE v = 'loses'") is "21" ? null : "not yet");
        Assert.True((await old.StatusAsync())!.AcceptsWrites, "it was to lead until it hears of the other");

        foreach (var node in losing)
        {
            await bed.UnblockAsync(Host(node), Host(winner));
            await bed.UnblockAsync(Host(winner), Host(node));
        }

        foreach (var node in losing)
            await node.AwaitAsync("a follower of the other side", s => s is { Status: "ACTIVE", Role: "FOLLOWER" } && s.Leader == winner.Id);
        await winner.Server.RunAsync("INSERT INTO d.t VALUES (3000, 'after')");
        await comparer.AssertIdenticalAsync([new("table", "d.t", 31)], Soon);
        Assert.Equal("10", await winner.Server.ScalarAsync("SELECT COUNT(*) FROM d.t WHERE v = 'before'"));
        Assert.Empty(winner.Saved("discarded"));

        // What the log gave up, and what the server had to undo: the same transactions on both losers, exactly those that the other side never had.
        foreach (var node in losing)
        {
            Assert.Equal(21, (await node.StatusAsync())!.Discarded?.Transactions);
            Assert.DoesNotContain("Errant transaction", node.Log, StringComparison.Ordinal); // nobody wrote behind the cluster's back
            await node.AwaitLineAsync("21 transactions", $"are discarded: {winner.Id} leads a later epoch");
            Assert.Equal(Enumerable.Range(1001, 20).Prepend(1), await ChangedAsync(node.Saved("discarded-log-")));
            Assert.Equal(Enumerable.Range(1001, 20).Prepend(1), await ChangedAsync([.. node.Saved("discarded-").Except(node.Saved("discarded-log-"))]));
        }
    }

    /// <summary>The keys of the rows that the transactions in these files insert, or change to, as <c>mariadb-binlog</c> reads them.</summary>
    private static async Task<IEnumerable<int>> ChangedAsync(IReadOnlyList<string> files)
    {
        Assert.NotEmpty(files);
        var keys = new SortedSet<int>();
        foreach (var file in files)
        {
            var read = await Command.RunAsync("mariadb-binlog", ["--no-defaults", "--verbose", "--base64-output=decode-rows", file], TimeSpan.FromSeconds(60));
            Assert.True(read.ExitCode == 0, $"mariadb-binlog cannot read {file}: {read.Error}");
            foreach (Match row in NewRow().Matches(read.Output))
                keys.Add(int.Parse(row.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture));
        }
        return keys;
    }

    [GeneratedRegex(@"### SET\n###   @1=(\d+)")]
    private static partial Regex NewRow();
}
