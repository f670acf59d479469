using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Networks;

/// <summary>Clusters of real processes that were given no peers, each node on a machine of its own.</summary>
public class DiscoveryTests
{
    private const string Secret = "a secret of the tests' clusters";

    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Three_nodes_and_a_load_balancer_without_peers_form_one_cluster_within_ten_seconds()
    {
        await using var bed = await NetworkBed.CreateAsync(4);
        await using var one = await NodeProcess.CreateAsync(bed.Hosts[0], "node-1", Secret, "prod");
        await using var two = await NodeProcess.CreateAsync(bed.Hosts[1], "node-2", Secret, "prod");
        await using var three = await NodeProcess.CreateAsync(bed.Hosts[2], "node-3", Secret, "prod");
        NodeProcess[] nodes = [one, two, three];
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(one.StartAsync("--bootstrap"), two.StartAsync(), three.StartAsync());
        await using var balancer = await StandAloneProgram.StartAsync(bed.Hosts[3], "load-balancer", $"[cluster]\nsecret = \"{Secret}\"\n", "--cluster-name", "prod");
        foreach (var node in nodes)
            await node.AwaitLineAsync("Discovery on UDP port 7654");
        await balancer.AwaitLineAsync("Discovery on UDP port 7654");
        // What is promised begins when they are launched. How soon four programs come up on a machine that does other things as well is not what the short form is about.
        if (!Long.Form)
            clock.Restart();
        await UntilAsync("three members", nodes, seen => seen.All(s => s.ClusterId is not null) && seen.All(s => s.Members.Count(',') == 2));
        await balancer.AwaitStatsAsync("the load balancer to know them", s => s.GetProperty("nodes").GetArrayLength() == 3);
        var formed = clock.Elapsed;
        await UntilAsync("three active nodes", nodes, "node-1 ACTIVE, node-2 ACTIVE, node-3 ACTIVE");
        await balancer.AwaitStatsAsync("a leader that takes writes", s => s.GetProperty("leader").ValueKind != JsonValueKind.Null);
        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture, $"one cluster after {formed.TotalSeconds:0.0} s, active after {clock.Elapsed.TotalSeconds:0.0} s"));
        // One run on a machine that does other things as well says little about a time; that it is not of another order it can say.
        Assert.True(formed < Long.Or(1, 3) * Promised, $"It took {formed}.\n{string.Join('\n', nodes.Select(n => n.Log))}\n{balancer.Log}");

        var leading = (await balancer.StatsAsync()).GetProperty("leader").GetString();
        var leader = nodes.Single(n => n.Id == leading);
        await leader.Server.RunAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "CREATE USER app IDENTIFIED BY 'app'", "GRANT ALL ON d.* TO app");
        Assert.Equal("7", await balancer.SqlAsync("app", "app", "INSERT INTO d.t VALUES (7); SELECT a FROM d.t"));
        foreach (var node in nodes)
            await Poll.UntilAsync($"the row on {node.Id}", TimeSpan.FromSeconds(10), async () => await node.Server.ScalarAsync("SELECT a FROM d.t") is "7" ? null : "no row");
    }

    /// <summary>Three clusters: two that differ in their names, two that have one name and differ in their secrets. A witness stands for the second node of each.</summary>
    [Fact]
    public async Task Clusters_with_other_names_or_secrets_never_mix()
    {
        await using var bed = await NetworkBed.CreateAsync(6);
        (string Name, string Secret)[] clusters = [("prod", Secret), ("test", Secret), ("test", "the third cluster's own secret")];
        var nodes = new List<NodeProcess>();
        try
        {
            foreach (var ((name, secret), index) in clusters.Select((c, i) => (c, i)))
            {
                nodes.Add(await NodeProcess.CreateAsync(bed.Hosts[2 * index], $"founder-{index}", secret, name));
                nodes.Add(await NodeProcess.CreateAsync(bed.Hosts[(2 * index) + 1], $"witness-{index}", secret, name, witness: true));
            }
            await Task.WhenAll(nodes.Select(n => n.MariaDb is null ? n.StartAsync() : n.StartAsync("--bootstrap")));
            for (var index = 0; index < clusters.Length; index++)
                await UntilAsync($"cluster {index}", nodes.Slice(2 * index, 2), $"founder-{index} ACTIVE, witness-{index} ACTIVE");
            foreach (var node in nodes)
                await node.AwaitLineAsync("Packets of another cluster", "left out");

            await Poll.NeverAsync("every cluster keeps to itself", 2 * Promised, async () =>
            {
                var seen = await Task.WhenAll(nodes.Select(n => n.ClusterAsync()));
                for (var index = 0; index < clusters.Length; index++)
                {
                    if (seen[2 * index] != seen[(2 * index) + 1] || seen[2 * index].Members != $"founder-{index} ACTIVE, witness-{index} ACTIVE")
                        return $"cluster {index}: {seen[2 * index]} and {seen[(2 * index) + 1]}";
                }
                return seen.DistinctBy(s => s.ClusterId).Count() == clusters.Length ? null : "two have one cluster id";
            });
            foreach (var (node, index) in nodes.Select((n, i) => (n, i / 2)))
                Assert.Equal([node.Id.StartsWith('f') ? $"witness-{index}" : $"founder-{index}"], Discovered(node));
        }
        finally
        {
            foreach (var node in nodes)
                await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task Over_IPv6_alone_nodes_find_one_another_too()
    {
        await using var bed = await NetworkBed.CreateAsync(2);
        await using var one = await NodeProcess.CreateAsync(bed.Hosts[0], "node-1", Secret, "prod");
        await using var two = await NodeProcess.CreateAsync(bed.Hosts[1], "node-2", Secret, "prod", witness: true);
        foreach (var (node, host) in ((NodeProcess, NetworkHost)[])[(one, bed.Hosts[0]), (two, bed.Hosts[1])])
        {
            await bed.ChangeAsync(host, "-4", "addr", "flush", "dev", "eth0");
            node.Settings["node.bind_address"] = NodeProcess.Text("[::]:7654");
            node.Settings["node.advertise_address"] = NodeProcess.Text($"[{host.AddressV6}]:7654");
        }
        await Task.WhenAll(one.StartAsync("--bootstrap"), two.StartAsync());
        await UntilAsync("two nodes", [one, two], "node-1 ACTIVE, node-2 ACTIVE");
    }

    /// <summary>A machine whose network comes late, and one that is reached over a card which the founder gets while it runs.</summary>
    [Fact]
    public async Task Networks_that_come_later_are_used()
    {
        await using var bed = await NetworkBed.CreateAsync(3);
        await using var one = await NodeProcess.CreateAsync(bed.Hosts[0], "node-1", Secret, "prod");
        await using var two = await NodeProcess.CreateAsync(bed.Hosts[1], "node-2", Secret, "prod", witness: true);
        await using var three = await NodeProcess.CreateAsync(bed.Hosts[2], "node-3", Secret, "prod", witness: true);
        await bed.ChangeAsync(bed.Hosts[1], "link", "set", "eth0", "down");
        await bed.ChangeAsync(bed.Hosts[2], "link", "set", "eth0", "down");
        await bed.AddAddressAsync(bed.Hosts[2], "eth1", "10.78.0.3/24");
        await bed.ChangeAsync(bed.Hosts[2], "route", "add", "default", "via", "10.78.0.1");
        three.Settings["node.advertise_address"] = NodeProcess.Text("10.78.0.3:7654");
        await Task.WhenAll(one.StartAsync("--bootstrap"), two.StartAsync(), three.StartAsync());
        await UntilAsync("the founder", [one], "node-1 ACTIVE");
        await two.AwaitLineAsync("Not a member of the cluster yet", "no member of a cluster named 'prod'", "--bootstrap");

        await bed.ChangeAsync(bed.Hosts[1], "link", "set", "eth0", "up");
        await UntilAsync("the node whose network came late", [one, two], "node-1 ACTIVE, node-2 ACTIVE");
        await bed.AddAddressAsync(bed.Hosts[0], "eth1", "10.78.0.1/24");
        await UntilAsync("the node on the second network", [one], "node-1 ACTIVE, node-2 ACTIVE, node-3 ACTIVE");
    }

    private static Task<TimeSpan> UntilAsync(string what, IReadOnlyList<NodeProcess> nodes, string members) => UntilAsync(what, nodes, seen => seen.All(s => s.Members == members));

    /// <summary>Waits until all see one cluster, and what they see of it satisfies the condition.</summary>
    private static Task<TimeSpan> UntilAsync(string what, IReadOnlyList<NodeProcess> nodes, Func<(string? ClusterId, string Members)[], bool> holds) => Poll.UntilAsync(what, TimeSpan.FromSeconds(60), async () =>
    {
        var seen = await Task.WhenAll(nodes.Select(n => n.ClusterAsync()));
        return holds(seen) && seen.DistinctBy(s => s.ClusterId).Count() == 1 ? null
            : string.Join(" | ", seen) + "\n" + string.Join("\n", nodes.Select(n => $"--- {n.Id}\n{string.Join('\n', n.Log.Split('\n').TakeLast(6))}"));
    });

    /// <summary>The ids that a node says it has discovered.</summary>
    private static IEnumerable<string> Discovered(NodeProcess node) =>
        node.Log.Split('\n').Where(l => l.Contains("Discovered node ", StringComparison.Ordinal)).Select(l => l.Split("Discovered node ")[1].Split(' ')[0]).Distinct();
}
