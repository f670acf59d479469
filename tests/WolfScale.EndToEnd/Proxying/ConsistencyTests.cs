using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.Proxied;

namespace WolfScale.EndToEnd.Proxying;

/// <summary>What reads may show, on four followers that lag again and again.</summary>
public sealed class ConsistencyTests(ConsistencyTests.Five fixture) : ClusterTests<ConsistencyTests.Five>(fixture)
{
    [Fact]
    public async Task Sessions_see_their_own_writes_and_never_go_back_strong_ones_see_everybodys_and_eventual_ones_do_not()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        var followers = cluster.Facts.Nodes.Where(n => n.Id != leader.Id).ToList();
        await ConsistencyLoad.CreateTableAsync(leader.Server, cluster.Facts.Database, followers.Count);
        await cluster.AwaitHealthyAsync();
        var load = new ConsistencyLoad(cluster, followers, Long.Or(100_000, 5_000));

        await load.RunAsync();

        Print(load.ToString());
        Assert.True(load.Violations.Count == 0, string.Join('\n', load.Violations.Take(10)));
        foreach (var promise in Enum.GetValues<Promise>())
            Assert.True(load.Local(promise) > load.Checks(promise) / 20, $"{promise}: nearly nothing was read locally, so nothing is shown: {load}");
        Assert.True(load.Broken(Promise.Eventual) > 0, "nothing lagged: these checks can see no violation");
        await cluster.AwaitHealthyAsync();
        await cluster.Comparer.AssertIdenticalAsync([new("table", $"{cluster.Facts.Database}.{ConsistencyLoad.Table}", 2 * followers.Count)]);
    }

    public sealed class Five : ClusterFixture
    {
        protected override int Nodes => 5;
    }
}
