using System.Globalization;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.Acked;

namespace WolfScale.EndToEnd.Networks;

/// <summary>
/// A cluster of whole nodes, each on a machine of its own (<see cref="NetworkBed"/>): its address, its WolfScale, its MariaDB. Clients reach each
/// server through its socket, so that a cut between machines cuts nobody off but the machines.
/// </summary>
internal sealed class NetworkCluster : IAsyncDisposable
{
    public const string Database = "d";

    private const string Secret = "a secret of the tests' clusters";
    private const string User = "app";
    private const string Password = "app";

    /// <summary>What makes the writers' account.</summary>
    public static readonly string[] Accounts = [$"CREATE USER {User}@localhost IDENTIFIED BY '{Password}'", $"GRANT ALL ON {Database}.* TO {User}@localhost"];

    private readonly List<NodeProcess> _nodes = [];
    private readonly string _names;
    private readonly (string Key, string Value)[] _settings;

    private NetworkCluster(NetworkBed bed, string names, (string, string)[] settings) => (Bed, _names, _settings) = (bed, names, settings);

    public NetworkBed Bed { get; }

    public IReadOnlyList<NodeProcess> Nodes => _nodes;

    /// <summary>Of all nodes but witnesses.</summary>
    public IReadOnlyList<SqlServer> Servers => [.. _nodes.Where(n => n.MariaDb is not null).Select(n => n.Server)];

    public Comparer Comparer => new(Servers);

    /// <summary>Starts so many nodes, with the tables of <see cref="AckedWriter"/>, and returns when all are ACTIVE.</summary>
    /// <param name="nodes">Number of nodes.</param>
    /// <param name="spares">Machines beside, for <see cref="CreateNodeAsync"/>.</param>
    /// <param name="names">The nodes are this and a number.</param>
    /// <param name="settings">Overrides of the nodes' configuration: <c>section.key</c> and the value in TOML.</param>
    public static async Task<NetworkCluster> StartAsync(int nodes, int spares = 0, string names = "node-", params (string Key, string Value)[] settings)
    {
        var cluster = new NetworkCluster(await NetworkBed.CreateAsync(nodes + spares), names, settings);
        try
        {
            cluster._nodes.AddRange(await Task.WhenAll(cluster.Bed.Hosts.Take(nodes).Select(cluster.CreateNodeAsync)));
            await cluster._nodes[0].StartAsync("--bootstrap");
            var first = await cluster.LeaderAsync();
            await first.Server.RunAsync([$"CREATE DATABASE {Database}", .. Accounts]);
            await AckedWriter.CreateTablesAsync(first.Server, Database);
            await Task.WhenAll(cluster._nodes.Skip(1).Select(n => n.StartAsync()));
            await cluster.AwaitHealthyAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes a node on a machine, with an empty server that runs. It is not started, and not counted until it is <see cref="Add"/>ed.</summary>
    public Task<NodeProcess> CreateNodeAsync(NetworkHost host) => CreateNodeAsync(host, witness: false);

    /// <summary>The same without a MariaDB.</summary>
    public Task<NodeProcess> CreateWitnessAsync(NetworkHost host) => CreateNodeAsync(host, witness: true);

    private async Task<NodeProcess> CreateNodeAsync(NetworkHost host, bool witness)
    {
        var node = await NodeProcess.CreateAsync(host, Name(host), Secret, "faults", witness);
        // Discovery's broadcasts would pass a block.
        node.Settings["cluster.auto_discovery"] = "false";
        node.Settings["cluster.peers"] = $"[{string.Join(", ", Bed.Hosts.Select(h => NodeProcess.Text($"{h.Address}:7654")))}]";
        foreach (var (key, value) in _settings)
            node.Settings[key] = value;
        return node;
    }

    public NetworkHost HostOf(NodeProcess node) => Bed.Hosts.Single(h => node.Id == Name(h));

    /// <summary>From now on the node is one of those that must be healthy and identical.</summary>
    public void Add(NodeProcess node) => _nodes.Add(node);

    /// <summary>A node leaves for good, with <c>wolfctl leave</c>, and its machine is free again.</summary>
    public async Task LeaveAsync(NodeProcess node)
    {
        var left = await node.CtlAsync("leave", "--yes");
        Assert.True(left.ExitCode == 0, left.ToString());
        _ = _nodes.Remove(node);
        await node.DisposeAsync();
    }

    /// <summary>A planned switchover to this node.</summary>
    public async Task PromoteAsync(NodeProcess node)
    {
        if ((await LeaderAsync()).Id == node.Id)
            return;
        var done = await node.CtlAsync("promote", node.Id, "--yes");
        Assert.True(done.ExitCode == 0, done.ToString());
        Assert.Equal(node.Id, (await LeaderAsync()).Id);
    }

    /// <summary>Starts a client of every server that notes what it was told, with ids above <paramref name="firstId"/>.</summary>
    public AckedWriter Write(long firstId = 0) => AckedWriter.Start(Servers, new WriterOptions(User, Password, Database, firstId) { SessionsPerServer = 2 });

    /// <summary>Does something while the writer pauses and all that it wrote is applied everywhere.</summary>
    public async Task HoldWritesAsync(AckedWriter writer, Func<Task> doAsync)
    {
        using (writer.Hold())
        {
            await Comparer.AwaitSamePositionAsync(TimeSpan.FromSeconds(60));
            await doAsync();
        }
    }

    /// <summary>Waits for one node among these (or all) that says it leads and accepts writes.</summary>
    public async Task<NodeProcess> LeaderAsync(IReadOnlyList<NodeProcess>? among = null, TimeSpan? within = null)
    {
        NodeProcess? leader = null;
        await Poll.UntilAsync("a leader that accepts writes", within ?? TimeSpan.FromSeconds(60), async () =>
        {
            var statuses = await StatusesAsync(among ?? _nodes);
            var leading = statuses.Where(s => s is { Role: "LEADER", AcceptsWrites: true }).ToList();
            leader = leading.Count == 1 ? _nodes.Single(n => n.Id == leading[0]!.Id) : null;
            return leader is null ? Describe(statuses) : null;
        }, TimeSpan.FromMilliseconds(200));
        return leader!;
    }

    /// <summary>Waits until every node is ACTIVE and all follow one leader, which accepts writes.</summary>
    public Task<TimeSpan> AwaitHealthyAsync(TimeSpan? within = null) => Poll.UntilAsync("a cluster of active nodes", within ?? TimeSpan.FromSeconds(120), async () =>
    {
        var statuses = await StatusesAsync(_nodes);
        var healthy = Array.TrueForAll(statuses, s => s is { Status: "ACTIVE" }) && statuses.Count(s => s is { Role: "LEADER", AcceptsWrites: true }) == 1
            && statuses.DistinctBy(s => (s!.Leader, s.Term)).Count() == 1;
        return healthy ? null : Describe(statuses);
    }, TimeSpan.FromMilliseconds(200));

    /// <summary>Waits until every node sees so many members: one that has just left is still heard for a moment.</summary>
    public Task<TimeSpan> AwaitMembersAsync(int count) => Poll.UntilAsync($"{count} members", TimeSpan.FromSeconds(30), async () =>
    {
        var seen = await Task.WhenAll(_nodes.Select(n => n.ClusterAsync()));
        return Array.TrueForAll(seen, s => s.Members.Split(", ").Length == count) ? null : string.Join(" | ", seen.Select(s => s.Members));
    });

    /// <summary>The newest term that a node knows of.</summary>
    public async Task<long> TermAsync() => (await StatusesAsync(_nodes)).Max(s => s?.Term ?? 0);

    /// <summary>After <see cref="AckedWriter.StopAsync"/>: all servers identical, and what the writers were told holds on each of them.</summary>
    public async Task AssertNothingLostAsync(params AckedWriter[] writers)
    {
        await Comparer.AssertIdenticalAsync([new("table", $"{Database}.{AckedWriter.Table}", 1), new("table", $"{Database}.{AckedWriter.KeylessTable}", 1)], TimeSpan.FromSeconds(120));
        var verdict = await AckedVerdict.ReadAsync(Servers[0], Database, writers);
        TestContext.Current.TestOutputHelper!.WriteLine($"{verdict}\n{string.Join('\n', writers.Select(w => w.Summary()))}");
        verdict.AssertRight();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
            await node.DisposeAsync();
        await Bed.DisposeAsync();
    }

    private static Task<NodeStatus?[]> StatusesAsync(IEnumerable<NodeProcess> nodes) => Task.WhenAll(nodes.Select(n => n.StatusAsync()));

    private static string Describe(IEnumerable<NodeStatus?> statuses) => string.Join("; ", statuses.Select(s => s?.ToString() ?? "no answer"));

    private string Name(NetworkHost host) => string.Create(CultureInfo.InvariantCulture, $"{_names}{host.Number}");
}
