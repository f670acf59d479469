using System.Globalization;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Networks;

/// <summary>
/// Partitions of every shape, on five machines with a MariaDB each, under load: writes go on wherever a majority can be had, and after the healing no
/// acknowledged write is missing, all servers are identical, all nodes ACTIVE.
/// </summary>
public sealed class PartitionTests(PartitionTests.FiveMachines fixture) : IClassFixture<PartitionTests.FiveMachines>, IAsyncDisposable
{
    private static readonly TimeSpan Lasts = Long.Or(TimeSpan.FromSeconds(40), TimeSpan.FromSeconds(5));

    public static TheoryData<PartitionShape> Shapes => [.. Enum.GetValues<PartitionShape>()];

    [Theory]
    [MemberData(nameof(Shapes))]
    public Task A_partition_loses_nothing_and_heals(PartitionShape shape) => fixture.UnderLoadAsync(async (cluster, writer) =>
    {
        for (var run = 1; run <= Long.Or(3, 1); run++)
        {
            var leader = await cluster.LeaderAsync();
            var term = await cluster.TermAsync();
            var cut = writer.Now;
            await Partitions.CutAsync(cluster, leader, shape);
            var whole = writer.Now;
            var first = await writer.AwaitAcknowledgedAsync(whole, TimeSpan.FromSeconds(60), count: 20);
            if (whole + Lasts - writer.Now is var rest && rest > TimeSpan.Zero)
                await Task.Delay(rest);
            // Not only at first: whoever leads now can go on for as long as it lasts.
            await writer.AwaitAcknowledgedAsync(writer.Now, TimeSpan.FromSeconds(30), count: 20);
            var elections = await cluster.TermAsync() - term;

            await cluster.Bed.HealAsync();
            var healed = await cluster.AwaitHealthyAsync();
            TestContext.Current.TestOutputHelper!.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{shape}, {leader.Id} led: first write {(first.Ended - cut).TotalSeconds:0.0} s after the cut, at {first.Server}; {elections} terms; healthy {healed.TotalSeconds:0.0} s after the healing"));

            // A leader that reaches a majority keeps the lead, however the others hear one another.
            if (shape is PartitionShape.FollowersInTheMinority or PartitionShape.Ring or PartitionShape.BridgeBesideTheLeader or PartitionShape.LeaderIsTheBridge)
                Assert.Equal((leader.Id, 0), (first.Server, elections));
            else
                Assert.NotEqual(leader.Id, first.Server);
        }
    });

    /// <summary>Two leave for good; two fresh, empty machines come, whom the log gives everything.</summary>
    [Fact]
    public Task Five_nodes_become_three_and_five_again_under_load() => fixture.UnderLoadAsync(async (cluster, writer) =>
    {
        for (var run = 1; run <= Long.Or(5, 1); run++)
        {
            var leader = await cluster.LeaderAsync();
            var hosts = new List<NetworkHost>();
            foreach (var node in (NodeProcess[])[leader, cluster.Nodes.Last(n => n != leader)])
            {
                hosts.Add(cluster.HostOf(node));
                await cluster.LeaveAsync(node);
                await writer.AwaitAcknowledgedAsync(writer.Now, TimeSpan.FromSeconds(60), count: 50);
            }
            await cluster.AwaitHealthyAsync();
            await cluster.AwaitMembersAsync(3);

            foreach (var node in await Task.WhenAll(hosts.Select(cluster.CreateNodeAsync)))
            {
                cluster.Add(node);
                await node.StartAsync();
            }
            await cluster.AwaitHealthyAsync();
            await writer.AwaitAcknowledgedAsync(writer.Now, TimeSpan.FromSeconds(60), count: 50);
            Assert.All(cluster.Nodes, n => Assert.Null(Lines.With(n.Log, "data are being replaced by a copy")));
        }
    });

    public async ValueTask DisposeAsync() => await fixture.AfterTestAsync();

    public sealed class FiveMachines : NetworkFixture
    {
        internal override Task<NetworkCluster> StartAsync() => NetworkCluster.StartAsync(5);
    }
}
