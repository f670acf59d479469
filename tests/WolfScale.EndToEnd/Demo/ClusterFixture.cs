namespace WolfScale.EndToEnd.Demo;

/// <summary>
/// One cluster for the tests of a class. A test gets it healthy and identical everywhere, or a new one when an earlier test failed or left it
/// broken: no test stands on another's ruins.
/// </summary>
public class ClusterFixture : IAsyncLifetime
{
    private DemoCluster? _cluster;

    protected virtual int Nodes => 3;

    /// <summary>Overrides of the nodes' configuration, as <c>section.key=value</c>.</summary>
    protected virtual Task<string[]> SettingsAsync() => Task.FromResult<string[]>([]);

    internal async Task<DemoCluster> HealthyAsync()
    {
        if (_cluster is not null)
        {
            try
            {
                await _cluster.AwaitHealthyAsync(TimeSpan.FromSeconds(20));
                return _cluster;
            }
            catch (TimeoutException)
            {
                await AbandonAsync();
            }
        }
        _cluster = await DemoCluster.StartAsync(Nodes, await SettingsAsync());
        await _cluster.AwaitHealthyAsync();
        return _cluster;
    }

    /// <summary>Takes the cluster down; the next test starts a new one.</summary>
    internal async Task AbandonAsync()
    {
        if (_cluster is { } cluster)
        {
            _cluster = null;
            await cluster.DisposeAsync();
        }
    }

    /// <summary>Called after each test: on failure prints the logs' ends, keeps the folder and abandons the cluster.</summary>
    internal async Task AfterTestAsync()
    {
        if (_cluster is null || TestContext.Current.TestState?.Result != TestResult.Failed)
            return;
        _cluster.Keep = true;
        TestContext.Current.TestOutputHelper?.WriteLine($"Logs are kept in {_cluster.Directory}\n{_cluster.LogTails()}");
        await AbandonAsync();
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public virtual async ValueTask DisposeAsync()
    {
        await AbandonAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>A class of tests on one cluster.</summary>
public abstract class ClusterTests<TFixture>(TFixture fixture) : IClassFixture<TFixture>, IAsyncDisposable
    where TFixture : ClusterFixture
{
    protected TFixture Fixture => fixture;

    protected static void Print(string line) => TestContext.Current.TestOutputHelper!.WriteLine(line);

    public async ValueTask DisposeAsync()
    {
        await fixture.AfterTestAsync();
        GC.SuppressFinalize(this);
    }
}
