namespace WolfScale.Integration.Cluster;

public class ReplicationTests
{
    [Fact]
    public async Task Three_nodes_elect_the_lowest_id_and_hold_ten_thousand_batches_alike()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        var leader = await cluster.ServingAsync();
        var term = leader.Role.Term;
        var last = 0L;
        for (ulong i = 1; i <= 10_000; i++)
        {
            await leader.WaitForRoomAsync(CancellationToken.None);
            var outcome = leader.Propose(TestCluster.Batch(i), term);
            Assert.True(outcome.Accepted, $"batch {i}: {outcome}");
            last = outcome.FirstLsn;
        }
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await leader.WaitForCommitAsync(last, limit.Token);
        await cluster.UntilEqualAsync();
        foreach (var node in cluster.Nodes)
            Assert.Equal(Enumerable.Range(1, 10_000).Select(i => (ulong)i), TestCluster.Groups(node));
    }
}
