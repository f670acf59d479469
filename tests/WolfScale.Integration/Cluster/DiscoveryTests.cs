using System.Net;
using System.Net.Sockets;
using WolfScale.Cluster;
using WolfScale.Cluster.Discovery;

namespace WolfScale.Integration.Cluster;

/// <summary>
/// Nodes without a list of peers, on loopback: each has an address of 127.0.0.0/8 for itself, and all share one port, over whose UDP side they find one another.
/// Networks with interfaces of their own are in <c>WolfScale.EndToEnd</c>.
/// </summary>
public class DiscoveryTests
{
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(10);

    private readonly int _port = Ports.FreeRange(1);
    private int _addresses;

    [Fact]
    public async Task Three_nodes_without_peers_form_one_cluster()
    {
        await using var cluster = new TestCluster();
        await Task.WhenAll(StartAsync(cluster, "node-1", o => o with { Bootstrap = true }), StartAsync(cluster, "node-2"), StartAsync(cluster, "node-3"));
        await cluster.UntilAsync("three voters", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 3 }), (int)Promised.TotalSeconds);
        await cluster.WriteAsync(1);
        await cluster.UntilEqualAsync();
    }

    [Fact]
    public async Task Clusters_with_other_names_or_secrets_on_one_network_never_mix()
    {
        await using var first = new TestCluster { Options = o => o with { ClusterName = "prod" } };
        await using var second = new TestCluster { Options = o => o with { ClusterName = "test" } };
        await using var third = new TestCluster { Options = o => o with { ClusterName = "test", Secret = "the third's own secret" } };
        TestCluster[] all = [first, second, third];
        await Task.WhenAll(all.SelectMany(c => (Task[])[StartAsync(c, "node-1", o => o with { Bootstrap = true }), StartAsync(c, "node-2")]));
        foreach (var cluster in all)
            await cluster.UntilAsync("two voters", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 2 }), (int)Promised.TotalSeconds);

        Assert.Equal(3, all.SelectMany(c => c.Nodes).Select(n => n.Configuration!.ClusterId).Distinct().Count());
        foreach (var cluster in all)
        {
            await cluster.UntilAsync("the others' beacons to have come", () => cluster.Nodes.All(n => n.Discovery!.Refused(BeaconRefusal.Signature) > 10));
            Assert.All(cluster.Nodes, n => Assert.Equal(cluster.Nodes.Count - 1, n.Discovery!.Heard.Length));
            Assert.All(cluster.Nodes, n => Assert.Equal(2, n.Configuration!.Members.Length));
            // Nobody has even dialled a node of another cluster.
            Assert.All(cluster.Logs.Values, log => Assert.Equal((0, 0, 1), (log.Count("Refused a cluster connection"), log.Count("refuses this node"), log.Count("of another cluster"))));
        }
    }

    [Fact]
    public async Task Two_fresh_nodes_found_nothing_and_say_what_is_missing()
    {
        await using var cluster = new TestCluster();
        await Task.WhenAll(StartAsync(cluster, "node-1"), StartAsync(cluster, "node-2"));
        await cluster.UntilAsync("both to have heard one another", () => cluster.Nodes.All(n => n.Discovery!.Heard.Length == 1));
        await cluster.UntilAsync("both to say why they wait", () => cluster.Nodes.All(n =>
            n.View.Self.Reason.Contains("in no cluster either", StringComparison.Ordinal) && n.View.Self.Reason.Contains("--bootstrap", StringComparison.Ordinal)));
        Assert.All(cluster.Nodes, n => Assert.Null(n.Configuration));

        await StartAsync(cluster, "node-3", o => o with { Bootstrap = true });
        await cluster.UntilAsync("three voters", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 3 }), (int)Promised.TotalSeconds);
    }

    [Fact]
    public async Task A_wiped_founder_that_hears_its_cluster_does_not_found_a_second_one()
    {
        await using var cluster = new TestCluster();
        await Task.WhenAll(StartAsync(cluster, "node-1", o => o with { Bootstrap = true }), StartAsync(cluster, "node-2"), StartAsync(cluster, "node-3"));
        await cluster.UntilAsync("three voters", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 3 }));
        var id = cluster["node-2"].Configuration!.ClusterId;
        await cluster.KillAsync("node-1");
        cluster.Forget("node-1");

        var refused = await Assert.ThrowsAsync<ClusterStartException>(() => StartAsync(cluster, "node-1", o => o with
        {
            Bootstrap = true,
            BootstrapBase = _ => throw new InvalidOperationException("the database must not be touched"),
        }));
        Assert.Contains("--bootstrap is refused", refused.Message, StringComparison.Ordinal);
        Assert.Contains(id.ToString(), refused.Message, StringComparison.Ordinal);

        // Without --bootstrap it is let in, as a new incarnation.
        await StartAsync(cluster, "node-1");
        await cluster.UntilAsync("three voters again", () => cluster["node-1"].Configuration is { VoterCount: 3 } c && c.IsVoter(cluster["node-1"].Self));
        Assert.Equal(id, cluster["node-1"].Configuration!.ClusterId);
    }

    [Fact]
    public async Task Of_two_that_want_to_found_at_once_one_does_at_most()
    {
        await using var cluster = new TestCluster();
        var founders = await Task.WhenAll(((string[])["node-1", "node-2"]).Select(id =>
            Record.ExceptionAsync(() => StartAsync(cluster, id, o => o with { Bootstrap = true })).AsTask()));

        // The first that hears the other gives up; the other may have heard it by then, or not.
        Assert.InRange(founders.Count(f => f is null), 0, 1);
        Assert.All(founders.OfType<Exception>(), f => Assert.Contains("wants to found a cluster of this name at this moment too", Assert.IsType<ClusterStartException>(f).Message, StringComparison.Ordinal));
    }

    /// <summary>A founder ends before it has founded anything; who has recorded what it said says it again when it is started anew, within the time in which packets are believed.</summary>
    [Fact]
    public async Task A_recorded_founding_keeps_nobody_from_founding()
    {
        await using var cluster = new TestCluster();
        using var stranger = Stranger();
        var recorded = new List<byte[]>();
        await using (var ended = Service("test", "a secret of the test", new LogLines("ended")))
        {
            ended.Announce(new Beacon(Guid.NewGuid(), "node-1", Guid.Empty, $"127.0.1.1:{_port}", "", ApiTls: false, Founding: true));
            ended.Start();
            var packet = new byte[2000];
            while (recorded.Count < 2)
                recorded.Add(packet[..await stranger.ReceiveAsync(packet).WaitAsync(Promised)]);
        }

        await SayAsync(stranger, () => recorded, async () => await StartAsync(cluster, "node-1", o => o with { Bootstrap = true }));

        Assert.Equal(1, cluster.Logs["node-1"].Count("node-1", "wanted to found a cluster and does not answer"));
        await cluster.WriteAsync(1);
    }

    /// <summary>Its packets look like recorded ones, until it is a member.</summary>
    [Fact]
    public async Task A_founder_that_hears_nobody_is_waited_for()
    {
        await using var cluster = new TestCluster();
        using var stranger = Stranger();
        var seal = new BeaconSeal("a secret of the test", "test");
        var deaf = new Beacon(Guid.NewGuid(), "node-2", Guid.Empty, $"127.0.1.99:{_port}", "", ApiTls: false, Founding: true);
        var founded = deaf with { ClusterId = Guid.NewGuid(), Founding = false };
        bool Waits() => cluster.Logs.TryGetValue("node-1", out var log) && log.Count("node-2", "does not answer") > 0;

        var refused = await Assert.ThrowsAsync<ClusterStartException>(() => SayAsync(
            stranger, () => [seal.Seal(Waits() ? founded : deaf, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds())], () => StartAsync(cluster, "node-1", o => o with { Bootstrap = true })));

        Assert.Contains(founded.ClusterId.ToString(), refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cluster_whose_every_address_has_changed_comes_together_again()
    {
        await using var cluster = new TestCluster();
        string[] ids = ["node-1", "node-2", "node-3"];
        await Task.WhenAll(ids.Select(id => StartAsync(cluster, id, o => o with { Bootstrap = id == "node-1" })));
        await cluster.UntilAsync("three voters", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 3 }));
        await cluster.WriteAsync(1);
        foreach (var id in ids)
            await cluster.KillAsync(id);

        await Task.WhenAll(ids.Select(id => StartAsync(cluster, id)));
        await cluster.WriteAsync(2);
        await cluster.UntilAsync("the new addresses in the configuration", () => cluster.Nodes.All(n =>
            n.Configuration!.Members.All(m => cluster.Nodes.Any(o => o.Self == m.Key && o.Address == m.Address))));
    }

    [Fact]
    public async Task Without_a_secret_or_when_it_is_switched_off_nobody_is_found()
    {
        await using var cluster = new TestCluster();
        await StartAsync(cluster, "node-1", o => o with { Bootstrap = true, Secret = "" });
        await StartAsync(cluster, "node-2", o => o with { Secret = "" });
        await StartAsync(cluster, "node-3", o => o with { Discovery = false });

        Assert.All(cluster.Nodes, n => Assert.Null(n.Discovery));
        Assert.Equal((1, 0), (cluster.Logs["node-2"].Count("Discovery is off", "cluster.secret is empty"), cluster.Logs["node-3"].Count("Discovery")));
        await cluster.UntilAsync("it to say what to do", () => cluster["node-3"].View.Self.Reason.Contains("set cluster.peers", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Hostile_packets_change_nothing_and_cost_little()
    {
        var log = new LogLines("listener");
        await using var listener = Service("prod", "a secret of the test", log);
        listener.Start();
        await using var node = Service("prod", "a secret of the test", new LogLines("node"));
        using var stranger = Stranger();
        node.Announce(new Beacon(Guid.NewGuid(), "node-1", Guid.NewGuid(), "127.0.0.1:7654", "", ApiTls: false, Founding: false));
        node.Start();
        var recorded = new byte[2000];
        recorded = recorded[..await stranger.ReceiveAsync(recorded).WaitAsync(Promised)];
        await UntilAsync("the listener to have heard it as well", () => !listener.Heard.IsEmpty); // before that, a recording is the first there is
        await node.DisposeAsync();
        await UntilAsync("the node to be forgotten", () => listener.Heard.IsEmpty);

        var to = new IPEndPoint(IPAddress.Parse("127.255.255.255"), _port);
        byte[][] packets = [recorded, recorded[..^1], [.. recorded, .. new byte[4000]], [], new byte[200], new BeaconSeal("a secret of the test", "other").Seal(
            new Beacon(Guid.NewGuid(), "node-1", Guid.NewGuid(), "127.0.0.1:7654", "", ApiTls: false, Founding: false), DateTimeOffset.UtcNow.ToUnixTimeMilliseconds())];
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < 60_000; i++)
            stranger.SendTo(packets[i % packets.Length], to);
        await UntilAsync("every kind to have been refused", () => listener.Refused(BeaconRefusal.Repeated) > 0
            && listener.Refused(BeaconRefusal.Size) > 0 && listener.Refused(BeaconRefusal.Format) > 0 && listener.Refused(BeaconRefusal.Signature) > 0);

        Assert.Empty(listener.Heard);
        Assert.InRange(log.All.Count, 1, 5);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 4 << 20);

        // And who is genuine is heard after it.
        await using var late = Service("prod", "a secret of the test", new LogLines("late"));
        late.Announce(new Beacon(Guid.NewGuid(), "node-2", Guid.NewGuid(), "127.0.0.2:7654", "", ApiTls: false, Founding: false));
        late.Start();
        Assert.NotNull(await listener.FindAsync(b => b.NodeId == "node-2", Promised, CancellationToken.None));
    }

    [Fact]
    public async Task A_node_whose_clock_is_wrong_is_not_believed_and_that_is_said()
    {
        var log = new LogLines("listener");
        await using var listener = Service("prod", "a secret of the test", log);
        listener.Start();
        using var sender = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { EnableBroadcast = true };
        var beacon = new Beacon(Guid.NewGuid(), "node-7", Guid.NewGuid(), "127.0.0.7:7654", "", ApiTls: false, Founding: false);
        var packet = new BeaconSeal("a secret of the test", "prod").Seal(beacon, DateTimeOffset.UtcNow.AddMinutes(-5).ToUnixTimeMilliseconds());
        await UntilAsync("the beacon to be refused", () =>
        {
            sender.SendTo(packet, new IPEndPoint(IPAddress.Parse("127.255.255.255"), _port));
            return listener.Refused(BeaconRefusal.OutOfTime) > 3;
        });

        Assert.Empty(listener.Heard);
        Assert.Equal(1, log.Count("node-7", "is not believed", "NTP"));
    }

    [Fact]
    public async Task Between_two_clusters_of_one_name_and_secret_a_fresh_node_does_not_choose()
    {
        var log = new LogLines("listener");
        await using var listener = Service("prod", "a secret of the test", log);
        listener.Start();
        Guid[] clusters = [Guid.NewGuid(), Guid.NewGuid()];
        await using var first = Service("prod", "a secret of the test", new LogLines("first"));
        await using var second = Service("prod", "a secret of the test", new LogLines("second"));
        foreach (var (service, index) in ((DiscoveryService, int)[])[(first, 0), (second, 1)])
        {
            service.Announce(new Beacon(Guid.NewGuid(), $"node-{index}", clusters[index], $"127.0.0.{index + 1}:7654", "", ApiTls: false, Founding: false));
            service.Start();
        }
        await UntilAsync("both to be heard", () => listener.Heard.Length == 2);

        Assert.Empty(listener.Members(Guid.Empty));
        Assert.Equal("node-1", Assert.Single(listener.Members(clusters[1])).NodeId);
        Assert.Empty(listener.Members(Guid.NewGuid()));
        Assert.Equal(1, log.Count("Several clusters", clusters[0].ToString(), clusters[1].ToString()));
    }

    private DiscoveryService Service(string name, string secret, LogLines log) =>
        new(new DiscoveryOptions { ClusterName = name, Secret = secret, Bind = new IPEndPoint(IPAddress.Loopback, _port) }, log, TimeProvider.System);

    /// <summary>Somebody on the network, who hears everything.</summary>
    private Socket Stranger()
    {
        var stranger = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { EnableBroadcast = true };
        stranger.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        stranger.Bind(new IPEndPoint(IPAddress.Any, _port));
        return stranger;
    }

    /// <summary>Sends packets to everybody, again and again while something is done.</summary>
    private async Task SayAsync(Socket sender, Func<IReadOnlyList<byte[]>> packets, Func<Task> doAsync)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var done = doAsync();
        while (!done.IsCompleted)
        {
            foreach (var packet in packets())
                sender.SendTo(packet, new IPEndPoint(IPAddress.Parse("127.255.255.255"), _port));
            await timer.WaitForNextTickAsync();
        }

        await done;
    }

    /// <summary>Starts a node on the next address of loopback.</summary>
    private Task<ClusterNode> StartAsync(TestCluster cluster, string id, Func<ClusterOptions, ClusterOptions>? change = null)
    {
        var address = $"127.0.1.{Interlocked.Increment(ref _addresses)}:{_port}";
        return cluster.StartAsync(id, o => (change ?? (same => same))(o with { BindAddress = address, Peers = [], Discovery = true }));
    }

    private static async Task UntilAsync(string what, Func<bool> condition)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        var started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(30), $"waited in vain for {what}");
            await poll.WaitForNextTickAsync();
        }
    }
}
