using System.Text;
using WolfScale.Cluster;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Integration.Cluster;

/// <summary>Cluster nodes on loopback, in this process, each with a folder of its own that survives the node.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private readonly TempFolder _root = new("cluster");
    private readonly Dictionary<string, int> _ports = [];
    private readonly Dictionary<string, ClusterNode> _nodes = [];
    private readonly List<ClusterNode> _stopped = [];

    /// <summary>Short times, so that tests are quick; long enough for a loaded machine.</summary>
    public Func<ClusterOptions, ClusterOptions> Options { get; init; } = o => o;

    public Dictionary<string, LogLines> Logs { get; } = [];

    public IReadOnlyCollection<ClusterNode> Nodes => _nodes.Values;

    public ClusterNode this[string id] => _nodes[id];

    public static async Task<TestCluster> OfThreeAsync(Func<ClusterOptions, ClusterOptions>? options = null)
    {
        var cluster = new TestCluster { Options = options ?? (o => o) };
        cluster.Reserve("node-1", "node-2", "node-3");
        await cluster.StartAsync("node-1", o => o with { Bootstrap = true });
        await cluster.StartAsync("node-2");
        await cluster.StartAsync("node-3");
        await cluster.UntilAsync("three voters and a serving leader", () => cluster.Nodes.All(n => n.Configuration is { VoterCount: 3 }) && cluster.Serving is not null);
        return cluster;
    }

    public string Folder(string id) => Path.Combine(_root.Path, id);

    public string AddressOf(string id) => $"127.0.0.1:{_ports[id]}";

    /// <summary>Gives nodes their ports before they run, so that they can name one another.</summary>
    public void Reserve(params string[] ids)
    {
        foreach (var id in ids)
            _ports[id] = Ports.FreeRange(1);
    }

    public async Task<ClusterNode> StartAsync(string id, Func<ClusterOptions, ClusterOptions>? change = null)
    {
        if (!_ports.ContainsKey(id))
            Reserve(id);
        var options = (change ?? (o => o))(Options(new ClusterOptions
        {
            NodeId = id,
            DataDirectory = Folder(id),
            BindAddress = AddressOf(id),
            Peers = [.. _ports.Keys.Select(AddressOf)],
            ClusterName = "test",
            Secret = "a secret of the test",
            HeartbeatIntervalMs = 100,
            ElectionTimeoutMinMs = 500,
            ElectionTimeoutMaxMs = 1000,
        }));
        var log = Logs[id] = new LogLines(id);
        var node = await ClusterNode.StartAsync(options, log, TimeProvider.System);
        node.SetLocalState(new LocalState { Fit = true, Status = NodeStatus.Active });
        lock (_nodes) // several may be started at once
            _nodes[id] = node;
        return node;
    }

    /// <summary>Ends a node without a word, as SIGKILL would look to the others.</summary>
    public async Task KillAsync(string id)
    {
        _nodes.Remove(id, out var node);
        await node!.StopAsync();
        _stopped.Add(node);
    }

    public void Forget(string id) => Directory.Delete(Folder(id), recursive: true);

    /// <summary>The node that leads and may serve, or null.</summary>
    public ClusterNode? Serving => Nodes.Where(n => n.Role.Lease is { Ended.IsCancellationRequested: false }).MaxBy(n => n.Role.Term);

    public async Task<ClusterNode> ServingAsync()
    {
        await UntilAsync("a serving leader", () => Serving is not null);
        return Serving!;
    }

    public static SealedBatch Batch(ulong sequence, int bytes = 100)
    {
        using var builder = new WalBatchBuilder();
        var payload = new byte[bytes];
        new Random((int)sequence).NextBytes(payload); // or compression would make little of it
        Encoding.ASCII.GetBytes($"entry {sequence}", payload);
        Assert.True(builder.TryAdd(EntryKind.Group, EntryFlags.First | EntryFlags.Last, new EntryKey(0, 1, sequence), payload));
        return builder.Seal();
    }

    /// <summary>Writes one entry and waits until the quorum has it, through whatever leader there is.</summary>
    public async Task<long> WriteAsync(ulong sequence, int bytes = 100)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            var leader = await ServingAsync();
            if (leader.Role.Lease is not { } lease)
                continue;
            var batch = Batch(sequence, bytes);
            var outcome = leader.Propose(batch, lease.Term);
            if (outcome.Accepted)
            {
                await leader.WaitForCommitAsync(outcome.FirstLsn, limit.Token);
                return outcome.FirstLsn;
            }
            batch.Dispose();
            await Task.Yield();
        }
    }

    /// <summary>The sequences of all groups in a node's log, in order.</summary>
    public static List<ulong> Groups(ClusterNode node)
    {
        var found = new List<ulong>();
        var cursor = node.Wal.OpenCursor(node.Wal.FirstLsn);
        while (cursor.TryRead(long.MaxValue, out var batch))
        {
            using (var entries = batch.Entries())
            {
                while (entries.MoveNext())
                {
                    if (entries.Current.Kind == EntryKind.Group)
                        found.Add(entries.Current.Key.Sequence);
                }
            }
            batch.Release();
        }
        return found;
    }

    /// <summary>Waits for something that must come; fails with its name and all logs when it does not.</summary>
    public async Task UntilAsync(string what, Func<bool> condition, int seconds = 40)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        var started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > TimeSpan.FromSeconds(seconds))
                Assert.Fail($"waited in vain for {what}\n" + string.Join("\n", Logs.SelectMany(l => l.Value.All.TakeLast(25).Select(t => $"{l.Key} {t}"))));
            await poll.WaitForNextTickAsync();
        }
    }

    /// <summary>All nodes hold the same log to its end, durable and committed.</summary>
    public Task UntilEqualAsync() => UntilAsync("equal logs", () =>
    {
        var last = Nodes.Max(n => n.Wal.Last.Lsn);
        return Nodes.All(n => n.Wal.Durable.Lsn == last && n.CommitLsn == last && n.Wal.Last.Term == Nodes.First().Wal.Last.Term);
    });

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes.Values)
            await node.DisposeAsync();
        _root.Dispose();
    }
}
