using WolfScale.Cluster.Discovery;

namespace WolfScale.Unit.Cluster;

/// <summary>Which genuine beacons count, and what is remembered of them.</summary>
public class BeaconTableTests
{
    private const long Clock = 1_700_000_000_000;

    private readonly BeaconTable _table = new();

    [Fact]
    public void A_node_is_heard_until_five_beacons_are_missing()
    {
        Assert.Equal((BeaconRefusal.None, true), Take(Node("node-1"), Clock, 0));
        Assert.Equal((BeaconRefusal.None, false), Take(_table.Live(0)[0], Clock + 2000, 2000));

        Assert.Single(_table.Live(12_000));
        Assert.Empty(_table.Live(12_001));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(-1000, 1)]
    [InlineData(-60_000, 1)]
    [InlineData(-60_001, -60_001)]
    [InlineData(-3_600_000, -3_600_000)]
    [InlineData(2000, 2000)]
    public void A_clock_that_is_put_right_lets_a_node_be_found_at_once(long step, long expected)
    {
        Assert.Equal(Clock + expected, DiscoveryService.NextTime(Clock + step, Clock));

        // Nobody believed it while its clock was an hour ahead; now it is believed.
        if (step == -3_600_000)
        {
            var now = Clock + step;
            Assert.Equal(BeaconRefusal.OutOfTime, _table.Take(Node("node-1"), Clock, now, 0, out _));
            Assert.Equal(BeaconRefusal.None, _table.Take(Node("node-1"), DiscoveryService.NextTime(now, Clock), now, 1, out _));
        }
    }

    [Fact]
    public void What_it_says_anew_is_news()
    {
        var node = Node("node-1");
        _ = Take(node, Clock, 0);

        Assert.True(Take(node with { ClusterId = Guid.NewGuid() }, Clock + 1, 1).IsNews);
        Assert.True(Assert.Single(_table.Live(1)).IsMember);
    }

    [Fact]
    public void A_recorded_packet_does_not_come_in_again()
    {
        var node = Node("node-1");
        _ = Take(node, Clock, 0);
        _ = Take(node with { ClusterAddress = "10.0.0.2:7654" }, Clock + 2000, 2000);

        Assert.Equal(BeaconRefusal.Repeated, Take(node, Clock, 2001).Refusal);
        Assert.Equal(BeaconRefusal.Repeated, Take(node, Clock + 2000, 2001).Refusal);
        Assert.Equal("10.0.0.2:7654", Assert.Single(_table.Live(2001)).ClusterAddress);
        // Nor when the node is gone, and not after its time is too old either.
        Assert.Equal(BeaconRefusal.Repeated, Take(node, Clock + 2000, 50_000).Refusal);
        Assert.Equal(BeaconRefusal.OutOfTime, Take(node, Clock + 2000, 62_001).Refusal);
        Assert.Empty(_table.Live(62_001));
    }

    [Theory]
    [InlineData(-60_001)]
    [InlineData(60_001)]
    [InlineData(long.MaxValue - Clock)]
    public void A_time_that_is_far_from_this_machines_is_not_believed(long difference)
    {
        Assert.Equal(BeaconRefusal.OutOfTime, Take(Node("node-1"), Clock + difference, 0).Refusal);
        Assert.Empty(_table.Live(0));
    }

    [Fact]
    public void However_many_are_heard_only_the_newest_are_remembered()
    {
        for (var i = 0; i < 10 * BeaconTable.Capacity; i++)
            _ = Take(Node($"node-{i}"), Clock + i, i);

        var live = _table.Live(10 * BeaconTable.Capacity);
        Assert.Equal(BeaconTable.Capacity, live.Length);
        Assert.Contains(live, b => b.NodeId == $"node-{(10 * BeaconTable.Capacity) - 1}");
    }

    private (BeaconRefusal Refusal, bool IsNews) Take(Beacon beacon, long sentMs, long nowMs) => (_table.Take(beacon, sentMs, Clock + nowMs, nowMs, out var isNews), isNews);

    private static Beacon Node(string id) => new(Guid.NewGuid(), id, Guid.Empty, "10.0.0.1:7654", "", ApiTls: false, Founding: false);
}
