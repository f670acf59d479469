using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.Acked;

namespace WolfScale.EndToEnd.Networks;

/// <summary>One cluster for the tests of a class, until one of them fails: the next then gets a new one.</summary>
public abstract class NetworkFixture : IAsyncLifetime
{
    private NetworkCluster? _cluster;
    private long _nextId;

    /// <summary>Starts the cluster.</summary>
    internal abstract Task<NetworkCluster> StartAsync();

    /// <summary>The cluster, whole and healthy.</summary>
    internal async Task<NetworkCluster> HealthyAsync()
    {
        if (_cluster is null)
        {
            _cluster = await StartAsync();
            _nextId = 0;
        }
        await _cluster.AwaitHealthyAsync();
        return _cluster;
    }

    /// <summary>Runs a story beside writers whose ids nobody had before; then all servers must be identical and hold what was acknowledged.</summary>
    internal async Task UnderLoadAsync(Func<NetworkCluster, AckedWriter, Task> storyAsync)
    {
        var cluster = await HealthyAsync();
        var leader = await cluster.LeaderAsync();
        // Not DELETE for the table without a key: followers look for every row of it through the whole table, and are not fit to lead for minutes.
        await leader.Server.RunAsync($"DELETE FROM {NetworkCluster.Database}.{AckedWriter.Table}", $"TRUNCATE TABLE {NetworkCluster.Database}.{AckedWriter.KeylessTable}");
        await using var writer = cluster.Write(_nextId);
        await writer.AwaitAcknowledgedAsync(TimeSpan.Zero, TimeSpan.FromSeconds(30), count: 50);
        await storyAsync(cluster, writer);
        await writer.AwaitAcknowledgedAsync(writer.Now, TimeSpan.FromSeconds(30), count: 50);
        await writer.StopAsync();
        _nextId = writer.Attempts.Max(a => a.Id);
        await JudgeAsync(cluster, writer);
    }

    /// <summary>What must hold in the end.</summary>
    internal virtual Task JudgeAsync(NetworkCluster cluster, AckedWriter writer) => cluster.AssertNothingLostAsync(writer);

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
