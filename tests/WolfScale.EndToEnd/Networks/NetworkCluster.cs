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

    private readonly List<NodeProcess> _nodes = [];

    private NetworkCluster(NetworkBed bed) => Bed = bed;

    public NetworkBed Bed { get; }

    public IReadOnlyList<NodeProcess> Nodes => _nodes;

    public IReadOnlyList<SqlServer> Servers => [.. _nodes.Select(n => n.Server)];

    public Comparer Comparer => new(Servers);

    /// <summary>Starts so many nodes, with the tables of <see cref="AckedWriter"/>, and returns when all are ACTIVE.</summary>
    /// <param name="count">Number of nodes.</param>
    /// <param name="settings">Overrides of the nodes' configuration: <c>section.key</c> and the value in TOML.</param>
    public static async Task<NetworkCluster> StartAsync(int count, params (string Key, string Value)[] settings)
    {
        var cluster = new NetworkCluster(await NetworkBed.CreateAsync(count));
        try
        {
            var peers = string.Join(", ", cluster.Bed.Hosts.Select(h => NodeProcess.Text($"{h.Address}:7654")));
            cluster._nodes.AddRange(await Task.WhenAll(cluster.Bed.Hosts.Select(h => NodeProcess.CreateAsync(h, Name(h), Secret, "faults"))));
            foreach (var node in cluster._nodes)
            {
                // Discovery's broadcasts would pass a block.
                node.Settings["cluster.auto_discovery"] = "false";
                node.Settings["cluster.peers"] = $"[{peers}]";
                foreach (var (key, value) in settings)
                    node.Settings[key] = value;
            }
            await cluster._nodes[0].StartAsync("--bootstrap");
            var first = await cluster.LeaderAsync();
            await first.Server.RunAsync($"CREATE DATABASE {Database}", $"CREATE USER {User}@localhost IDENTIFIED BY '{Password}'", $"GRANT ALL ON {Database}.* TO {User}@localhost");
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

    /// <summary>Starts a client of every server that notes what it was told, with ids above <paramref name="firstId"/>.</summary>
    public AckedWriter Write(long firstId = 0) => AckedWriter.Start(Servers, new WriterOptions(User, Password, Database, firstId) { SessionsPerServer = 2 });

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

    private static string Name(NetworkHost host) => string.Create(CultureInfo.InvariantCulture, $"node-{host.Number}");
}

/// <summary>One cluster for the tests of a class, until one of them fails: the next then gets a new one.</summary>
public abstract class NetworkFixture : IAsyncLifetime
{
    private NetworkCluster? _cluster;
    private long _nextId;

    protected abstract int Nodes { get; }

    /// <summary>The cluster, whole and healthy.</summary>
    internal async Task<NetworkCluster> HealthyAsync()
    {
        if (_cluster is null)
        {
            _cluster = await NetworkCluster.StartAsync(Nodes);
            _nextId = 0;
        }
        await _cluster.AwaitHealthyAsync();
        return _cluster;
    }

    /// <summary>Runs a story beside writers whose ids nobody had before; then all servers must be identical and hold what was acknowledged, now and in earlier stories.</summary>
    internal async Task UnderLoadAsync(Func<NetworkCluster, AckedWriter, Task> storyAsync)
    {
        var cluster = await HealthyAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync($"DELETE FROM {NetworkCluster.Database}.{AckedWriter.Table}", $"DELETE FROM {NetworkCluster.Database}.{AckedWriter.KeylessTable}");
        await using var writer = cluster.Write(_nextId);
        await writer.AwaitAcknowledgedAsync(TimeSpan.Zero, TimeSpan.FromSeconds(30), count: 50);
        await storyAsync(cluster, writer);
        await writer.AwaitAcknowledgedAsync(writer.Now, TimeSpan.FromSeconds(30), count: 50);
        await writer.StopAsync();
        _nextId = writer.Attempts.Max(a => a.Id);
        await cluster.AssertNothingLostAsync(writer);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>Called after each test: no test stands on another's ruins.</summary>
    internal async Task AfterTestAsync()
    {
        if (_cluster is not null && TestContext.Current.TestState?.Result == TestResult.Failed)
            await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is { } cluster)
        {
            _cluster = null;
            await cluster.DisposeAsync();
        }
        GC.SuppressFinalize(this);
    }
}
