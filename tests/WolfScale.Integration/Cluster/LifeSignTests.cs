using WolfScale.Cluster;

namespace WolfScale.Integration.Cluster;

/// <summary>What a service manager's watchdog goes by.</summary>
public class LifeSignTests
{
    [Fact]
    public async Task A_node_whose_loops_come_round_passes_and_one_that_hangs_does_not()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        var node = cluster.Nodes.First(n => n != cluster.Serving);
        await node.PassAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));

        using var hangs = new ManualResetEventSlim();
        var isHanging = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        node.ViewChanged += view =>
        {
            _ = isHanging.TrySetResult(); // on the node's own loop
            hangs.Wait();
        };
        await isHanging.Task.WaitAsync(TimeSpan.FromSeconds(30));
        var passing = PassTwiceAsync(node); // once it may, if it was another loop that told of a view first
        for (var i = 0; i < 10; i++)
            await cluster.Serving!.PassAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.False(passing.IsCompleted);
        hangs.Set();
        await passing.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private static async Task PassTwiceAsync(ClusterNode node)
    {
        await node.PassAsync(CancellationToken.None);
        await node.PassAsync(CancellationToken.None);
    }
}
