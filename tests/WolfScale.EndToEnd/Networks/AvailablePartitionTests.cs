using System.Globalization;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Networks;

/// <summary>
/// Mode "available" (rule C5): the same partitions of five machines under load as in the consistent mode. Both sides may write; healed, all are identical, and what was lost by it is what
/// the oracle says, saved and reported. A side that can ask a node that hears a leader takes no lead of its own, so a ring or a bridge costs nothing.
/// </summary>
public sealed class AvailablePartitionTests(AvailablePartitionTests.FiveMachines fixture) : IClassFixture<AvailablePartitionTests.FiveMachines>, IAsyncDisposable
{
    private static readonly TimeSpan Lasts = Long.Or(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(1));

    public static TheoryData<PartitionShape> Shapes => [.. Long.Or<PartitionShape[]>(Enum.GetValues<PartitionShape>(), [PartitionShape.LeaderDoesNotHear, PartitionShape.Ring])];

    [Theory]
    [MemberData(nameof(Shapes))]
    public async Task A_partition_heals_and_what_it_cost_is_saved_and_reported(PartitionShape shape)
    {
        for (var run = 1; run <= Long.Or(3, 1); run++)
        {
            await fixture.UnderLoadAsync(async (cluster, writer) =>
            {
                var leader = await cluster.LeaderAsync();
                await Partitions.CutAsync(cluster, leader, shape);
                var cut = writer.Now;
                if (Splits(shape))
                {
                    // Another side goes on, whatever becomes of the first.
                    var other = await cluster.LeaderAsync([.. cluster.Nodes.Where(n => n != leader)]);
                    await writer.AwaitAcknowledgedAsync(writer.Now, TimeSpan.FromSeconds(30), count: 20, other.Id);
                }
                await writer.AwaitAcknowledgedAsync(writer.Now, TimeSpan.FromSeconds(30), count: 20);
                await Task.Delay(Lasts);
                if (!Splits(shape))
                    Assert.Equal(leader.Id, (await cluster.LeaderAsync()).Id);

                await cluster.Bed.HealAsync();
                var healed = await cluster.AwaitHealthyAsync();
                TestContext.Current.TestOutputHelper!.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"{shape}, {leader.Id} led: cut for {(writer.Now - healed - cut).TotalSeconds:0.0} s, healthy {healed.TotalSeconds:0.0} s after the healing"));
            });
            Assert.Equal(Splits(shape), fixture.Lost > 0);
        }
    }

    public async ValueTask DisposeAsync() => await fixture.AfterTestAsync();

    /// <summary>Somebody hears no leader, and nobody who hears one.</summary>
    private static bool Splits(PartitionShape shape) => shape is not (PartitionShape.Ring or PartitionShape.BridgeBesideTheLeader or PartitionShape.LeaderIsTheBridge);

    public sealed class FiveMachines : AvailableFixture
    {
        internal override Task<NetworkCluster> StartAsync() => NetworkCluster.StartAsync(5, settings: Settings);
    }
}
